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
    attack=("T1550.001", "T1036"),
    why="Calls that services make for themselves have no sign-in record, so nothing about them can be judged: the "
    "place to hide. But they come from the provider's own few networks.",
    next_step="Check who owns the network. If it is not the provider's, treat the token as forged.",
    find=_find,
)
