"""AD FS as a check sees it: its audit settings, and who may read the container that its signing keys are kept by."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.posture.records import KeyRecord


@dataclass(frozen=True)
class FederationServer:
    """A farm. `audit`: its level, empty: not told. `log`: what goes into its log, None: not told.

    `readers`: who may read the DKM container, None: not told. `off`: records of its log being turned off or cleared.
    """

    name: str
    audit: str = ""
    log: frozenset[str] | None = None
    readers: tuple[str, ...] | None = None
    off: tuple[KeyRecord, ...] = ()
