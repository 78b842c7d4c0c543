"""The expressions that mappings share, on the embedded engine."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import product
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from counterfoil.case.functions import install
from counterfoil.expressions import ibis, ir
from counterfoil.expressions.built import built
from counterfoil.expressions.compiled import sql
from counterfoil.expressions.tables import table as named
from counterfoil.sources import mapping

_ENGINE = Backend()
_ENGINE.do_connect()
_ENGINE.raw_sql("SET TimeZone = 'UTC'")
install(_ENGINE.con)


def _given(columns: dict[str, list[str]]) -> ir.Table:
    _ENGINE.create_table("given", pa.table(columns), temp=True, overwrite=True)
    return named("given", [(name, "VARCHAR") for name in columns])


def _value(expression: Any) -> Any:
    """Return what the engine makes of an expression without a table, None for NULL."""
    return _ENGINE.to_pyarrow(built(expression)).as_py()


def _text(value: str | None) -> Any:
    return ibis.null("string") if value is None else ibis.literal(value)


TIMES = [
    ("ISO without a zone is UTC", "2025-09-01T09:01:18", "2025-09-01T09:01:18"),
    ("ISO with Z", "2025-09-01T09:01:18Z", "2025-09-01T09:01:18"),
    ("seven fractional digits are cut to microseconds", "2025-09-01T09:01:18.1234567Z", "2025-09-01T09:01:18.123456"),
    ("an offset of zero", "2025-09-01T09:01:18+00:00", "2025-09-01T09:01:18"),
    ("another offset is counted in", "2025-09-01T09:01:18+02:00", "2025-09-01T07:01:18"),
    ("an offset of hours only", "2025-09-01 09:01:18-07", "2025-09-01T16:01:18"),
    ("an offset after a blank", "2025-09-01T09:01:18.1234567 +0530", "2025-09-01T03:31:18.123456"),
    ("an offset behind half days", "9/13/2025 1:01:18 AM +02:00", "2025-09-12T23:01:18"),
    ("the zone as a word", "2025-09-01 09:01:18.123 UTC", "2025-09-01T09:01:18.123"),
    ("no seconds", "2025-09-01T09:01Z", "2025-09-01T09:01:00"),
    ("German, no seconds", "22.07.2024 8:19", "2024-07-22T08:19:00"),
    ("a day without a clock is no moment", "2025-09-01", None),
    ("nothing, as .NET writes it", "0001-01-01T00:00:00", None),
    ("nothing, as .NET writes it in the US", "1/1/0001 12:00:00 AM", None),
    ("nothing, as Windows writes it", "1601-01-01T00:00:00Z", None),
    ("nothing, as Windows PowerShell writes it", "/Date(-62135596800000)/", None),
    ("an object of Windows PowerShell", '{"value":"\\/Date(1621372413000)\\/"}', "2021-05-18T21:13:33"),
    ("the day of the week first", "Tuesday, May 18, 2021 9:13:33 PM", "2021-05-18T21:13:33"),
    ("US with AM and PM", "5/18/2021 9:13:33 PM", "2021-05-18T21:13:33"),
    ("US, midnight", "5/18/2021 12:13:33 AM", "2021-05-18T00:13:33"),
    ("US, noon", "5/18/2021 12:13:33 PM", "2021-05-18T12:13:33"),
    ("US with a comma and 24 hours", "12/12/2025, 21:03:58", "2025-12-12T21:03:58"),
    ("milliseconds of Windows PowerShell", "/Date(1621372413123)/", "2021-05-18T21:13:33.123"),
    ("only one reading is a date", "18/05/2021 21:13:33", "2021-05-18T21:13:33"),
    ("two readings are dates, and nothing tells", "6/5/2021 21:13:33", None),
    ("a date that does not exist", "2025-02-30T09:01:18Z", None),
    ("words", "yesterday", None),
    ("nothing", "", None),
    ("absent", None, None),
]


@pytest.mark.parametrize(("written", "expected"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_times_are_utc_or_none(written: str | None, expected: str | None) -> None:
    """A time is read in one way or not at all."""
    found = _value(mapping.when(_text(written)))
    assert found == (None if expected is None else datetime.fromisoformat(expected))


LOCAL_TIMES = [
    ("the portal's own, with milliseconds", "5/18/2021, 9:13:33.000 PM", "month", "2021-05-18T21:13:33"),
    ("noon with milliseconds", "5/18/2021, 12:00:00.000 PM", "month", "2021-05-18T12:00:00"),
    ("a minute past midnight, with milliseconds", "5/18/2021, 12:01:00.000 AM", "month", "2021-05-18T00:01:00"),
    ("a browser's narrow space before PM", "5/18/2021, 9:13:33\u202fPM", "month", "2021-05-18T21:13:33"),
    ("Australian", "6/05/2021 9:13:33 PM", "day", "2021-05-06T21:13:33"),
    ("British, 24 hours", "06/05/2021, 21:13:33.123", "day", "2021-05-06T21:13:33.123"),
    ("German", "06.05.2021 21:13:33", "day", "2021-05-06T21:13:33"),
    ("Dutch", "6-5-2021 21:13:33", "day", "2021-05-06T21:13:33"),
    ("Spanish half days", "6/5/2021 9:13:33 p. m.", "day", "2021-05-06T21:13:33"),
    ("the month's name", "May 18, 2021 9:13:33 PM", None, "2021-05-18T21:13:33"),
    ("year first", "2021/05/18 21:13:33", "day", "2021-05-18T21:13:33"),
    ("ISO in a file of local dates", "2021-05-18T21:13:33Z", "two ways", "2021-05-18T21:13:33"),
    ("one of two ways, but only one is a date", "18/05/2021 21:13:33", "two ways", "2021-05-18T21:13:33"),
    ("two ways to the same day", "5/5/2021 21:13:33", "two ways", "2021-05-05T21:13:33"),
    ("two ways to two days", "6/5/2021 21:13:33", "two ways", None),
    ("against the order of its file", "18/05/2021 21:13:33", "month", None),
    ("an hour that needs no half day", "5/18/2021 13:13:33 PM", "month", "2021-05-18T13:13:33"),
    ("an hour that no day has", "5/18/2021 25:13:33", "month", None),
]


@pytest.mark.parametrize(
    ("written", "dates", "expected"), [row[1:] for row in LOCAL_TIMES], ids=[row[0] for row in LOCAL_TIMES]
)
def test_local_dates_need_the_order_of_their_file(written: str, dates: str | None, expected: str | None) -> None:
    """A date with the year last is read as its file writes dates, and not at all where that cannot be told."""
    found = _value(mapping.when(_text(written), _text(dates)))
    assert found == (None if expected is None else datetime.fromisoformat(expected))
    time = mapping.when(_text(written), _text(dates))
    assert _value(mapping.two_ways(_text(written), _text(dates), time)) == (
        mapping.TWO_WAYS if (dates, expected) == ("two ways", None) else None
    )


_LOCALES = [
    (order, half_days, between, slash)
    for order, slash in (("month", "/"), ("day", "/"), ("day", "."), ("day", "-")) for half_days in (True, False)
    for between in (" ", ", ", ",\u202f")
]
_FIRST, _LAST = datetime.fromisoformat("2010-01-01"), datetime.fromisoformat("2099-12-31")


@settings(max_examples=5, deadline=None)
@given(st.lists(st.datetimes(_FIRST, _LAST), min_size=10, max_size=30))
def test_what_a_locale_writes_is_read_back(times: list[datetime]) -> None:
    """Day and month, 12 and 24 hours: the time that was written comes back, or nothing where it reads two ways."""
    rows = []
    for at, (order, half_days, between, slash) in product(times, _LOCALES):
        time = at.replace(microsecond=at.microsecond // 1000 * 1000)
        parts = (time.month, time.day) if order == "month" else (time.day, time.month)
        clock = time.strftime("%I:%M:%S") if half_days else time.strftime("%H:%M:%S")
        written = f"{parts[0]}{slash}{parts[1]}{slash}{time.year}{between}{clock}.{time.microsecond // 1000:03d}"
        sure = time if max(parts) > 12 or parts[0] == parts[1] or slash != "/" else None
        rows.append((written + (time.strftime(" %p") if half_days else ""), order, time, sure))
    table = _given(
        {"written": [row[0] for row in rows], "order": [row[1] for row in rows], "two": ["two ways"] * len(rows)}
    )
    read = table.select(
        told=mapping.when(table.written, table.order), unsure=mapping.when(table.written, table.two)
    )
    found = _ENGINE.to_pyarrow(built(read)).to_pylist()
    assert [(row["told"], row["unsure"]) for row in found] == [row[2:] for row in rows]


def test_another_time_of_the_record_decides() -> None:
    """Of two readings, the one within two days of another time of the record is meant; of two that are, none."""
    written = _text("9/1/2025 9:55:00 AM")
    nears = ("2025-09-01T00:00:00", "2025-01-09T00:00:00", "2026-03-03T00:00:00")
    found = [_value(mapping.when(written, near=ibis.timestamp(near))) for near in nears]
    read = ["2025-09-01T09:55:00", "2025-01-09T09:55:00"]
    assert found == [*map(datetime.fromisoformat, read), None]


OWN_TIMES = [
    ("its own time is taken", "2025-09-01T10:00:00Z", "2025-09-01T10:00:00"),
    ("where it has none, that of its arrival", None, "2025-09-01T10:02:00"),
    ("an empty one is none", "", "2025-09-01T10:02:00"),
    ("the first moment of a calendar is none", "0001-01-01T00:00:00", "2025-09-01T10:02:00"),
    ("what cannot be read is unknown", "not-a-date", None),
    ("what can be read two ways is unknown", "6/5/2021 21:13:33", None),
]


@pytest.mark.parametrize(("written", "expected"), [row[1:] for row in OWN_TIMES], ids=[row[0] for row in OWN_TIMES])
def test_arrival_stands_in_only_where_there_is_nothing(written: str | None, expected: str | None) -> None:
    """A time that is there and cannot be read is not replaced by another column's."""
    own = mapping.when(_text(written))
    found = _value(mapping.own_or_arrival(_text(written), own, ibis.timestamp("2025-09-01T10:02:00")))
    assert found == (None if expected is None else datetime.fromisoformat(expected))


_FOUR, _SIX = "198.51.100.7", "2001:db8::abcd"
ADDRESSES = [
    *((written, _FOUR) for written in (
        _FOUR, f"{_FOUR}:24528", f"[{_FOUR}]", f"[{_FOUR}]:443", f"::ffff:{_FOUR}", f"[::FFFF:{_FOUR}]:443",
        f"{_FOUR}%1", f" {_FOUR} ", f"{_FOUR}, 203.0.113.9", "::ffff:c633:6407", f"0:0:0:0:0:ffff:{_FOUR}",
    )),
    *((written, _SIX) for written in (
        _SIX, "2001:DB8::ABCD", f"[{_SIX}]", f"[{_SIX}]:443", f"{_SIX}%eth0", f"[{_SIX}%3]:0",
        "2001:0db8:0000:0000:0000:0000:0000:abcd", "2001:db8:0:0:0:0:0:abcd",
    )),
    *((written, None) for written in (
        "localhost", "null", "NULL", "<null>", "", None, "exch01 (10.90.0.1)", "[EXCH01 (10.90.0.1)]", "999.1.1.1",
        "1.2.3", "mail.example.org:443", "10:05", "1::2::3",
    )),
]


@pytest.mark.parametrize(("written", "expected"), ADDRESSES)
def test_an_address_has_one_form(written: str | None, expected: str | None) -> None:
    """Addresses compare as texts: one way to write each, and no other text is one."""
    assert _value(mapping.address(_text(written))) == expected


def test_the_next_member_that_holds_an_address_is_taken() -> None:
    """A host name, or nothing, does not hide the address beside it."""
    assert _value(mapping.address(_text("EXCH01"), _text(None), _text(f"{_FOUR}:1"))) == _FOUR
    assert _value(mapping.address(_text("EXCH01"), _text("<null>"))) is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.ip_addresses(v=6), st.ip_addresses(v=4)), min_size=20, max_size=60))
def test_every_way_to_write_an_address_gives_one(addresses: list[Any]) -> None:
    """The engine's short way and the long one agree, on whatever address."""
    written = [(text, str(getattr(a, "ipv4_mapped", None) or a)) for a in addresses
               for text in (str(a), a.exploded, str(a).upper(), f"[{a}]:443", f" {a}")]
    table = _given({"written": [text for text, _ in written]})
    found = _ENGINE.to_pyarrow(built(table.select(ip=mapping.address(table.written)))).column("ip").to_pylist()
    assert found == [expected for _, expected in written]


def test_a_bag_gives_the_named_value() -> None:
    """A list of names and values is read by name; an empty one is no error."""
    pairs = ibis.literal([{"Name": "a", "Value": "1"}, {"Name": "b", "Value": ""}])
    assert [_value(mapping.bag(pairs, name)) for name in ("a", "b", "c")] == ["1", None, None]


@pytest.mark.parametrize(("written", "expected"), [("True", True), ("1", True), ("false", False), ("x", None)])
def test_a_flag_is_true_false_or_unknown(written: str, expected: bool | None) -> None:
    """What is neither is unknown, not false."""
    assert _value(mapping.flag(ibis.literal(written))) is expected


def test_among_is_unknown_for_null() -> None:
    """NULL is in no set and out of none."""
    assert [_value(mapping.among(_text(value), {"a", "b"})) for value in ("a", "x", None)] == [True, False, None]


def test_among_is_no_join() -> None:
    """A long list of options stays an expression: as a join, each one of them would cost memory and start-up time."""
    _ENGINE.create_table("among", schema={"a": "string"}, temp=True, overwrite=True)
    table = named("among", [("a", "VARCHAR")])
    query = sql(table.select(x=mapping.among(table.a, map(str, range(50)))))
    plan = _ENGINE.con.execute(f"EXPLAIN {query}").fetchall()[0][1]
    assert "JOIN" not in plan


def test_extra_leaves_out_what_is_empty() -> None:
    """Only what the record says is kept, and nothing at all is NULL."""
    assert json.loads(_value(mapping.extra(a=_text("1"), b=_text(""), c=_text(None)))) == {"a": "1"}
    assert _value(mapping.extra(a=_text(""), b=_text(None))) is None


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1), st.text("ab\"\\\n\x1f")
)
def test_extra_is_json_whatever_the_log_holds(one: str, other: str) -> None:
    """Quotes, backslashes and control characters in a field never make another field of it."""
    expected = {"one": one, "other": other} if other else {"one": one}
    found = json.loads(_value(mapping.extra(one=ibis.literal(one), other=ibis.literal(other))))
    assert found == expected


def test_a_stage_is_not_merged_into_the_next() -> None:
    """What a stage computes stands once in the query, however often it is used."""
    table = named("t", [("a", "VARCHAR")])
    staged = mapping.stage(table, low=table.a.lower())
    assert sql(staged.select(x=staged.low + staged.low)).count("LOWER") == 1


def test_rows_refuses_a_column_that_is_no_evidence() -> None:
    """A misspelt column is a mistake of ours, seen at once."""
    with pytest.raises(ValueError, match="tokenid"):
        mapping.rows(named("t", [("a", "VARCHAR")]), source="x", fidelity=1, tokenid="y")
