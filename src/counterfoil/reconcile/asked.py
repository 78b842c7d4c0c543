"""What the user says about the evidence, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.model.coverage import AttestedLog, Declaration


@dataclass(frozen=True)
class Asked:
    """What the user says about the evidence. `truncated`: source -> how an export of it shows a cut.

    `attested`: what checks of exported logs have shown.
    """

    declarations: tuple[Declaration, ...] = ()
    exported_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    federated: tuple[tuple[str, str], ...] = ()
    identities: tuple[tuple[str, str], ...] = ()
    truncated: Mapping[str, str] = field(default_factory=dict)
    attested: tuple[AttestedLog, ...] = ()
