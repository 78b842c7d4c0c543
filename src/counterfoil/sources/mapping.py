"""Expressions that the mappings share: times, bags, addresses, and the row they all end in."""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import ibis.expr.types as ir

from counterfoil.model import schema
from counterfoil.sources._torn import shown
from counterfoil.sources.source import RAW_FILE, RAW_POSITION, RAW_REFUSED, RAW_TEXT, REJECT

# Columns that `rows` fills in itself.
_GIVEN = frozenset({"raw_file", "raw_position"})

# Dates outside are a broken clock or an attack on the day partitions, never a real token's.
EARLIEST = "2010-01-01T00:00:00"
LATEST = "2100-01-01T00:00:00"


def rows(raw: ir.Table, /, *, source: ir.StringValue | str, fidelity: ir.IntegerValue | int,
         reject: ir.StringValue | None = None, **columns: ir.Value | str | None) -> ir.Table:
    """Return evidence rows for `raw`: the given columns, typed NULLs for the rest, and REJECT.

    `source` is an expression where one file holds records of several logs (a Windows event log), `fidelity` where a
    later entry of a log overrules an earlier one.
    A row is rejected for `reject`, else when it is undated, out of range or has no operation.
    A missing `record_id` becomes the hash of the record's text. Of a record that is broken, columns hold what its text
    still shows (`_torn`).
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
        "source": ibis.literal(source) if isinstance(source, str) else source,
        "fidelity": ibis.literal(fidelity, type="int64") if isinstance(fidelity, int) else fidelity.cast("int64"),
        "raw_file": raw[RAW_FILE],
        "raw_position": raw[RAW_POSITION],
        "record_id": ibis.coalesce(values["record_id"], ibis.literal("text:") + raw[RAW_TEXT].hexdigest("md5")),
    }
    broken = raw[RAW_REFUSED].notnull()
    values |= {name: ibis.ifelse(broken, told, values[name]) for name, told in shown(raw[RAW_TEXT]).items()}
    values[REJECT] = ibis.coalesce(raw[RAW_REFUSED], reject if reject is not None else ibis.null("string"))
    return _checked(raw.select(**values, **_barrier()))


def _checked(evidence: ir.Table) -> ir.Table:
    time = evidence.event_time
    checks = [
        (time.isnull(), "undated"),
        ((time < ibis.timestamp(EARLIEST)) | (time >= ibis.timestamp(LATEST)), "date out of range"),
        (evidence.operation.isnull(), "no operation"),
    ]
    why = ibis.coalesce(evidence[REJECT], ibis.cases(*checks, else_=ibis.null("string")))
    return evidence.select(*schema.NAMES, **{REJECT: why})


def stage(table: ir.Table, /, **columns: ir.Value) -> ir.Table:
    """Return the table with more columns, computed once however often later expressions use them.

    Ibis merges a selection into the next one and repeats what it computes wherever it is used; engines find some
    of the repetitions, but not those inside CASE. A mapping of UAL was 180 kB of SQL without this.
    """
    return table.mutate(**columns, **_barrier())


def _barrier() -> dict[str, ir.Value]:
    """Return a column that nobody uses: Ibis does not merge over it, and engines drop it."""
    return {"_stage": ibis.random()}


def among(value: ir.Value, options: Iterable[str]) -> ir.BooleanValue:
    """Tell whether the text is one of the options: DuckDB turns IN with five constants or more into a join."""
    return ibis.array(sorted(options)).contains(value)


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
    return ibis.cases((small.isin(["true", "1"]), True), (small.isin(["false", "0"]), False))


# Vendors write UTC: with Z, without Z, with 7 fractional digits; offsets other than zero do not occur there.
_OFFSET = r"[+-]\d{2}:?\d{2}$"
_SECONDS = r"^(-?\d{1,11})(\.\d+)?$"
# Dates with the year last: 5/18/2021 9:13:33 PM, 18.05.2021 21:13:33, 5/18/2021, 9:13:33.000 PM, with the spaces
# that browsers put before AM and PM.
_SPACES = r"[ \x{a0}\x{202f}]*"
_CLOCK = rf"(\d{{1,2}}[:.]\d{{2}}[:.]\d{{2}}(?:\.\d{{1,9}})?){_SPACES}(?:[AaPp]\.?{_SPACES}[Mm]\.?)?"
_LOCAL = rf"^(\d{{1,2}})[/.-](\d{{1,2}})[/.-](\d{{4}}),?{_SPACES}{_CLOCK}$"
_NAMED = rf"^([A-Z][a-z]{{2}})[a-z]* (\d{{1,2}}), (\d{{4}}),?{_SPACES}(?:at )?{_CLOCK}$"
_AFTERNOON = rf"[ ,\x{{a0}}\x{{202f}}](?:0?\d|1[01])[:.]\d{{2}}[:.]\d{{2}}[^:]*[Pp]\.?{_SPACES}[Mm]\.?$"
_MIDNIGHT = rf"[ ,\x{{a0}}\x{{202f}}]12[:.]\d{{2}}[:.]\d{{2}}[^:]*[Aa]\.?{_SPACES}[Mm]\.?$"
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_EPOCH = r"^/Date\((\d{1,15})\)/$"
_TWO_WAYS = "two ways"
TWO_WAYS = "date can be read two ways, day or month first"


def when(value: ir.Value) -> ir.TimestampValue:
    """Return the UTC time of an ISO 8601 text, with or without Z (both UTC); NULL if it is none.

    A text with a numeric offset other than zero is not accepted: silently ignoring it would shift the time.
    """
    # Nearly every text ends in Z: that test spares it the search.
    shifted = ~value.endswith("Z") & value.re_search(_OFFSET) & ~value.re_search(r"[+-]00:?00$")
    iso = ibis.cases((shifted, ibis.null("string")), else_=value)
    return iso.try_cast("timestamp(6)")


def moment(value: ir.StringValue) -> ir.TimestampValue:
    """Return the UTC time of a NumericDate (RFC 7519 section 2: seconds since 1970) or of an ISO 8601 text."""
    seconds = value.re_extract(_SECONDS, 1).nullif("").try_cast("int64")
    return ibis.coalesce(seconds.as_timestamp("s").cast("timestamp(6)"), when(value))


def unreadable(**times: ir.StringValue) -> tuple[ir.BooleanValue, str]:
    """Return whether one of these is there and no time, and why that is a reject: no claim is dropped in silence."""
    found = [text(value).notnull() & moment(value).isnull() for value in times.values()]
    names = " or ".join(times)
    return ibis.or_(*found), f"{names} that is no time (seconds since 1970, or ISO 8601 in UTC)"


def any_when(value: ir.Value, dates: ir.Value | None = None) -> ir.TimestampValue:
    """Return the UTC time of a text in any of the forms that exports write; NULL if it is none of them.

    ISO; `/Date(milliseconds)/` (Windows PowerShell); with the year last, and then `dates` tells whether the month or
    the day comes first (RAW_DATES). Where that is NULL the month does: so Azure itself writes, whatever the locale.
    Where it is `two ways`, only a date that can be read in one way is taken.
    """
    # Engines compute shared parts for every row: NULL spares the searches where they cannot match.
    slashed = value.contains("/")
    if dates is not None:
        slashed = slashed | dates.notnull() | value.endswith("M")
    local = ibis.cases((slashed, value), else_=ibis.null("string"))
    epoch = local.re_extract(_EPOCH, 1).try_cast("int64")
    half_day = ibis.cases(
        (local.re_search(_AFTERNOON), 12), (local.re_search(_MIDNIGHT), -12), else_=0
    ).as_interval("h")
    found = _local_when(local, dates)
    if dates is not None:  # exports for people
        found = ibis.coalesce(found, _named_when(local))
    return ibis.coalesce(when(value), found + half_day, epoch.as_timestamp("ms").cast("timestamp(6)"))


def two_ways(value: ir.Value, dates: ir.Value, time: ir.TimestampValue) -> ir.StringValue:
    """Return why a record is refused whose `time` cannot be told because of the order of its date, else NULL."""
    undecided = time.isnull() & (ibis.coalesce(dates, "") == _TWO_WAYS) & value.re_search(_LOCAL)
    return ibis.cases((undecided, TWO_WAYS), else_=ibis.null("string"))


def _local_when(value: ir.Value, dates: ir.Value | None) -> ir.TimestampValue:
    """Return the UTC time of a date with the year last, without regard to AM and PM."""
    month_first, day_first = (_rewritten(value, order) for order in (r"\3-\1-\2 \4", r"\3-\2-\1 \4"))
    if dates is None:
        return month_first
    order = ibis.coalesce(dates, "month")
    return ibis.cases(
        (order == "month", month_first),
        ((order == "day") | month_first.isnull(), day_first),
        (day_first.isnull() | (month_first == day_first), month_first),
    )


def _rewritten(value: ir.Value, order: str) -> ir.TimestampValue:
    return value.re_replace(_LOCAL, order).try_cast("timestamp(6)")


def _named_when(value: ir.Value) -> ir.TimestampValue:
    """Return the UTC time of a date such as `May 18, 2021 9:13:33 PM`, without regard to AM and PM."""
    place = ibis.literal(_MONTHS).find(value.re_extract(_NAMED, 1).nullif(""))
    date = value.re_replace(_NAMED, r"\3-#-\2 \4").replace("#", (place // 3 + 1).cast("string"))
    return date.try_cast("timestamp(6)")


def bag(pairs: ir.ArrayValue, name: str, *, key: str = "Name", value: str = "Value") -> ir.StringValue:
    """Return the value of the pair called `name` in an array of name/value structs; NULL if none.

    Of several, the least: an index into an empty array is an error on some engines.
    """
    return pairs.filter(lambda pair: pair[key] == name).map(lambda pair: pair[value]).mins().nullif("")


_V4_PORT = r"^(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?$"
_V6_BRACKET = r"^\[([0-9A-Fa-f:.]+)\](?::\d+)?$"
_MAPPED = r"^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$"


def address(value: ir.Value) -> ir.StringValue:
    """Return the IP address of `ip`, `ip:port`, `[v6]:port`, lower case; NULL if empty."""
    bare = ibis.cases(
        (~value.contains(":"), value),  # a bare IPv4 address, the common case
        (value.re_search(_V4_PORT), value.re_extract(_V4_PORT, 1)),
        (value.re_search(_V6_BRACKET), value.re_extract(_V6_BRACKET, 1)),
        (value.lower().re_search(_MAPPED), value.lower().re_extract(_MAPPED, 1)),
        else_=value,
    )
    return bare.lower().nullif("")


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]  # ibis is not typed here
def json_quote(text: str) -> str:
    """Return the text as a JSON string literal (RFC 8259 section 7): a function that the engine has."""
    raise NotImplementedError  # the engine runs its own


def extra(**fields: ir.Value) -> ir.StringValue:
    """Return the given texts as a JSON object of strings, without the NULL ones; NULL if none is left."""
    texts = {name: text(value) for name, value in fields.items()}
    plain = ibis.literal("").join(list(texts.values()))
    # Escaping is half the cost of a mapping and almost no row needs it: the length of all fields, quoted, tells which.
    escapes = json_quote(plain).length() != plain.length() + 2
    members = ibis.cases(
        (escapes, _members({name: _escaped(value) for name, value in texts.items()})),
        else_=_members(texts),
    )
    return ibis.cases((plain == "", ibis.null("string")), else_=ibis.literal('{"') + members + '"}')


def _members(texts: dict[str, ir.StringValue]) -> ir.StringValue:
    """Return the members without the first and the last quotation mark: one concatenation each, not two."""
    return ibis.literal('","').join([ibis.literal(f'{name}":"') + value for name, value in texts.items()])


def _escaped(value: ir.StringValue) -> ir.StringValue:
    """Return the inside of a JSON string literal."""
    quoted = json_quote(value)
    return quoted.substr(1, quoted.length() - 2)
