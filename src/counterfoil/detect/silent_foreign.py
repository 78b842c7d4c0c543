"""A call in the name of a service that never signs in, from a network in which that service does not live."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir


def _find(tables: Tables) -> ir.Table:
    return tables.suspects.filter(tables.suspects.of_service).select("token_key")


RULE = Rule(
    id="silent-service-from-elsewhere",
    title="a service that never signs in, called from a network that is not its own",
    weight=5.0,
    severity="high",
    confidence="medium",
    audience="tenant",
    attack=("T1550.001", "T1036"),
    references=("counterfoil, reconciliation rule 5.6",),
    why="Calls that services make for themselves have no sign-in record, so nothing about them can be judged: the "
    "place to hide. But they come from the provider's own few networks.",
    innocent="A new network of the provider looks the same on its first day.",
    needs="acceptances with addresses",
    blind="an intruder inside the provider's networks",
    next_step="Check who owns the network. If it is not the provider's, treat the token as forged.",
    find=_find,
)
