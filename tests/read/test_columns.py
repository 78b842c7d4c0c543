"""Headers and date orders of CSV files: told by the whole file, never guessed."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.read import columns
from counterfoil.read.columns import Order

HEADERS = [
    ("the portals' zone", ["TimeGenerated [UTC]", "Id"], ["TimeGenerated", "Id"]),
    ("another zone stays, so that nobody takes it for UTC", ["TimeGenerated [Local Time]"],
     ["TimeGenerated [Local Time]"]),
    ("spaces around a name", ["Application ID ", " Id"], ["Application ID", "Id"]),
    ("a name that repeats", ["a", "b", "a"], ["a", "b", "a (2)"]),
]


@pytest.mark.parametrize(("header", "expected"), [row[1:] for row in HEADERS], ids=[row[0] for row in HEADERS])
def test_names(header: Sequence[str], expected: Sequence[str]) -> None:
    """Columns have the names by which sources ask for them."""
    assert columns.names(header) == expected


def _order(*rows: str, header: str = "When,Other") -> Order | None:
    return columns.order(io.BytesIO("\r\n".join((header, *rows)).encode()), frozenset({"When"}))


ORDERS = [
    ("a part above twelve in the second place", ("1/2/2026 1:00:00 PM,x", "1/13/2026 1:00:00 PM,x"), Order.MONTH),
    ("a part above twelve in the first place", ("1/2/2026 13:00:00,x", "13/2/2026 13:00:00,x"), Order.DAY),
    ("dots", ("01.02.2026 13:00:00,x",), Order.DAY),
    ("dashes", ("1-2-2026 13:00:00,x",), Order.DAY),
    ("nothing tells", ("1/2/2026 13:00:00,x", "3/4/2026 13:00:00,x"), Order.TWO_WAYS),
    ("the file contradicts itself", ("13/2/2026 13:00:00,x", "2/13/2026 13:00:00,x"), Order.TWO_WAYS),
    ("an ISO time of the same row", ('1/2/2026 13:00:00,"{""at"": ""2026-02-01T12:59:01Z""}"',), Order.DAY),
    ("ISO times that disagree", ("1/2/2026 13:00:00,2026-02-01", "3/4/2026 13:00:00,2026-03-04"), Order.TWO_WAYS),
    ("one ISO time in many rows proves nothing",
     ("1/2/2026 1:00,2026-02-01", "3/4/2026 1:00,", "3/5/2026 1:00,"), Order.TWO_WAYS),
    ("dates that are the same either way", ("2/2/2026 13:00:00,x",), None),
    ("ISO dates", ("2026-01-02T03:04:05Z,x", ",x"), None),
    ("another column is not asked", ("2026-01-02,13/2/2026",), None),
    ("no row", (), None),
]


@pytest.mark.parametrize(("rows", "expected"), [row[1:] for row in ORDERS], ids=[row[0] for row in ORDERS])
def test_order(rows: Sequence[str], expected: Order | None) -> None:
    """The order is what the file proves; the same file twice contradicts nothing."""
    assert _order(*rows) == expected
    assert _order(*rows, *rows) == expected


def test_powershell_type_line_is_no_header() -> None:
    """Export-Csv of Windows PowerShell may put `#TYPE` first."""
    assert _order("When,Other", "13/2/2026 13:00:00,x", header="#TYPE System.Object") == Order.DAY


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dates(), min_size=1, max_size=30), st.booleans())
def test_a_true_order_is_never_denied(days: Sequence[object], month_first: bool) -> None:
    """Whatever dates a file holds, the answer is how they were written, or that they read two ways."""
    written = [
        f"{d.month}/{d.day}/{d.year:04d} 1:00:00,x" if month_first else f"{d.day}/{d.month}/{d.year:04d} 1:00:00,x"  # type: ignore[attr-defined]
        for d in days
    ]
    assert _order(*written) in {Order.MONTH if month_first else Order.DAY, Order.TWO_WAYS, None}
