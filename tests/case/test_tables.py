"""Small tables that Python gives to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from counterfoil.case.engine import engine
from counterfoil.case.given import WRITTEN
from counterfoil.case.tables import Tables


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Tables]:
    """Return an engine to give to."""
    with engine(tmp_path, memory=None, threads=1) as con:
        yield Tables(con, tmp_path / "piles")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("string", ["", "it's", 'a "quoted" \\ text', "\x00 and \u2028", "\U0001f600", "inf", None]),
        ("int64", [-(2**63), 2**63 - 1, 0, None]),
        ("float64", [float("inf"), float("-inf"), 1e308, 5e-324, 0.1, None]),
        ("boolean", [True, False, None]),
        ("timestamp(6)", [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), None]),  # noqa: DTZ001
        ("array<string>", [["a", None, "it's"], [], None]),
        ("array<struct<time: timestamp(6), notes: array<string>>>",
         [[{"time": datetime(2026, 1, 1), "notes": ["x"]}, {"time": None, "notes": []}], []]),  # noqa: DTZ001
    ],
)
def test_every_value_arrives_as_it_was_given(given: Tables, kind: str, values: list[Any]) -> None:
    """Whatever stands in a text, numbers without end, times at both ends of what can be written, nothing."""
    table = given.given("given", {"place": "int64", "value": kind}, list(enumerate(values)))
    assert [row["value"] for row in given.rows(table.order_by("place"))] == values


def test_a_table_without_rows_has_its_columns(given: Tables) -> None:
    """Whoever joins it finds them."""
    assert given.given("nothing", {"a": "string", "b": "array<string>"}, []).columns == ("a", "b")


def test_rows_beyond_what_is_written_as_one_value_arrive_in_order(given: Tables) -> None:
    """Many rows are several values in the query: none is lost between two of them, and none comes twice."""
    many = [(place, f"it's {place}") for place in range(2 * WRITTEN + 1)]
    assert [tuple(row.values()) for row in given.rows(given.given("many", _TWO, many))] == many


_TWO = {"place": "int64", "value": "string"}
