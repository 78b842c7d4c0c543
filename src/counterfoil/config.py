"""Settings of a run: one frozen value, with defaults and units. Read from the command line in one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from counterfoil.model.coverage import Declaration


@dataclass(frozen=True)
class HuntSettings:
    """What a hunt is told. Times are naive UTC.

    `since`, `until`: judge acceptances of this half-open interval only; issuance is read from all evidence.
    `federated`: (domain, issuer) pairs, such as ("contoso.com", "adfs:contoso.com").
    `memory`: limit of the engine's memory, such as "2GB"; what does not fit is spilled to the case folder.
    """

    case: Path
    since: datetime | None = None
    until: datetime | None = None
    complete: tuple[Declaration, ...] = ()
    exported_at: datetime | None = None
    federated: tuple[tuple[str, str], ...] = ()
    identities: Path | None = None
    memory: str | None = None
    threads: int | None = None
