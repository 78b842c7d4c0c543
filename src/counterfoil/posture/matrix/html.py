"""The matrix as one page to hand over, with a picture (SVG) for each party. No scripts."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup, escape

from counterfoil.posture.forms.html import page
from counterfoil.posture.matrix.grid import LEGEND, LET_IN, Grid, grid, sign
from counterfoil.posture.matrix.report import CellResult, Held, MatrixReport
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen

MAX_VALUE = 300
# The picture, in its own units: a cell's side, the room for names of rows and of columns, and a character's width.
SIDE, LEFT, LINE, CHARACTER = 26, 220, 18, 8
_COLOURS = {Held.HOLE: "#a00", Held.BREAK: "#c80", Held.UNKNOWN: "#9bd", Held.RIGHT: "#ded"}
_LET_IN = "#8c8"


def render(report: MatrixReport, screen: Screen) -> str:  # noqa: ARG001  # every form has this shape
    """Return the page; every value is cleaned and escaped."""
    return page("Acceptance matrix", [
        *_summary(report),
        *(part for name, results in report.parties.items() for part in _party(name, results)),
        *_drift(report),
    ])


def _summary(report: MatrixReport) -> Iterator[str]:
    told = ", ".join(f"{count} {held}" for held, count in report.counts.items() if count)
    yield f"<h1>Acceptance matrix</h1><p>{_text(told)}</p>"
    yield f"<p>Made {report.made:%Y-%m-%d %H:%M} UTC, declared by {_text(report.policy)}.</p>"
    wrong = [*report.of(Held.HOLE), *report.of(Held.BREAK), *report.of(Held.UNKNOWN)]
    yield f"<h2>Not as declared: {len(wrong)}</h2><table>"
    yield _row("th", ("answer", "party", "token", "declared", "seen"))
    for one in wrong:
        rule = f"{one.declared} {one.rule}"
        yield _row("td", (f"{sign(one)} {one.held}", one.party, one.cell.name, rule, one.why))
    yield "</table>"


def _party(name: str, results: tuple[CellResult, ...]) -> Iterator[str]:
    whole = grid(results)
    yield f"<h2>{_text(name)}</h2>"
    yield _picture(name, whole)
    yield f"<p>{_text(LEGEND)}</p><ol>"
    for issuer, kind, tenant in whole.columns:
        yield f"<li>{_text(issuer)}, {_text(kind)}{_text(f', tenant {tenant}' if tenant else '')}</li>"
    yield "</ol>"


def _picture(name: str, whole: Grid) -> str:
    """Return the grid as SVG: keys down, columns by number across, and below them a row for each form."""
    across = max(len(whole.columns), 1)
    wide = LEFT + SIDE * across + SIDE
    high = LINE + SIDE * (len(whole.rows) + len(whole.forms) + 1)
    wide = max(wide, LEFT + SIDE + CHARACTER * max((len(one.cell.form) for one in whole.forms), default=0))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_text(name)}: {_text(LEGEND)}" '
             f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" font-size="13" font-family="sans-serif">']
    parts += [_label(LEFT + SIDE * place + SIDE // 2, LINE - 4, str(place + 1), "middle") for place in range(across)]
    for number, (row, cells) in enumerate(zip(whole.rows, whole.at, strict=True)):
        top = LINE + SIDE * number
        parts.append(_label(LEFT - 6, top + LINE, clean(row, 30), "end"))
        parts += [_square(LEFT + SIDE * place, top, cell) for place, cell in enumerate(cells) if cell is not None]
    for number, one in enumerate(whole.forms, len(whole.rows) + 1):
        top = LINE + SIDE * number
        parts += [_square(LEFT, top, one), _label(LEFT + SIDE + 6, top + LINE, str(one.cell.form), "start")]
    return "".join([*parts, "</svg>"])


def _square(left: int, top: int, one: CellResult) -> str:
    shown = sign(one)
    colour = _LET_IN if shown == LET_IN else _COLOURS[one.held]
    ink = "#fff" if one.held is Held.HOLE else "#111"
    return (
        f'<g><title>{_text(f"{one.held}: {one.cell.name}")}</title>'
        f'<rect x="{left + 1}" y="{top + 1}" width="{SIDE - 2}" height="{SIDE - 2}" fill="{colour}"/>'
        f'<text x="{left + SIDE // 2}" y="{top + LINE}" text-anchor="middle" fill="{ink}">{_text(shown)}</text></g>'
    )


def _label(left: int, top: int, text: str, anchor: str) -> str:
    return f'<text x="{left}" y="{top}" text-anchor="{anchor}">{_text(text)}</text>'


def _drift(report: MatrixReport) -> Iterator[str]:
    if report.drift is None:
        return
    yield f"<h2>Changed since the earlier run: {len(report.drift)}</h2><table>"
    yield _row("th", ("party", "token", "before", "after"))
    for one in report.drift:
        yield _row("td", (one.party, one.cell, one.before or "not asked", one.after or "not asked"))
    yield "</table>"


def _row(cell: str, values: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<{cell}>{_text(value)}</{cell}>" for value in values) + "</tr>"


def _text(value: str) -> Markup:
    return escape(clean(value, MAX_VALUE))
