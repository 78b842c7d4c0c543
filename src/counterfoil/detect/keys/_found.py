"""What `counterfoil leaks --case` found, by key and file: for rules over it."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.detect.keys.activity import CLUE
from counterfoil.expressions import ibis, ir
from counterfoil.model.key_store import FOUND


def lying(records: ir.Table, kinds: Sequence[str]) -> ir.Table:
    """Return (source, part, key, file, seconds, extra, place) of each thing of these kinds that was found."""
    found = records.filter(records.key_operation == FOUND, records.kind.isin(list(kinds)), records.event_time.notnull())
    return found.select(
        "source", "extra", part=found.kind, key=ibis.coalesce(found.key_id, ""),
        file=ibis.coalesce(found.object_id, ""),
        seconds=found.event_time.truncate("s").epoch_seconds().cast("int64"),
        place=found.raw_file + ":" + found.raw_position.cast("string"),
    )


def told(found: ir.Table, what: ir.StringValue, usual: str) -> ir.Table:
    """Return a clue for each key and file: `what` was found there, in words before the file's name."""
    each = found.mutate(principal=ibis.literal(""), process=ibis.literal(""), said=what)
    by = ["source", "part", "key", "principal", "process", "file"]
    files = each.group_by(*by).agg(
        first_seen=each.seconds.min(), last_seen=each.seconds.max(), records=each.count(), place=each.place.min(),
        said=each.said.min(),
    )
    return files.mutate(what=files.said + files.file, usual=ibis.literal(usual)).select(*CLUE)
