"""A matrix as a JSON document: written for later runs and for `counterfoil posture`, and read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from counterfoil._version import __version__
from counterfoil.errors import InputError
from counterfoil.posture.documents import content, json_of
from counterfoil.posture.matrix.cells import Cell, Form
from counterfoil.posture.matrix.report import Answered, CellResult, Declared, Drift, MatrixReport

SCHEMA = "counterfoil.matrix-report/1"
MAX_REPORT_BYTES = 64 << 20
MAX_RESULTS = 200_000


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    party: str
    key: str
    issuer: str
    kind: str = msgspec.field(name="class")
    tenant: str = ""
    form: Form
    declared: Declared
    rule: str = ""
    answered: Answered
    why: str = ""
    left_minutes: int | None = None


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    made: datetime
    policy: str = ""
    cells: list[_Row]


def document(report: MatrixReport) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "schema": SCHEMA, "tool": {"name": "counterfoil", "version": __version__}, "made": report.made.isoformat(),
        "policy": report.policy, "counts": {str(held): count for held, count in report.counts.items()},
        "cells": [
            {"party": one.party, "key": one.cell.key, "issuer": one.cell.issuer, "class": one.cell.kind,
             "tenant": one.cell.tenant, "form": str(one.cell.form), "declared": str(one.declared), "rule": one.rule,
             "answered": str(one.answered), "held": str(one.held), "why": one.why, "left_minutes": one.left}
            for one in report.results
        ],
        "drift": None if report.drift is None else [
            {"party": one.party, "cell": one.cell, "before": one.before, "after": one.after} for one in report.drift
        ],
    }


def fits(value: object) -> bool:
    """Tell a matrix by its schema."""
    return isinstance(value, dict) and value.get("schema") == SCHEMA


def parsed(value: object, where: str) -> MatrixReport:
    """Return the report of a document; raises InputError for what is none."""
    try:
        if not fits(value):
            raise ValueError(f"expected {SCHEMA}")
        told = msgspec.convert(value, _Document)
        if len(told.cells) > MAX_RESULTS or told.made.tzinfo is None:
            raise ValueError(f"more than {MAX_RESULTS:,} cells, or a time without offset")
    except (msgspec.ValidationError, ValueError) as error:
        hint = "counterfoil matrix --format json --output FILE writes one"
        raise InputError(f"{where}: no report of a matrix: {error}", hint=hint) from error
    return MatrixReport(told.made, told.policy, tuple(_result(row) for row in told.cells))


def _result(row: _Row) -> CellResult:
    cell = Cell(row.key, row.issuer, row.kind, row.tenant, row.form)
    return CellResult(row.party, cell, row.declared, row.answered, row.rule, row.why, row.left_minutes)


def drift(report: MatrixReport, path: Path) -> tuple[Drift, ...]:
    """Return what differs from the run that a file holds; raises InputError for what is none."""
    earlier = parsed(json_of(content(path, MAX_REPORT_BYTES)), str(path))
    before, after = _by_cell(earlier), _by_cell(report)
    return tuple(_drift(before, after))


def _by_cell(report: MatrixReport) -> dict[tuple[str, str], str]:
    return {(one.party, one.cell.name): str(one.held) for one in report.results}


def _drift(before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]) -> Iterator[Drift]:
    for party, cell in sorted({*before, *after}):
        was, now = before.get((party, cell), ""), after.get((party, cell), "")
        if was != now:
            yield Drift(party, cell, was, now)
