"""User agents of the intrusion of 2023, within its dates."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.model.storm_0558 import AGENTS, FIRST, LAST

_DAY = 86_400


def _find(tables: Tables) -> ir.Table:
    suspects = tables.suspects
    return suspects.filter(
        suspects.user_agent.isin(sorted(AGENTS)),
        suspects.t_last >= int(FIRST.timestamp()),
        suspects.t_first < int(LAST.timestamp()) + _DAY,
    ).select("token_key")


RULE = Rule(
    id="storm-0558-agent",
    title="a user agent published for Storm-0558, within its dates",
    weight=1.0,
    severity="low",
    confidence="low",
    audience="tenant",
    attack=("T1550.001",),
    references=("Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14",),
    why="The agents were published with the analysis of 2023.",
    innocent="Honest applications send them too: alone they only rank.",
    needs="logs of 2023",
    blind="agents that were changed",
    next_step="Look at the address and the application of the same access.",
    find=_find,
)
