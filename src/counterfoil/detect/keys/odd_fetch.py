"""A client that never fetched the key set did so shortly before the first token that is not believed."""

from __future__ import annotations

from counterfoil.detect.keys.activity import BASELINE_DAYS, CLUE, DAY, MAX_TOLD, VERSION
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import FETCHED

BEFORE_DAYS = 7


def _find(tables: KeyTables) -> ir.Table:
    records = tables.records
    fetched = records.filter(records.key_operation == FETCHED, records.event_time.notnull())
    agent = ibis.coalesce(fetched.user_agent.re_extract(r"^\S+", 0).re_replace(VERSION, "").nullif(""), "no agent")
    fetches = fetched.select(
        "source", part=fetched.kind, process=agent, principal=ibis.coalesce(fetched.ip, ""),
        seconds=fetched.event_time.truncate("s").epoch_seconds().cast("int64"),
        place=fetched.raw_file + ":" + fetched.raw_position.cast("string"),
    )
    part = ["source", "part"]
    clients = fetches.group_by(*part, "process").agg(
        first_seen=fetches.seconds.min(), last_seen=fetches.seconds.max(), records=fetches.count(),
        principal=fetches.principal.argmin(fetches.seconds), place=fetches.place.argmin(fetches.seconds),
    )
    begun = clients.group_by(*part).agg(begin=clients.first_seen.min())
    usual = clients.join(begun, part)
    usual = usual.filter(usual.first_seen - usual.begin < BASELINE_DAYS * DAY)
    known = usual.group_by(*part).agg(
        usual=ibis.literal("clients until then: ")
        + ibis.literal(", ").join(usual.process.collect(distinct=True).sort()[:MAX_TOLD])
    )
    new = clients.join(begun, part).filter(lambda t: t.first_seen - t.begin >= BASELINE_DAYS * DAY)
    forged = tables.accused.agg(forged=tables.accused.seconds.min()).mutate(one=ibis.literal(1))
    near = new.mutate(one=ibis.literal(1)).join(forged, "one")
    near = near.filter(near.first_seen <= near.forged, near.forged - near.first_seen <= BEFORE_DAYS * DAY)
    told = near.join(known, part, rname="{name}_u")
    return told.mutate(
        key=ibis.literal(""),
        what=ibis.literal("fetched the key set within a week before the first token that is not believed"),
    ).select(*CLUE)


KEY_RULE = KeyRule(
    id="jwks-odd-client",
    title="a client that never fetched the key set did so just before the first token that is not believed",
    severity="low",
    confidence="low",
    audience="issuer",
    attack=("T1596", "T1606"),
    references=("counterfoil, docs/sources/own.md: jwks-log",),
    why="Whoever forges needs the names of the keys, and tries what he made against the published set first.",
    innocent="A new service, a scanner of the internet or a curious colleague looks the same.",
    needs="who fetched the key set (source jwks-log) for two weeks before, and tokens that are not believed",
    blind="who takes the key set from elsewhere, or says that he is a known client",
    next_step="Look for the address in all other logs of that week.",
    find=_find,
)
