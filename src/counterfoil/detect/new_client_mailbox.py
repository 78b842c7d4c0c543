"""An application opens a mailbox that it never opened before."""

from __future__ import annotations

from counterfoil.detect._first_use import through_new_client
from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir


def _find(tables: Tables) -> ir.Table:
    return through_new_client(tables, "object_id")


RULE = Rule(
    id="new-client-for-mailbox",
    title="an application that never opened this mailbox before",
    weight=1.0,
    severity="low",
    confidence="low",
    audience="tenant",
    attack=("T1114.002",),
    references=(
        "elastic/detection-rules: Suspicious Microsoft 365 Mail Access by ClientAppId (first seen in 10 days)",
    ),
    why="People open their mailbox with the same few applications.",
    innocent="A new phone or client looks the same once.",
    needs="mail access of a week before",
    blind="who was there from the first day of the log",
    next_step="Ask the owner of the mailbox whether a new application was set up.",
    find=_find,
)
