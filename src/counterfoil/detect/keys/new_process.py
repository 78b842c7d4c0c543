"""A program touches a key that never did before."""

from __future__ import annotations

from counterfoil.detect.keys._newcomer import newcomers
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ir


def _find(tables: KeyTables) -> ir.Table:
    return newcomers(tables.activity, "process")


KEY_RULE = KeyRule(
    id="key-new-process",
    title="a program touched a signing key that never did before",
    severity="medium",
    confidence="medium",
    audience="issuer",
    attack=("T1552.004", "T1059"),
    references=("CSRB, Review of the Summer 2023 Microsoft Exchange Online Intrusion, 2024-03-20",),
    why="A key is used by the same one or two programs for years. Another program under a known account is somebody"
    " who has that account, or its machine. Versions are left out of the names.",
    innocent="A new release under another path, or an administrator's new tool, looks the same once.",
    needs="a log of the key store that names programs or user agents, with two weeks before the day in question",
    blind="code inside the known program; an agent's name is the caller's own word in logs of services",
    next_step="Look at that process on that machine: who started it, from which file, and what else it opened.",
    find=_find,
)
