"""A log of key use, as settings and records show it."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.posture.records import KeyRecord, Part
from counterfoil.posture.tenant import ImportedResult


@dataclass(frozen=True)
class KeyUseLog:
    """One log. `log`: the name of its records in a case. `taken`: uses of keys go into it, by its settings.

    `what`: trails or devices; `why`: what is amiss. `parts`, `off`: records of uses in a case, and of the log being
    turned off; `results`: what other scanners say of it.
    """

    name: str
    log: str
    taken: bool | None
    what: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    off: tuple[KeyRecord, ...] = ()
    results: tuple[ImportedResult, ...] = ()
