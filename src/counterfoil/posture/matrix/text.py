"""The matrix on a screen: what is wrong in sentences, then a grid for each party."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from counterfoil.posture.matrix.grid import LEGEND, grid, sign
from counterfoil.posture.matrix.report import CellResult, Held, MatrixReport
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen

MIN_WIDTH, MAX_WIDTH, MAX_VALUE = 60, 110, 300
# Wrong cells and changes that are told one by one: JSON has all.
MAX_TOLD = 30


def render(report: MatrixReport, screen: Screen) -> str:
    """Return the screen."""
    width = max(MIN_WIDTH, min(MAX_WIDTH, screen.width))
    lines: list[str] = []
    for indent, text in _lines(report):
        space = " " * indent
        lines += textwrap.wrap(
            clean(text, MAX_VALUE), width, initial_indent=space, subsequent_indent=space + "  ",
            break_long_words=False, break_on_hyphens=False,
        ) or [""]
    for name, results in report.parties.items():
        lines += ["", f"GRID  {clean(name)}", *_grid(results)]
    return "\n".join([*lines, "", LEGEND]) + "\n"


def _lines(report: MatrixReport) -> Iterator[tuple[int, str]]:
    told = ", ".join(f"{count} {held}" for held, count in report.counts.items() if count)
    yield 0, f"MATRIX  {told}"
    yield 0, f"{len(report.parties)} parties, declared by {report.policy}"
    for held in (Held.HOLE, Held.BREAK, Held.UNKNOWN):
        found = report.of(held)
        if found:
            yield 0, ""
            yield 0, f"{held.upper()}  {len(found)}"
        for one in found[:MAX_TOLD]:
            yield 2, _told(one)
        if len(found) > MAX_TOLD:
            yield 2, f"and {len(found) - MAX_TOLD} more; --format json has all"
    if report.drift is not None:
        yield 0, ""
        yield 0, f"CHANGED  {len(report.drift)} since the earlier run"
        for change in report.drift[:MAX_TOLD]:
            yield 2, f"{change.party}: {change.cell}: {change.before or 'not asked'} -> {change.after or 'not asked'}"


def _told(one: CellResult) -> str:
    rule = f" (declared: refused, {one.rule})" if one.rule else ""
    why = f": {one.why}" if one.held is Held.UNKNOWN else ""
    return f"{one.party}: {one.cell.name}{rule}{why}"


def _grid(results: tuple[CellResult, ...]) -> Iterator[str]:
    whole = grid(results)
    for number, (issuer, kind, tenant) in enumerate(whole.columns, 1):
        of = f", tenant {tenant}" if tenant else ""
        yield f"  column {number}: {clean(issuer)}, {kind}{of}"
    wide = max(len(str(len(whole.columns))), 1)
    name = max((len(clean(row)) for row in whole.rows), default=0)
    yield "  " + " " * name + "".join(f" {number:>{wide}}" for number in range(1, len(whole.columns) + 1))
    for row, cells in zip(whole.rows, whole.at, strict=True):
        yield f"  {clean(row):<{name}}" + "".join(f" {sign(cell):>{wide}}" for cell in cells)
    for one in whole.forms:
        yield f"  {sign(one)}  {one.cell.form}"
