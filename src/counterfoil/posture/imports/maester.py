"""Maester's TestResults*.json: Pester tests with their results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.errors import InputError
from counterfoil.posture.check import Verdict
from counterfoil.posture.imports import scubagear
from counterfoil.posture.imports.scan import MAIL_AUDIT, MAX_RESULTS, UNIFIED_AUDIT, Import, moment, told, verdict
from counterfoil.posture.tenant import ImportedResult, ImportedRun

_TOOL = "Maester"
# Skipped, NotRun, Error and Investigate say nothing of the tenant.
_WORDS = {"passed": Verdict.PASS, "failed": Verdict.FAIL}
TOPICS: Mapping[str, str] = {
    "CIS.M365.3.1.1": UNIFIED_AUDIT, "CIS.M365.6.1.1": MAIL_AUDIT, "CIS.M365.6.1.2": MAIL_AUDIT,
    "CIS.M365.6.1.3": MAIL_AUDIT,
}


def _fits(document: Any) -> bool:
    tests = document.get("Tests") if isinstance(document, dict) else None
    return (
        isinstance(tests, list) and "PassedCount" in document and "TenantId" in document
        and all(isinstance(one, dict) and "Result" in one for one in tests[:3])
    )


def _read(document: Any, file: str) -> ImportedRun:
    if len(document["Tests"]) > MAX_RESULTS:
        raise InputError(f"{file}: more than {MAX_RESULTS:,} results")
    found = tuple(_result(test) for test in document["Tests"] if isinstance(test, dict))
    return ImportedRun(
        _TOOL, told(document.get("CurrentVersion")), told(document.get("TenantId")), moment(document.get("ExecutedAt")),
        file, found,
    )


def _result(test: Mapping[str, Any]) -> ImportedResult:
    before, colon, after = told(test.get("Name")).partition(":")  # older ones have no Id
    name = told(test.get("Id")) or before
    detail = test.get("ResultDetail")
    said = detail.get("TestResult") if isinstance(detail, dict) else test.get("ErrorRecord")
    plain = name.removeprefix("CISA.")
    return ImportedResult(
        _TOOL, name, told(test.get("Title")) or (after.strip() if colon else before),
        verdict(test.get("Result"), _WORDS), f"{told(test.get('Result'))}: {told(said)}", told(test.get("Severity")),
        topic=TOPICS.get(plain) or scubagear.topic(plain),
    )


IMPORT = Import(_TOOL, _fits, _read)
