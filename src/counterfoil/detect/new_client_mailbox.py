"""An application opens a mailbox that it never opened before."""

from __future__ import annotations

import ibis.expr.types as ir

from counterfoil.detect.rule import Rule, Tables

BASELINE_DAYS = 7
NEW_DAYS = 7  # so long an application stays new


def _find(tables: Tables) -> ir.Table:
    mail = tables.acceptances.filter(
        tables.acceptances.object_kind == "mailbox", tables.acceptances.client_id.notnull()
    )
    begin = mail.group_by("object_id").agg(begin=mail.event_time.min().epoch_seconds())
    clients = mail.group_by("object_id", "client_id").agg(since=mail.event_time.min().epoch_seconds())
    new = clients.join(begin, "object_id").filter(lambda t: t.since - t.begin >= BASELINE_DAYS * 86_400)
    suspects = tables.suspects.filter(tables.suspects.object_kind == "mailbox")
    found = suspects.join(new, ["object_id", "client_id"], rname="{name}_client")
    return found.filter(found.t_first - found.since <= NEW_DAYS * 86_400).select("token_key")


RULE = Rule(
    id="new-client-for-mailbox",
    title="an application that never opened this mailbox before",
    weight=1.0,
    attack=("T1114.002",),
    why="People open their mailbox with the same few applications. A new phone or client looks the same once.",
    next_step="Ask the owner of the mailbox whether a new application was set up.",
    find=_find,
)
