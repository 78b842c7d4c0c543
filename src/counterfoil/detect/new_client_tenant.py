"""An application reads mail in a tenant in which it never did before."""

from __future__ import annotations

from counterfoil.detect._first_use import through_new_client
from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir


def _find(tables: Tables) -> ir.Table:
    return through_new_client(tables, "resource_tenant")


RULE = Rule(
    id="new-client-for-tenant",
    title="an application that never read mail in this tenant before",
    weight=2.0,
    severity="medium",
    confidence="low",
    audience="tenant",
    attack=("T1114.002",),
    references=(
        "CSRB, Review of the Summer 2023 Microsoft Exchange Online Intrusion, 2024-03-20",
        "Sumo Logic FIRST-S00044 (first seen in 14 days)",
    ),
    why="In 2023 the intruder was found because an application that never read mail did.",
    innocent="A newly deployed application looks the same once.",
    needs="mail access of a week before",
    blind="applications that read mail in that tenant before",
    next_step="Ask the owner of the application whether it was deployed or changed on that day.",
    find=_find,
)
