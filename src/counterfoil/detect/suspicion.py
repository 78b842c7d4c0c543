"""Ranks what cannot be judged: every rule over the suspects, weights summed per token."""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.detect.registry import all_rules
from counterfoil.detect.rule import Tables
from counterfoil.expressions import ibis, ir
from counterfoil.model.verdict import Verdict

# Of the number in front of a rule's id while rules are put in order, heaviest first as `all_rules` has them.
_DIGITS = 3
OPEN = (str(Verdict.UNCOVERED), str(Verdict.UNLINKABLE))


def suspects(tokens: ir.Table) -> ir.Table:
    """Return the tokens that cannot be judged, without service calls that never can: those have their own rule."""
    return tokens.filter(tokens.verdict.isin(OPEN), ~tokens.silent)


def suspicion(keep: Callable[[str, ir.Table], ir.Table], tables: Tables) -> ir.Table:
    """Return (token_key, suspicion, rules): the summed weight, and the ids of the rules joined by spaces."""
    hits = [
        keep(
            f"rule_{number}",
            rule.find(tables)
            .distinct()
            .mutate(
                rule=ibis.literal(f"{number:0{_DIGITS}}{rule.id}"),
                # one type for all: engines give each literal its own
                weight=ibis.literal(rule.weight, type="float64").cast("decimal(3, 1)"),
            ),
        )
        for number, rule in enumerate(all_rules())
    ]
    every = ibis.union(*hits)
    found = every.rule.collect().sort().map(lambda rule: rule[_DIGITS:])
    return keep(
        "suspicion", every.group_by("token_key").agg(suspicion=every.weight.sum(), rules=ibis.literal(" ").join(found))
    )
