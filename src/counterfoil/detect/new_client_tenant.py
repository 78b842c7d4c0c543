"""An application reads mail in a tenant in which it never did before."""

from __future__ import annotations

import ibis.expr.types as ir

from counterfoil.detect.rule import Rule, Tables

# An application is new only against a baseline: mail access in this tenant for so many days before it. Public rules of
# this kind take 10 to 14 days; a shorter export must still rank.
BASELINE_DAYS = 7
NEW_DAYS = 7  # so long an application stays new


def _find(tables: Tables) -> ir.Table:
    mail = tables.acceptances.filter(
        tables.acceptances.object_kind == "mailbox", tables.acceptances.client_id.notnull()
    )
    begin = mail.group_by("resource_tenant").agg(begin=mail.event_time.min().epoch_seconds())
    clients = mail.group_by("resource_tenant", "client_id").agg(since=mail.event_time.min().epoch_seconds())
    new = clients.join(begin, "resource_tenant").filter(lambda t: t.since - t.begin >= BASELINE_DAYS * 86_400)
    suspects = tables.suspects.filter(tables.suspects.object_kind == "mailbox")
    found = suspects.join(new, ["resource_tenant", "client_id"], rname="{name}_client")
    return found.filter(found.t_first - found.since <= NEW_DAYS * 86_400).select("token_key")


RULE = Rule(
    id="new-client-for-tenant",
    title="an application that never read mail in this tenant before",
    weight=2.0,
    attack=("T1114.002",),
    why="In 2023 the intruder was found because an application that never read mail did. A newly deployed "
    "application looks the same once.",
    next_step="Ask the owner of the application whether it was deployed or changed on that day.",
    find=_find,
)
