"""A token that nobody issued, from a place or by programs that the user is known for, though not both."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir


def _find(tables: Tables) -> ir.Table:
    suspects = tables.suspects
    return suspects.filter(suspects.explained, suspects.relied, suspects.missed | ~suspects.has_id).select("token_key")


RULE = Rule(
    id="explained-miss",
    title="no sign-in, and only half of it is the user's: a new program at home, or known programs elsewhere",
    weight=2.5,
    severity="medium",
    confidence="medium",
    audience="tenant",
    attack=("T1550.001", "T1606"),
    references=("counterfoil, reconciliation rule 5: a second sign is needed",),
    why="The token has no sign-in, and either the place or the programs are not the user's.",
    innocent="A telephone that changes networks and one lost record look like this. So does one token of a thief who "
    "copies the user's programs and session.",
    needs="sign-ins that are declared complete",
    blind="who uses the user's network and programs",
    next_step="Ask the user about this place and time, and look for more from the same network.",
    find=_find,
)
