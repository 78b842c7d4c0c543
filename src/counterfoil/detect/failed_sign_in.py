"""The token's id is known only from a sign-in that failed."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.model.reason import Reason


def _find(tables: Tables) -> ir.Table:
    return tables.suspects.filter(tables.suspects.reason == str(Reason.FAILURE_ONLY)).select("token_key")


RULE = Rule(
    id="failed-sign-in-only",
    title="a token whose sign-in failed was accepted",
    weight=3.0,
    severity="medium",
    confidence="medium",
    audience="tenant",
    attack=("T1550.001",),
    references=("learn.microsoft.com, linkable token identifiers in Microsoft Entra",),
    why="No token is issued when a sign-in fails.",
    innocent="A later success that was lost from the log looks the same.",
    needs="sign-ins with token ids, failures included",
    blind="failures that were not exported",
    next_step="Look for a success under the same id in another export of the sign-in log.",
    find=_find,
)
