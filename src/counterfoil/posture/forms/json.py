"""The whole report as a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from counterfoil._version import __version__
from counterfoil.posture.report import READY, Finding, PostureReport
from counterfoil.report.clean import escape_json
from counterfoil.report.screen import Screen

SCHEMA = "counterfoil.posture/1"


def document(report: PostureReport) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "counterfoil", "version": __version__},
        "made": report.made.isoformat(),
        "baseline": report.baseline,
        "key_class": report.key_class,
        "subjects": list(report.subjects),
        "counts": {str(verdict): count for verdict, count in report.counts.items()},
        "findings": [_finding(finding) for finding in report.findings],
        "next_steps": [{**asdict(step), "verdict": str(step.verdict)} for step in report.steps],
        "imports": [
            {"tool": run.tool, "version": run.version, "tenant": run.tenant, "file": run.file,
             "time": run.time.isoformat() if run.time else None, "results": len(run.results)}
            for run in report.imports
        ],
        "unread": [asdict(entry) for entry in report.unread],
        "expired_exceptions": [{**asdict(one), "until": one.until.isoformat()} for one in report.expired],
        "changes": None if report.changes is None else [
            {**asdict(change), "direction": change.direction} for change in report.changes
        ],
        "notes": [READY],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    answer, exempt = finding.answer, finding.exempt
    return {
        "check": finding.check, "question": finding.question, "subject": finding.subject,
        "verdict": str(answer.verdict), "seen": answer.seen, "expected": answer.expected,
        "origin": str(answer.origin), "where": list(answer.where), "gain": finding.gain, "fix": list(finding.fix),
        "breaks": finding.breaks, "sources": list(finding.sources),
        "exception": None if exempt is None else {**asdict(exempt), "until": exempt.until.isoformat()},
    }


def render(report: PostureReport, screen: Screen) -> str:  # noqa: ARG001  # every form has this shape
    """Return the document."""
    whole = msgspec.json.format(msgspec.json.encode(document(report)), indent=2).decode()
    return escape_json(whole) + "\n"
