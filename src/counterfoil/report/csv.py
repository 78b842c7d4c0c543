"""The findings as CSV (RFC 4180) for spreadsheets, one row each, guarded against formulas.

A spreadsheet runs a cell that begins like a formula, and most cells here hold what an intruder wrote. Such a
cell gets an apostrophe in front, which spreadsheets do not show (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from counterfoil.model.hunt import HuntReport
from counterfoil.report import _document
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen

COLUMNS: tuple[str, ...] = (
    "id", "rule", "verdict", "severity", "confidence", "title", "first_seen", "last_seen", "token_count",
    "acceptance_count", "subjects", "clients", "ips", "keys", "objects", "tokens", "evidence", "attack", "score",
    "detail", "next_step", "diagnosis",
)

# Spreadsheets cut longer cells.
MAX_CELL = 32_000
# No spreadsheet takes this for the border of a cell.
_BETWEEN = " | "
# The last four are the full-width forms, which some programs read as the first four.
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def render(report: HuntReport, screen: Screen) -> str:  # noqa: ARG001  # every format has this shape
    """Return a header and one row per finding, in the report's order."""
    return _written(COLUMNS, ([getattr(entry, name) for name in COLUMNS] for entry in report.findings))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], screen: Screen) -> str:  # noqa: ARG001
    """Return a header and the rows."""
    return _written(columns, rows)


def parts(columns: Sequence[str], chunks: Iterable[Iterable[Sequence[object]]]) -> Iterator[str]:
    """Yield the header and the rows piece by piece, for tables that memory need not hold as a whole."""
    yield _written(columns, ())
    for chunk in chunks:
        yield _lines(chunk)


def guard(text: str) -> str:
    """Return the text as a cell that no spreadsheet runs.

    >>> guard("=1+1")
    "'=1+1"
    """
    cell = clean(text, MAX_CELL)
    return f"'{cell}" if {text[:1], cell[:1]} & _FORMULA else cell


def _written(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return _lines([[guard(column) for column in columns]]) + _lines(rows)


def _lines(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    """Return a number as it is, anything else as guarded text; absent values as an empty cell."""
    simple = _document.plain(value)
    if simple is None:
        return ""
    if isinstance(simple, bool):
        return "true" if simple else "false"
    if isinstance(simple, int | float):
        return simple
    if isinstance(simple, list) and all(isinstance(item, str) for item in simple):
        return guard(_BETWEEN.join(simple))
    if isinstance(simple, list | dict):
        return guard(_document.encode(simple, indent=0))
    return guard(simple)
