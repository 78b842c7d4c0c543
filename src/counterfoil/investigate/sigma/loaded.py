"""A rule of Sigma, compiled or refused: what is known of it without pySigma."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Loaded:
    """A rule. `sql`: its condition over lists, or empty with the reason in `why`; `fields`: column -> field.

    `plain`: the same over fields that lie nowhere in a list (`sigma.fields`). `whole`: it asks the whole record, too.
    """

    id: str
    title: str
    level: str = ""
    log: str = ""
    sql: str = ""
    plain: str = ""
    whole: bool = False
    why: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
