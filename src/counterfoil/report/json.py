"""The whole report as one JSON document, schema `counterfoil.hunt/1`."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.model.hunt import HuntReport
from counterfoil.report import _document
from counterfoil.report.screen import Screen

COVERED = True


def render(report: HuntReport, screen: Screen) -> str:  # noqa: ARG001  # every format has this shape
    """Return the report."""
    return _document.encode(_document.hunt(report), indent=2) + "\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], screen: Screen) -> str:  # noqa: ARG001
    """Return `{"schema": "counterfoil.rows/1", "columns": [...], "rows": [[...], ...]}`, one row per line."""
    head = _document.encode({"schema": _document.ROWS, "columns": list(columns)}, indent=0)
    lines = ",\n".join(_document.encode(list(row), indent=0) for row in rows)
    return f'{head[:-1]},"rows":[\n{lines}\n]}}\n'
