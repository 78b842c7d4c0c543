"""The findings, one JSON document per line, schema `counterfoil.finding/1`: for pipes and log collectors."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.model.hunt import HuntReport
from counterfoil.report import _document
from counterfoil.report.screen import Screen


def render(report: HuntReport, screen: Screen) -> str:  # noqa: ARG001  # every format has this shape
    """Return one line per finding, in the report's order; nothing if there is none."""
    documents = [{"schema": _document.FINDING, **_document.finding(entry)} for entry in report.findings]
    return "".join(_document.encode(document, indent=0) + "\n" for document in documents)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], screen: Screen) -> str:  # noqa: ARG001
    """Return one object per row. A second column of one name is called NAME_2, and so on."""
    names = distinct(columns)
    return "".join(_document.encode(dict(zip(names, row, strict=True)), indent=0) + "\n" for row in rows)


def distinct(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each once: later ones of the same name are numbered."""
    taken: dict[str, None] = {}
    for column in columns:
        name, number = column, 1
        while name in taken:
            number += 1
            name = f"{column}_{number}"
        taken[name] = None
    return tuple(taken)
