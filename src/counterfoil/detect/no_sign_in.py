"""A user's mail was read, and no sign-in of that user is in evidence at all."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir


def _find(tables: Tables) -> ir.Table:
    people = tables.issued.filter(tables.issued.subject.notnull()).select("subject").distinct()
    suspects = tables.suspects.filter(
        tables.suspects.object_kind == "mailbox", tables.suspects.subject.notnull(), tables.suspects.derived == ""
    )
    return suspects.anti_join(people, "subject").select("token_key")


RULE = Rule(
    id="mail-without-sign-in",
    title="mail was read, and no sign-in of that user is in evidence",
    weight=1.0,
    severity="low",
    confidence="low",
    audience="tenant",
    attack=("T1114.002",),
    references=("CSRB, Review of the Summer 2023 Microsoft Exchange Online Intrusion, 2024-03-20",),
    why="Either the sign-in logs were not exported, or nobody signed in.",
    innocent="Applications that read mail on their own behalf look the same.",
    needs="mail access; sign-ins, if there are any",
    blind="users who signed in as well",
    next_step="Export the sign-ins of these users: counterfoil sources says which logs hold any, and how.",
    find=_find,
)
