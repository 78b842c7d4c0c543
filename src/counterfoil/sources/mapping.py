"""Expressions that the mappings share: times, bags, addresses, and the row they all end in."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.model import schema
from counterfoil.sources.source import RAW_DIGEST, RAW_FILE, RAW_POSITION, REJECT

# Columns that `rows` fills in itself.
_GIVEN = frozenset({"raw_file", "raw_position"})

# Dates outside are a broken clock or an attack on the day partitions, never a real token's.
EARLIEST = "2010-01-01T00:00:00"
LATEST = "2100-01-01T00:00:00"


def rows(raw: ir.Table, /, *, source: str, fidelity: int, reject: ir.StringValue | None = None,
         **columns: ir.Value | str | None) -> ir.Table:
    """Return evidence rows for `raw`: the given columns, typed NULLs for the rest, and REJECT.

    A row is rejected for `reject`, else when it is undated, out of range or has no operation.
    A missing `record_id` becomes the hash of the record's text.
    """
    unknown = columns.keys() - set(schema.NAMES)
    if unknown:
        raise ValueError(f"not evidence columns: {sorted(unknown)}")
    values: dict[str, ir.Value] = {}
    for column in schema.EVIDENCE:
        value = columns.get(column.name)
        if value is None:
            values[column.name] = ibis.null(column.dtype)
        elif isinstance(value, str):
            values[column.name] = ibis.literal(value, type=column.dtype)
        else:
            values[column.name] = value if value.type() == ibis.dtype(column.dtype) else value.cast(column.dtype)
    values |= {
        "source": ibis.literal(source),
        "fidelity": ibis.literal(fidelity, type="int64"),
        "raw_file": raw[RAW_FILE],
        "raw_position": raw[RAW_POSITION],
        "record_id": ibis.coalesce(values["record_id"], ibis.literal("text:") + raw[RAW_DIGEST]),
    }
    time = values["event_time"]
    checks = [
        (time.isnull(), "undated"),
        ((time < ibis.timestamp(EARLIEST)) | (time >= ibis.timestamp(LATEST)), "date out of range"),
        (values["operation"].isnull(), "no operation"),
    ]
    own = reject if reject is not None else ibis.null("string")
    values[REJECT] = ibis.coalesce(own, ibis.cases(*checks, else_=ibis.null("string")))
    return raw.select(**values)


def text(value: ir.Value) -> ir.StringValue:
    """Return the text, or NULL where it is empty."""
    return value.cast("string").nullif("")


def lower(value: ir.Value) -> ir.StringValue:
    """Return the text in lower case, or NULL where it is empty."""
    return text(value).lower()


def number(value: ir.Value) -> ir.IntegerValue:
    """Return the whole number that the text holds, or NULL."""
    return value.try_cast("int64")


def flag(value: ir.Value) -> ir.BooleanValue:
    """Return true for `true`/`1`, false for `false`/`0` in any case, else NULL."""
    small = value.lower()
    return ibis.cases((small.isin(["true", "1"]), True), (small.isin(["false", "0"]), False), else_=ibis.null("boolean"))


# Vendors write UTC: with Z, without Z, with 7 fractional digits; offsets other than zero do not occur there.
_US = r"^(\d{1,2})/(\d{1,2})/(\d{4}),? (\d{1,2}):(\d{2}):(\d{2}) ?([AaPp][Mm])?"
_OFFSET = r"[+-]\d{2}:?\d{2}$"


def when(value: ir.Value) -> ir.TimestampValue:
    """Return the UTC time of an ISO 8601 text, with or without Z (both UTC); NULL if it is none.

    A text with a numeric offset other than zero is not accepted: silently ignoring it would shift the time.
    """
    iso = ibis.cases((value.re_search(_OFFSET) & ~value.re_search(r"[+-]00:?00$"), ibis.null("string")), else_=value)
    return iso.try_cast("timestamp(6)")


def us_when(value: ir.Value) -> ir.TimestampValue:
    """Return the UTC time of a US-locale text such as `5/18/2021 9:13:33 PM`; NULL if it is none."""
    part = [value.re_extract(_US, group) for group in range(8)]
    hour = part[4].try_cast("int64") % 12 + ibis.cases((part[7].lower() == "pm", 12), else_=0)
    hour = ibis.cases((part[7] == "", part[4].try_cast("int64")), else_=hour)
    iso = (
        part[3] + "-" + part[1].lpad(2, "0") + "-" + part[2].lpad(2, "0")
        + "T" + hour.cast("string").lpad(2, "0") + ":" + part[5] + ":" + part[6]
    )
    return iso.try_cast("timestamp(6)")


def any_when(value: ir.Value) -> ir.TimestampValue:
    """Return the UTC time of an ISO or US-locale text."""
    return ibis.coalesce(when(value), us_when(value))


def bag(pairs: ir.ArrayValue, name: str, *, key: str = "Name", value: str = "Value") -> ir.StringValue:
    """Return the value of the first pair called `name` in an array of name/value structs; NULL if none."""
    return pairs.filter(lambda pair: pair[key] == name).map(lambda pair: pair[value])[0].nullif("")


_V4_PORT = r"^(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?$"
_V6_BRACKET = r"^\[([0-9A-Fa-f:.]+)\](?::\d+)?$"
_MAPPED = r"^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$"


def address(value: ir.Value) -> ir.StringValue:
    """Return the IP address of `ip`, `ip:port`, `[v6]:port`, lower case; NULL if empty."""
    bare = ibis.cases(
        (value.re_search(_V4_PORT), value.re_extract(_V4_PORT, 1)),
        (value.re_search(_V6_BRACKET), value.re_extract(_V6_BRACKET, 1)),
        (value.lower().re_search(_MAPPED), value.lower().re_extract(_MAPPED, 1)),
        else_=value,
    )
    return bare.lower().nullif("")


def extra(**fields: ir.Value) -> ir.StringValue:
    """Return the given texts as a JSON object of strings, without the NULL ones; NULL if none is left."""
    parts = [
        ibis.cases(
            (value.isnull() | (value.cast("string") == ""), ""),
            else_=ibis.literal(f',"{name}":') + json_text(value.cast("string")),
        )
        for name, value in fields.items()
    ]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + part
    return ibis.cases((joined == "", ibis.null("string")), else_=ibis.literal("{") + joined.substr(1) + "}")


def json_text(value: ir.Value) -> ir.StringValue:
    """Return the text as a JSON string literal (RFC 8259 section 7); control characters become spaces."""
    plain = value.replace("\\", "\\\\").replace('"', '\\"').re_replace(r"[\x00-\x1f]", " ")
    return ibis.literal('"') + plain + '"'
