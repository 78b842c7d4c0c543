"""Somebody touches a key who never did before."""

from __future__ import annotations

from counterfoil.detect.keys._newcomer import newcomers
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ir


def _find(tables: KeyTables) -> ir.Table:
    return newcomers(tables.activity, "principal")


KEY_RULE = KeyRule(
    id="key-new-principal",
    title="somebody touched a signing key who never did before",
    severity="medium",
    confidence="medium",
    audience="issuer",
    attack=("T1552.004", "T1078"),
    references=("CSRB, Review of the Summer 2023 Microsoft Exchange Online Intrusion, 2024-03-20",),
    why="Few accounts ever touch a signing key: the token service, and the few who administer it. After two weeks all"
    " of them have been seen.",
    innocent="A new colleague, a renamed account or a new token service looks the same on its first day.",
    needs="a log of the key store with two weeks before the day in question",
    blind="who was there from the first days on; who acts under a known account",
    next_step="Ask who gave this account access to the key, and by which change request.",
    find=_find,
)
