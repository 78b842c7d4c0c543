"""An application of which no use links to any sign-in, used from people's own networks."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir


def _find(tables: Tables) -> ir.Table:
    return tables.suspects.filter(tables.suspects.route, tables.suspects.relied).select("token_key")


RULE = Rule(
    id="unheard-application",
    title="an application of which no use links to any sign-in, used from people's own networks",
    weight=2.5,
    severity="medium",
    confidence="low",
    audience="tenant",
    attack=("T1550.001", "T1606"),
    references=("counterfoil, reconciliation rule 5.6",),
    why="It was there when the log began, so perhaps its sign-ins were not exported, or its uses carry no ids. "
    "An intruder inside the network, who was there first, is the other reading.",
    innocent="An application whose sign-ins were not exported looks the same.",
    needs="sign-ins that are declared complete",
    blind="applications of which any use links to a sign-in",
    next_step="Ask who runs this application, and export its sign-ins: then it can be judged.",
    find=_find,
)
