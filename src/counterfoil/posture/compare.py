"""What differs between two runs: drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from counterfoil.errors import InputError
from counterfoil.posture.check import Verdict
from counterfoil.posture.documents import content, json_of
from counterfoil.posture.forms.json import SCHEMA
from counterfoil.posture.report import Change, PostureReport

MAX_REPORT_BYTES = 512 << 20
_KNOWN = frozenset(map(str, Verdict))


def changes(report: PostureReport, path: Path) -> tuple[Change, ...]:
    """Return what differs from the run that a JSON report holds; raises InputError for what is none."""
    before = _earlier(path)
    after = {
        (finding.check, finding.subject): (str(finding.answer.verdict), finding.answer.seen)
        for finding in report.findings
    }
    return tuple(_changes(before, after))


_Told = Mapping[tuple[str, str], tuple[str, str]]


def _changes(before: _Told, after: _Told) -> Iterator[Change]:
    for check, subject in sorted({*before, *after}):
        old, new = before.get((check, subject), ("", "")), after.get((check, subject), ("", ""))
        if old != new:
            yield Change(check, subject, old[0], new[0], old[1], new[1])


def _earlier(path: Path) -> _Told:
    document = json_of(content(path, MAX_REPORT_BYTES))
    try:
        if document["schema"] != SCHEMA:
            raise ValueError(SCHEMA)
        return dict(_row(row) for row in document["findings"])
    except (TypeError, KeyError, ValueError) as error:
        told = f"{path}: no report of an earlier run ({SCHEMA})"
        raise InputError(told, hint="counterfoil posture --format json --output FILE writes one") from error


def _row(row: Mapping[str, Any]) -> tuple[tuple[str, str], tuple[str, str]]:
    verdict = str(row["verdict"])
    if verdict not in _KNOWN:
        raise ValueError(verdict)
    return (str(row["check"]), str(row["subject"])), (verdict, str(row["seen"]))
