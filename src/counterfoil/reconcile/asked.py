"""What the user says about the evidence, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from counterfoil.model.coverage import AttestedLog, Declaration
from counterfoil.model.hosting import NetworkFile
from counterfoil.model.logs import Logs
from counterfoil.tokens.entitlement import Entitlement


@dataclass(frozen=True)
class Asked:
    """What the user says about the evidence, and what reading it has shown.

    `truncated`: source -> how an export of it shows a cut. `attested`: what checks of exported logs
    have shown. `keys`: what signing keys may sign, by key id. `logs`: what the logs of issuances mean. `networks`: a
    file that says whose network an address is in; suspicions alone ask it.
    """

    declarations: tuple[Declaration, ...] = ()
    exported_at: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    federated: tuple[tuple[str, str], ...] = ()
    identities: tuple[tuple[str, str], ...] = ()
    truncated: Mapping[str, str] = field(default_factory=dict)
    attested: tuple[AttestedLog, ...] = ()
    keys: Mapping[str, Entitlement] = field(default_factory=dict)
    logs: Logs = field(default_factory=Logs)
    networks: NetworkFile | None = None
