"""Who, or what, is first seen at a key after the key has been known for a while."""

from __future__ import annotations

from counterfoil.detect.keys.activity import BASELINE_DAYS, CLUE, DAY, KEY, MAX_TOLD, known_since
from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import TOUCHES


def newcomers(activity: ir.Table, trait: str) -> ir.Table:
    """Return a clue for each value of `trait`, such as principal, that is new to a key, beside those before it."""
    touched = activity.filter(activity.operation.isin(TOUCHES), activity[trait] != "")
    seen = touched.group_by(*KEY, trait).agg(
        principal_=touched.principal.argmin(touched.first_seen), process_=touched.process.argmin(touched.first_seen),
        first_seen=touched.first_seen.min(), last_seen=touched.last_seen.max(), records=touched.records.sum(),
        what=ibis.literal(", ").join(touched.operation.collect(distinct=True).sort()),
        place=touched.place.min(),
    )
    dated = seen.join(known_since(touched), list(KEY), rname="{name}_k")
    new = dated.filter(dated.first_seen - dated.known >= BASELINE_DAYS * DAY)
    before = seen.select(*KEY, known_as=seen[trait], since=seen.first_seen)
    met = new.join(before, list(KEY), rname="{name}_b").filter(lambda t: t.since < t.first_seen)
    others = met.group_by(*KEY, trait).agg(
        usual=ibis.literal(", ").join(met.known_as.collect(distinct=True).sort()[:MAX_TOLD])
    )
    told = new.join(others, [*KEY, trait], rname="{name}_o")
    return told.select(
        *KEY, principal=told.principal_, process=told.process_, first_seen=told.first_seen, last_seen=told.last_seen,
        records=told.records, what=told.what, usual=ibis.literal("until then: ") + told.usual, place=told.place,
    ).select(*CLUE)
