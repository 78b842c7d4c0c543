"""OCSF 1.8.0 Compliance Findings (class 2003), one for each answer, as a JSON array."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from counterfoil._version import __version__
from counterfoil.posture.check import Verdict
from counterfoil.posture.report import Finding, PostureReport
from counterfoil.report.clean import clean, escape_json
from counterfoil.report.screen import Screen

OCSF = "1.8.0"
MAX_VALUE = 1_000
# compliance.status_id: 0 Unknown, 1 Pass, 2 Warning, 3 Fail; severity_id: 1 Informational to 4 High.
_STATUS = {Verdict.PASS: (1, "Pass"), Verdict.PARTIAL: (2, "Warning"), Verdict.FAIL: (3, "Fail"),
           Verdict.CANNOT_TELL: (0, "Unknown")}
_SEVERITY = {Verdict.PASS: (1, "Informational"), Verdict.CANNOT_TELL: (1, "Informational"),
             Verdict.PARTIAL: (3, "Medium"), Verdict.FAIL: (4, "High")}
# status_id of the finding: 1 New, 3 Suppressed.
_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")


def render(report: PostureReport, screen: Screen) -> str:  # noqa: ARG001  # every form has this shape
    """Return the findings."""
    made = int(report.made.timestamp() * 1000)
    whole = [_finding(finding, report, made) for finding in report.findings]
    return escape_json(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()) + "\n"


def _finding(finding: Finding, report: PostureReport, made: int) -> dict[str, Any]:
    answer = finding.answer
    status, severity = _STATUS[answer.verdict], _SEVERITY[answer.verdict]
    state = _NEW if finding.exempt is None else _SUPPRESSED
    seen = clean(answer.seen, MAX_VALUE)
    return {
        "activity_id": 1, "activity_name": "Create", "category_uid": 2, "category_name": "Findings",
        "class_uid": 2003, "class_name": "Compliance Finding", "type_uid": 200301,
        "type_name": "Compliance Finding: Create", "time": made, "severity_id": severity[0], "severity": severity[1],
        "status_id": state[0], "status": state[1], "message": seen,
        "metadata": {
            "version": OCSF,
            "product": {"name": "counterfoil", "vendor_name": "counterfoil", "version": __version__},
        },
        "finding_info": {
            "uid": hashlib.sha256(f"{finding.check}\n{finding.subject}".encode()).hexdigest()[:32],
            "title": clean(finding.question, MAX_VALUE), "desc": seen, "created_time": made,
        },
        "compliance": {
            "control": finding.check, "standards": [report.baseline], "status_id": status[0], "status": status[1],
            "status_details": [clean(line, MAX_VALUE) for line in answer.where],
            "requirements": [clean(source, MAX_VALUE) for source in finding.sources],
        },
        "remediation": {"desc": clean(" ".join(finding.fix), MAX_VALUE)},
        "resources": [{"name": clean(finding.subject, MAX_VALUE)}],
    }
