"""The expressions that mappings share, on the embedded engine."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.sources import mapping

_ENGINE = ibis.duckdb.connect()


def _value(expression: Any) -> Any:
    """Return what the engine makes of an expression without a table, None for NULL."""
    return _ENGINE.to_pyarrow(expression).as_py()


def _text(value: str | None) -> Any:
    return ibis.null("string") if value is None else ibis.literal(value)


TIMES = [
    ("ISO without a zone is UTC", "2025-09-01T09:01:18", "2025-09-01T09:01:18"),
    ("ISO with Z", "2025-09-01T09:01:18Z", "2025-09-01T09:01:18"),
    ("seven fractional digits are cut to microseconds", "2025-09-01T09:01:18.1234567Z", "2025-09-01T09:01:18.123456"),
    ("an offset of zero", "2025-09-01T09:01:18+00:00", "2025-09-01T09:01:18"),
    ("another offset is refused, not ignored", "2025-09-01T09:01:18+02:00", None),
    ("US with AM and PM", "5/18/2021 9:13:33 PM", "2021-05-18T21:13:33"),
    ("US, midnight", "5/18/2021 12:13:33 AM", "2021-05-18T00:13:33"),
    ("US, noon", "5/18/2021 12:13:33 PM", "2021-05-18T12:13:33"),
    ("US with a comma and 24 hours", "12/12/2025, 21:03:58", "2025-12-12T21:03:58"),
    ("milliseconds of Windows PowerShell", "/Date(1621372413123)/", "2021-05-18T21:13:33.123"),
    ("day first is no US date", "18/05/2021 21:13:33", None),
    ("a date that does not exist", "2025-02-30T09:01:18Z", None),
    ("words", "yesterday", None),
    ("nothing", "", None),
    ("absent", None, None),
]


@pytest.mark.parametrize(("written", "expected"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_times_are_utc_or_none(written: str | None, expected: str | None) -> None:
    """A time is read in one way or not at all."""
    found = _value(mapping.any_when(_text(written)))
    assert found == (None if expected is None else datetime.fromisoformat(expected))


ADDRESSES = [
    ("203.0.113.7", "203.0.113.7"),
    ("203.0.113.7:24528", "203.0.113.7"),
    ("2001:DB8::17", "2001:db8::17"),
    ("[2001:db8::17]:443", "2001:db8::17"),
    ("[2001:db8::17]", "2001:db8::17"),
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("written", "expected"), ADDRESSES)
def test_an_address_has_no_port(written: str | None, expected: str | None) -> None:
    """Addresses compare as texts: one way to write each."""
    assert _value(mapping.address(_text(written))) == expected


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
    table = _ENGINE.create_table("among", schema={"a": "string"}, temp=True, overwrite=True)
    query = ibis.to_sql(table.select(x=mapping.among(table.a, map(str, range(50)))), dialect="duckdb")
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
    table = ibis.table({"a": "string"}, name="t")
    staged = mapping.stage(table, low=table.a.lower())
    assert ibis.to_sql(staged.select(x=staged.low + staged.low), dialect="duckdb").count("LOWER") == 1


def test_rows_refuses_a_column_that_is_no_evidence() -> None:
    """A misspelt column is a mistake of ours, seen at once."""
    with pytest.raises(ValueError, match="tokenid"):
        mapping.rows(ibis.table({"a": "string"}), source="x", fidelity=1, tokenid="y")
