"""SARIF 2.1.0: what is amiss, for code scanning and its like. Exceptions are suppressions."""

from __future__ import annotations

from typing import Any

import msgspec

from counterfoil._version import __version__
from counterfoil.posture.check import Verdict
from counterfoil.posture.report import Finding, PostureReport
from counterfoil.report.clean import clean, escape_json
from counterfoil.report.screen import Screen

MAX_VALUE = 1_000
_LEVELS = {Verdict.FAIL: "error", Verdict.PARTIAL: "warning"}
_KINDS = {Verdict.FAIL: "fail", Verdict.PARTIAL: "fail", Verdict.CANNOT_TELL: "open", Verdict.PASS: "pass"}


def render(report: PostureReport, screen: Screen) -> str:  # noqa: ARG001  # every form has this shape
    """Return the log."""
    rules = {finding.check: finding for finding in report.findings}
    driver = {
        "name": "counterfoil", "version": __version__,
        "rules": [
            {"id": name, "shortDescription": {"text": clean(finding.question, MAX_VALUE) or name},
             "help": {"text": " ".join(finding.fix)}}
            for name, finding in rules.items()
        ],
    }
    run = {"tool": {"driver": driver}, "results": [_result(finding) for finding in report.findings]}
    whole = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return escape_json(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()) + "\n"


def _result(finding: Finding) -> dict[str, Any]:
    answer = finding.answer
    kind = _KINDS[answer.verdict]
    told = f"{answer.seen}; expected: {answer.expected}. {' '.join(answer.where)}".strip()
    found: dict[str, Any] = {
        "ruleId": finding.check,
        "kind": kind,
        "level": _LEVELS.get(answer.verdict, "none"),  # 3.27.10: what did not fail has none
        "message": {"text": clean(told, MAX_VALUE)},
        "locations": [{"logicalLocations": [{"fullyQualifiedName": clean(finding.subject, MAX_VALUE)}]}],
    }
    if finding.exempt is not None:
        why = f"{finding.exempt.owner}, until {finding.exempt.until}: {finding.exempt.reason}"
        found["suppressions"] = [{"kind": "external", "justification": clean(why, MAX_VALUE)}]
    return found
