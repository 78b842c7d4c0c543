"""What rules over changes give: a row for each account and operation."""

from __future__ import annotations

from counterfoil.detect.keys.activity import CLUE
from counterfoil.expressions import ibis, ir


def told(changes: ir.Table, usual: str) -> ir.Table:
    """Return a clue for each account that made such changes, and operation; `usual`: what is normal."""
    dated = changes.filter(changes.event_time.notnull())
    made = dated.select(
        "source", part=dated.kind, key=ibis.literal(""), process=ibis.literal(""), what=dated.operation,
        principal=ibis.coalesce(dated.subject_name, dated.subject_id, ""),
        seconds=dated.event_time.truncate("s").epoch_seconds().cast("int64"),
        place=dated.raw_file + ":" + dated.raw_position.cast("string"),
    )
    found = made.group_by("source", "part", "key", "principal", "process", "what").agg(
        first_seen=made.seconds.min(), last_seen=made.seconds.max(), records=made.count(),
        place=made.place.argmin(made.seconds),
    )
    return found.mutate(usual=ibis.literal(usual)).select(*CLUE)
