"""What the lines of every exported log of our own have in common, and its checkpoint, which is a line of context."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.expressions import ibis, ir
from counterfoil.model.counterfoil import CHECKPOINT_SCHEMA
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT

LINE = dict.fromkeys(("schema", "log", "index", "time", "size"), TEXT)
CHECKPOINT = "checkpoint of the export"
_LINE_NAMES = ("schema", "log", "index", "entry", "size", "note")


def ambiguous(raw: ir.Table, names: Iterable[str]) -> tuple[ir.BooleanValue, str]:
    """Return whether a line, or the entry in it with members of these names, has two readings; see `mapping`."""
    return mapping.ambiguous(raw, (*_LINE_NAMES, *names))


def is_entry(raw: ir.Table, schema: str) -> ir.BooleanValue:
    """Tell whether a line is an entry of a log of that schema."""
    return ibis.coalesce(raw["schema"], "") == schema


def is_other(raw: ir.Table, schema: str) -> ir.BooleanValue:
    """Tell whether a line is neither an entry nor a checkpoint."""
    return ~is_entry(raw, schema) & (ibis.coalesce(raw["schema"], "") != CHECKPOINT_SCHEMA)


def of_line(raw: ir.Table, schema: str, number: ir.StringValue | None = None) -> dict[str, ir.Value]:
    """Return the columns of a line; `number`: that of the record it is a version of, if not its own."""
    entry, own = is_entry(raw, schema), raw["index"] if number is None else number
    return {
        "kind": mapping.lower(raw["log"]),
        "event_time": mapping.when(ibis.ifelse(entry, raw.entry["time"], raw["time"])),
        "record_id": raw["log"] + ":" + ibis.ifelse(entry, own, ibis.literal("head ") + raw["size"]),
        "sequence": mapping.number(ibis.ifelse(entry, raw["index"], ibis.null("string"))),
    }
