"""A rule of Sigma, compiled or refused: what is known of it without pySigma."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Loaded:
    """A rule. `sql`: its condition, or empty with the reason in `why`; `fields`: column -> (field, its expression)."""

    id: str
    title: str
    level: str = ""
    log: str = ""
    sql: str = ""
    why: str = ""
    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
