"""A key set that services fetch holds a key that the key store does not know."""

from __future__ import annotations

from counterfoil.detect.keys.activity import CLUE, DAY
from counterfoil.detect.rule import KeyRule, KeyTables
from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import PUBLISHED, WORDS

# Replicas of a key set differ for days: only what so many days of it hold together is held against the store.
UNION_DAYS = 7


def _find(tables: KeyTables) -> ir.Table:
    records = tables.records
    own = records.filter(records.key_operation.isin(WORDS), records.key_id.notnull()).select(key=records.key_id)
    served = records.filter(records.key_operation == PUBLISHED, records.event_time.notnull())
    seconds = served.event_time.truncate("s").epoch_seconds().cast("int64")
    keys = served.select(
        "source", part=served.kind, key=served.item_ids.unnest(), seconds=seconds,
        place=served.raw_file + ":" + served.raw_position.cast("string"),
    )
    span = keys.group_by("source", "part").agg(begin=keys.seconds.min(), end=keys.seconds.max())
    seen = keys.group_by("source", "part", "key").agg(
        first_seen=keys.seconds.min(), last_seen=keys.seconds.max(), records=keys.count(),
        place=keys.place.argmin(keys.seconds),
    )
    held = seen.join(span, ["source", "part"])
    # one that was there first and soon was gone was retired before the log of the store begins
    retired = (held.first_seen == held.begin) & (held.last_seen - held.begin < UNION_DAYS * DAY)
    known = own.distinct()
    unknown = held.filter(held.end - held.begin >= UNION_DAYS * DAY, ~retired).anti_join(known, "key")
    # a store whose log names no key ids is held against nothing
    named = known.agg(known=known.count())
    told = unknown.mutate(one=ibis.literal(1)).join(named.mutate(one=ibis.literal(1)), "one")
    told = told.filter(told.known > 0)
    return told.mutate(
        principal=ibis.literal(""), process=ibis.literal(""), what=ibis.literal("stands in the key set that is served"),
        usual=told.known.cast("string") + " keys are known to the key store",
    ).select(*CLUE)


KEY_RULE = KeyRule(
    id="jwks-unknown-key",
    title="a key set that services trust holds a key that the key store does not know",
    severity="high",
    confidence="medium",
    audience="issuer",
    attack=("T1556", "T1606"),
    references=("counterfoil, docs/sources/own.md: jwks-log",),
    why="Whoever can add a key to the published set needs no other: services take what he signs with it for the"
    " issuer's.",
    innocent="A key of another store, or of another issuer behind the same address, looks the same; so does a decoy.",
    needs="snapshots of the key set over a week or more (source jwks-log), and a log of the key store with key ids",
    blind="a key that bears the id of a known one; sets that single services hold",
    next_step="Ask who published it and where its private half is. If nobody knows, take it out of the set now.",
    find=_find,
)
