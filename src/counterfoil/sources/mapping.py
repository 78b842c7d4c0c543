"""Expressions that the mappings share: times, bags, addresses, and the row they all end in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.expressions.values import builtin
from counterfoil.model import schema, times
from counterfoil.model.schema import Leg
from counterfoil.sources.source import RAW_FILE, RAW_POSITION, RAW_REFUSED, RAW_TEXT, REJECT
from counterfoil.sources.torn import shown

_TIME = "timestamp(6)"

# Dates outside are a broken clock or an attack on the day partitions, never a real token's.
EARLIEST = "2010-01-01T00:00:00"
LATEST = "2100-01-01T00:00:00"


def rows(raw: ir.Table, /, *, source: ir.StringValue | str, fidelity: ir.IntegerValue | int,
         reject: ir.StringValue | None = None, **columns: ir.Value | str | None) -> ir.Table:
    """Return evidence rows for `raw`: the given columns, typed NULLs for the rest, and REJECT.

    `source` is an expression where one file holds records of several logs (a Windows event log), `fidelity` where a
    later entry of a log overrules an earlier one.
    A row is rejected for `reject`, else when it is undated, out of range or has no operation. An issuance without a
    date is kept if it can be found by its token: it clears, and nothing is told of its time.
    A missing `record_id` becomes the hash of the record's text. Of a record that is broken, columns hold what its text
    still shows (`_torn`).
    """
    return _checked(_typed(raw, source, fidelity, reject, columns))


def states(raw: ir.Table, /, *, source: str, fidelity: int, reject: ir.StringValue, **columns: ir.Value | str
           ) -> ir.Table:
    """Return evidence rows as `rows` does, of a log whose records are no events, but states: they need no date."""
    return _checked(_typed(raw, source, fidelity, reject, columns), dated=False)


def _typed(raw: ir.Table, source: ir.StringValue | str, fidelity: ir.IntegerValue | int,
           reject: ir.StringValue | None, columns: Mapping[str, ir.Value | str | None]) -> ir.Table:
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
            values[column.name] = value.cast(column.dtype)
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
    return raw.select(**values, **_barrier())


def _checked(evidence: ir.Table, *, dated: bool = True) -> ir.Table:
    time = evidence.event_time
    issued = evidence.leg.isin([str(Leg.ISSUANCE), str(Leg.SECONDARY_ISSUANCE)])
    clears = issued & (evidence.token_id.notnull() | evidence.signing_input_digest.notnull())
    checks = [
        *([(time.isnull() & ~clears, "undated")] if dated else []),
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


def stripped(value: ir.StringValue) -> ir.StringValue:
    """Return the text without blanks around it: hardly any has some, and looking costs a seventh of stripping."""
    return ibis.cases((value.re_search(r"^[\x00-\x20]|[\x00-\x20]$"), value.strip()), else_=value)


def within(value: ir.StringValue, most: int) -> ir.StringValue:
    """Return the text, NULL where it is longer. A pattern that counts so far takes the engine long to compile."""
    return ibis.cases((value.length() <= most, value), else_=ibis.null("string"))


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


_SECONDS = r"^(-?\d{1,11})(\.\d+)?$"
# Nearly every time is one of these, in UTC. Years before 1900 stand for nothing.
_ISO_CHARS = 20  # of 2025-09-01T10:00:00Z
_BARE = "20__-__-__T__:__:__"  # without its Z
_ISO = r"^(?:19|2\d)\d{2}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?Z?$"
_ISO_OFFSET = r"^(?:19|2\d)\d{2}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?[+-]\d{2}(?::\d{2})?$"
# Dates of exports for people, where the file tells the order of day and month.
_CLOCKS = (" %I:%M:%S %p", ", %I:%M:%S.%g %p", ", %I:%M:%S %p", ", %H:%M:%S", " %H:%M:%S")
_LOCAL = {order: [date + clock for clock in _CLOCKS]
          for order, date in ((times.MONTH_FIRST, "%m/%d/%Y"), (times.DAY_FIRST, "%d/%m/%Y"))}
TWO_WAYS = "date can be read two ways, day or month first"


# The time that is written in one of the forms, or NULL.
try_strptime = builtin("try_strptime", ("string", "array<string>"), "timestamp(6)")
# What `model.times.read` makes of the text; the reader gives it to the engine.
cf_time = builtin("cf_time", ("string", "string", "timestamp(6)"), "timestamp(6)")
# What `model.times.is_nothing` tells of the text; the reader gives it to the engine.
cf_no_time = builtin("cf_no_time", ("string",), "boolean")


def when(value: ir.Value, dates: ir.Value | str | None = None, near: ir.Value | None = None) -> ir.TimestampValue:
    """Return the UTC time of a text in any of the forms that exports write (`model.times`); NULL if it is none.

    Of a date with the year last, `dates` (RAW_DATES, or MONTH_FIRST) tells whether the month or the day comes first;
    `near` is another time of the record, which decides where nothing else does.
    """
    usual = value.startswith("20") & value.endswith("Z") & (value.length() >= _ISO_CHARS) & value.contains("T")
    order = ibis.literal(dates or times.TWO_WAYS) if dates is None or isinstance(dates, str) else dates
    other = ibis.null(_TIME) if near is None else near
    return ibis.cases(
        (usual | value.like(_BARE), value.try_cast(_TIME)),  # these looks cost less than the pattern
        (value.re_search(_ISO), value.try_cast(_TIME)),
        (value.re_search(_ISO_OFFSET), value.try_cast("timestamp('UTC', 6)").cast(_TIME)),
        *((order == ibis.literal(first), ibis.coalesce(try_strptime(value, forms), cf_time(value, order, other)))
          for first, forms in _LOCAL.items() if dates is not None),
        (text(value).notnull(), cf_time(value, order, other)),
        else_=ibis.null(_TIME),
    )


def moment(value: ir.StringValue) -> ir.TimestampValue:
    """Return the UTC time of a NumericDate (RFC 7519 section 2: seconds since 1970) or of a text."""
    seconds = value.re_extract(_SECONDS, 1).nullif("").try_cast("int64")
    return ibis.coalesce(seconds.as_timestamp("s").cast(_TIME), when(value))


def unreadable(**claims: ir.StringValue) -> tuple[ir.BooleanValue, str]:
    """Return whether one of these is there and no time, and why that is a reject: no claim is dropped in silence."""
    found = [text(value).notnull() & moment(value).isnull() for value in claims.values()]
    names = " or ".join(claims)
    return ibis.or_(*found), f"{names} that is no time (seconds since 1970, or ISO 8601)"


def ambiguous(raw: ir.Table, names: Iterable[str]) -> tuple[ir.BooleanValue, str]:
    """Return whether a record of our own has one of these members twice, and why that is a reject.

    One reader would take the first, and another the last. What is in a string has a backslash before its quotes, and
    our names have none: one that is escaped, or stands apart from its colon, is somebody's who wants to be misread.
    """
    record = raw[RAW_TEXT]
    odd = record.re_search(r'"(?:[^"\\]|\\.)*\\.(?:[^"\\]|\\.)*"\s*:') | record.re_search(r'[^\\]"\s+:')
    members = [f'"{name}":' for name in names]
    twice = [record.length() - record.replace(member, "").length() > len(member) for member in members]
    return ibis.coalesce(ibis.or_(odd, *twice), ibis.literal(False)), "a member that is there twice, or misspelt"


def own_or_arrival(value: ir.Value, time: ir.TimestampValue, arrival: ir.TimestampValue) -> ir.TimestampValue:
    """Return the record's own `time`, or its arrival where the record holds none: `value` is absent or a filler.

    What is there and cannot be read is unknown: no other time is put in its place.
    """
    held = text(value)
    return ibis.cases((time.notnull(), time), (cf_no_time(held), arrival), else_=ibis.null(_TIME))


def two_ways(value: ir.Value, dates: ir.Value | str, time: ir.TimestampValue) -> ir.StringValue:
    """Return why a record is refused whose `time` cannot be told because of the order of its date, else NULL."""
    order = ibis.literal(dates) if isinstance(dates, str) else ibis.coalesce(dates, times.TWO_WAYS)
    undecided = time.isnull() & (order == times.TWO_WAYS) & value.re_search(r"^\s*\d{1,2}/\d{1,2}/\d{4}\D")
    return ibis.cases((undecided, TWO_WAYS), else_=ibis.null("string"))


def bag(pairs: ir.ArrayValue, name: str, *, key: str = "Name", value: str = "Value") -> ir.StringValue:
    """Return the value of the pair called `name` in an array of name/value structs; NULL if none.

    Of several, the least: an index into an empty array is an error on some engines.
    """
    return pairs.filter(lambda pair: pair[key] == name).map(lambda pair: pair[value]).mins().nullif("")


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4 = rf"^{_OCTET}(?:\.{_OCTET}){{3}}\z"
_V4_AND_PORT = rf"^({_OCTET}(?:\.{_OCTET}){{3}}):\d{{1,5}}$"
# An IPv6 address is in its one form already where none of this is in it, and its colons are few.
_ODD = r"[^0-9a-f:]|[0-9a-f]{5}|:::|::.*::|(?:^|:)(?:0[0-9a-f]|0:0(?::|$)|0::)|::0(?::|$)|^:[^:]|[^:]:$|^::ffff:"
_FEW_COLONS = 6


# What `model.addresses.canonical` makes of the text; the reader gives it to the engine.
cf_address = builtin("cf_address", ("string",), "string")


def address(*values: ir.Value) -> ir.StringValue:
    """Return the first of the texts that is an IP address, in its one form (`model.addresses`); NULL if none is."""
    return ibis.coalesce(*map(_address, values)) if len(values) > 1 else _address(values[0])


def _address(value: ir.Value) -> ir.StringValue:
    few_colons = value.length() - value.replace(":", "").length() <= _FEW_COLONS
    return ibis.cases(
        (value.re_search(_V4), value),
        (value.contains("::") & ~value.re_search(_ODD) & few_colons, value),
        (value.re_search(_V4_AND_PORT), value.re_extract(_V4_AND_PORT, 1)),
        (value.re_search(r"[.:]"), cf_address(value)),
        else_=ibis.null("string"),
    )


# The text as a JSON string literal (RFC 8259 section 7).
json_quote = builtin("json_quote", ("string",), "string")


def extra(**fields: ir.Value) -> ir.StringValue:
    """Return the given texts as a JSON object of strings, without the NULL ones; NULL if none is left."""
    texts = {name: text(value) for name, value in fields.items()}
    plain = ibis.literal("").join(list(texts.values()))
    # Escaping costs more than all the rest, and many rows need none: the length of all fields, quoted, tells which.
    escapes = json_quote(plain).length() != plain.length() + 2
    # Without the first and the last quotation mark a member that needs none is one concatenation, not two.
    members = ibis.literal('","').join([ibis.literal(f'{name}":"') + value for name, value in texts.items()])
    quoted = ibis.literal(",").join([ibis.literal(f'"{name}":') + json_quote(value) for name, value in texts.items()])
    return ibis.cases(
        (plain == "", ibis.null("string")),
        (escapes, ibis.literal("{") + quoted + "}"),
        else_=ibis.literal('{"') + members + '"}',
    )
