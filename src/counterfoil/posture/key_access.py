"""Who may use and who may administer keys, as an export says it."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.posture.records import KeyActs

# Principals that stand for everybody.
EVERYBODY = frozenset({"*", "allUsers", "allAuthenticatedUsers", "@users", "Everyone"})


@dataclass(frozen=True)
class Grant:
    """What one principal may do. `via`: the statement, role or setting that says so."""

    principal: str
    uses: bool
    administers: bool
    via: str = ""


@dataclass(frozen=True)
class KeyAccess:
    """What one export grants. `whole`: nobody else may, by what it says; else others decide as well (IAM).

    `acts`: what records of a case show that principals did.
    """

    name: str
    grants: tuple[Grant, ...]
    whole: bool = True
    acts: tuple[KeyActs, ...] = ()
