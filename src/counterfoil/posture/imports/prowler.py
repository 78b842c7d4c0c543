"""Prowler's *.ocsf.json: a list of OCSF Detection Findings, or of Security Findings as version 3 wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.errors import InputError
from counterfoil.posture.check import Verdict
from counterfoil.posture.imports.scan import (
    AWS_USE_LOG,
    GOOGLE_USE_LOG,
    MAIL_AUDIT,
    MAX_RESULTS,
    RETENTION,
    UNIFIED_AUDIT,
    Import,
    moment,
    told,
    verdict,
)
from counterfoil.posture.tenant import ImportedResult, ImportedRun

_TOOL = "Prowler"
_WORDS = {"pass": Verdict.PASS, "fail": Verdict.FAIL, "success": Verdict.PASS, "failure": Verdict.FAIL}
TOPICS: Mapping[str, str] = {
    "exchange_organization_mailbox_auditing_enabled": MAIL_AUDIT,
    "exchange_user_mailbox_auditing_enabled": MAIL_AUDIT,
    "exchange_mailbox_audit_bypass_disabled": MAIL_AUDIT,
    "purview_audit_log_search_enabled": UNIFIED_AUDIT,
    "cloudtrail_multi_region_enabled": AWS_USE_LOG,
    "cloudtrail_multi_region_enabled_logging_management_events": AWS_USE_LOG,
    "iam_audit_logs_enabled": GOOGLE_USE_LOG,
    "cloudwatch_log_group_retention_policy_specific_days_enabled": RETENTION,
}


def _fits(document: Any) -> bool:
    if not isinstance(document, list) or not document:
        return False
    return all(_product(one).get("name") == _TOOL for one in document[:3])


def _part(value: object, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _product(finding: object) -> Mapping[str, Any]:
    return _part(_part(finding, "metadata"), "product")


def _read(document: Any, file: str) -> ImportedRun:
    if len(document) > MAX_RESULTS:
        raise InputError(f"{file}: more than {MAX_RESULTS:,} results")
    found = tuple(_result(one) for one in document if isinstance(one, dict))
    first = document[0]
    accounts = _part(_part(first, "cloud"), "account")
    when = moment(first.get("time_dt") or _part(first, "finding_info").get("created_time_dt") or first.get("time"))
    return ImportedRun(_TOOL, told(_product(first).get("version")), told(accounts.get("uid")), when, file, found)


def _result(finding: Mapping[str, Any]) -> ImportedResult:
    info = _part(finding, "finding_info") or _part(finding, "finding")
    name = told(_part(finding, "metadata").get("event_code") or _part(_product(finding), "feature").get("uid"))
    word = finding.get("status_code") or _part(finding, "compliance").get("status") or finding.get("status")
    resources = finding.get("resources")
    resource = resources[0] if isinstance(resources, list) and resources and isinstance(resources[0], dict) else {}
    muted = "muted; " if finding.get("status") == "Suppressed" else ""
    return ImportedResult(
        _TOOL, name, told(info.get("title")), verdict(word, _WORDS), f"{muted}{told(finding.get('status_detail'))}",
        told(finding.get("severity")), told(resource.get("uid") or resource.get("name")), TOPICS.get(name, ""),
    )


IMPORT = Import(_TOOL, _fits, _read)
