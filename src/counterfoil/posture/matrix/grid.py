"""A party's cells as a grid: a row for each key, a column for each issuer, class and tenant; the forms apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.posture.matrix.cells import Form
from counterfoil.posture.matrix.report import Answered, CellResult, Held

# One sign for each cell, so that nobody needs colours: let in and refused as declared, and the three that are not.
SIGNS = {Held.HOLE: "X", Held.BREAK: "o", Held.UNKNOWN: "?"}
LET_IN, REFUSED = "+", "."
LEGEND = "+ let in, . refused, as declared; X let in, should be refused; o refused, should be let in; ? cannot tell"


@dataclass(frozen=True)
class Grid:
    """`rows`: keys, each with how long ago it left; `columns`: (issuer, class, tenant); `at`: by row and column."""

    rows: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    at: tuple[tuple[CellResult | None, ...], ...]
    forms: tuple[CellResult, ...]


def grid(results: Sequence[CellResult]) -> Grid:
    """Return the grid of one party."""
    plain = [one for one in results if one.cell.form is Form.PLAIN]
    keys = tuple(dict.fromkeys(one.cell.key for one in plain))
    columns = tuple(dict.fromkeys(_column(one) for one in plain))
    at = {(one.cell.key, _column(one)): one for one in plain}
    left = {one.cell.key: one.left for one in plain}
    return Grid(
        tuple(key if left[key] is None else f"{key} (left {left[key]} min ago)" for key in keys), columns,
        tuple(tuple(at.get((key, column)) for column in columns) for key in keys),
        tuple(one for one in results if one.cell.form is not Form.PLAIN),
    )


def _column(one: CellResult) -> tuple[str, str, str]:
    return one.cell.issuer, one.cell.kind, one.cell.tenant


def sign(one: CellResult | None) -> str:
    """Return the sign of a cell."""
    if one is None:
        return " "
    return SIGNS.get(one.held, LET_IN if one.answered is Answered.ACCEPTED else REFUSED)
