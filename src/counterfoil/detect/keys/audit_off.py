"""The log of a key store was switched off, cleared or told to leave things out."""

from __future__ import annotations

from counterfoil.detect.keys.activity import CLUE, KEY
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import bound
from counterfoil.model.key_store import AUDIT_OFF
from counterfoil.model.schema import Leg


def _find(tables: KeyTables) -> ir.Table:
    activity = tables.activity
    off = activity.filter(activity.operation == AUDIT_OFF)
    # a Windows log is a key store's only where something of the key is done, or a farm's server is
    stores = activity.filter(activity.operation != AUDIT_OFF).select("part")
    servers = tables.records.filter(
        tables.records.source.isin(bound("servers", sorted(tables.logs.hosts))),
        tables.records.leg != str(Leg.CONTEXT),
    )
    off = off.semi_join(ibis.union(stores, servers.select(part=servers.kind), distinct=True), "part")
    found = off.group_by(*KEY, "principal", "process").agg(
        first_seen=off.first_seen.min(), last_seen=off.last_seen.max(), records=off.records.sum(),
        done=off.done.any(), place=off.place.min(),
    )
    how = ibis.ifelse(found.done, "", " (did not succeed)")
    return found.mutate(what=ibis.literal("audit off") + how, usual=ibis.literal("the log is always on")).select(*CLUE)


KEY_RULE = KeyRule(
    id="key-audit-off",
    title="the log of a key store was switched off, cleared, or told to leave things out",
    severity="high",
    confidence="high",
    audience="issuer",
    attack=("T1685.002",),
    references=(
        "docs.aws.amazon.com: StopLogging, DeleteTrail, PutEventSelectors (excludeManagementEventSources)",
        "openbao.org/api-docs/system/audit", "learn.microsoft.com: events 1102, 4719",
    ),
    why="What is done with a key afterwards is in no log. Nobody needs that who does nothing that he hides.",
    innocent="Moving the log to another device, or a trail rebuilt by its templates, looks the same.",
    needs="a log of the key store that also tells of itself: Vault's sys/audit, CloudTrail's own events, Windows 1102"
    " and 4719",
    blind="a log that is filtered or dropped after it was written: see key-log-hole",
    next_step="Ask who did it. Take what was signed from then on for unaccounted, until another log shows it.",
    find=_find,
)
