"""A whole output folder of Microsoft-Extractor-Suite 4.1: each file serves something, nothing is a by-product."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.run import run
from counterfoil.cli.main import main
from counterfoil.sources.byproducts import MAIL

# one process: what is made for all of them takes long
pytestmark = pytest.mark.xdist_group("suite folder")

SAMPLES = Path(__file__).parent.parent / "samples"
ALICE, ALICE_ID = "alice@contoso.example", "a0000000-0000-4000-8000-0000000000a1"
# Where the suite puts what (Init-OutputDir of version 4), and the source that reads it.
LAYOUT: Mapping[str, tuple[str, str]] = {
    "20260302-MailboxAuditStatus.csv": ("Audit Status/20260302", "mes-mailbox-audit"),
    "20260302-MailboxRules.csv": ("Rules/20260302", "mes-mailbox-rules"),
    "20260302-TransportRules.csv": ("Rules/20260302", "mes-transport-rules"),
    "202603021000-MailboxPermissions.csv": ("Mailbox Permissions/202603021000", "mes-mailbox-permissions"),
    "20260302-Users.csv": ("Users/20260302", "mes-users"),
    "20260302-GlobalAdministrator.csv": ("Admins/20260302", "mes-admins"),
    "20260302-All-Roles.csv": ("Roles/20260302", "mes-roles"),
    "20260302-PIM-Assignments.csv": ("Roles/20260302", "mes-pim"),
    "20260302-Groups.csv": ("Groups/20260302", "mes-groups"),
    "20260302-GroupMembers.csv": ("Groups/20260302", "mes-group-members"),
    "20260302-DynamicGroups.csv": ("Groups/20260302", "mes-dynamic-groups"),
    "20260302-UserLicenses.csv": ("Licenses/20260302", "mes-user-licences"),
    "20260302-TenantLicenses.csv": ("Licenses/20260302", "mes-licences"),
    "20260302-EntraSecurityDefaults.csv": ("Licenses/20260302", "mes-security-defaults"),
    "20260302-AuthenticationMethods.csv": ("MFA/20260302", "mes-mfa-methods"),
    "20260302-UserRegistrationDetails.csv": ("MFA/20260302", "mes-mfa-registration"),
    "20260302-RiskyUsers.csv": ("RiskyEvents/20260302", "mes-risky-users"),
    "20260302-RiskyDetections.csv": ("RiskyEvents/20260302", "mes-risk-detections"),
    "20260302-Devices.csv": ("Device Information/20260302", "mes-devices"),
    "20260302-Devices.json": ("Device Information/20260302", "mes-devices"),
    "20260302-UserDevices.csv": ("Users/20260302", "mes-user-devices"),
    "20260302-OAuthPermissions.csv": ("OAuthPermissions/20260302", "mes-oauth-permissions"),
    "20260302-Applications.csv": ("EntraID/20260302", "mes-applications"),
    "20260302-UserApplications.csv": ("EntraID/20260302", "mes-user-applications"),
    "20260302-ConditionalAccessPolicy.csv": ("ConditionalAccessPolicies/20260302", "mes-conditional-access"),
    "20260302-SecureScore.csv": ("SecureScore/20260302", "mes-secure-score"),
    "Amount_Of_Audit_Logs.csv": ("UnifiedAuditLog/20260302", "mes-audit-counts"),
    "20260302-MessageTrace.csv": ("MessageTrace/20260302", "m365-message-trace"),
    "20260302-Sessions.csv": ("MailItemsAccessed/20260302-Sessions", "mes-mail-sessions"),
    "20260302-MessageIDs.csv": ("MailItemsAccessed/20260302-MessageIDs", "mes-mail-messages"),
    "20260302-ActivityLog.json": ("Activity Logs/20260302", "azure-activity"),
    "20260302-ActivityLog-old.json": ("Activity Logs/20260301", "azure-activity-powershell"),
    "LogFile.txt": ("", "mes-messages"),
}
LOGS = {"m365/search.csv": "UnifiedAuditLog/20260302101500/UAL-20260301000000.csv"}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as the suite leaves it."""
    root = tmp_path_factory.mktemp("suite") / "Output"
    for name, (place, _) in LAYOUT.items():
        _copy(SAMPLES / "mes" / name, root / place / name)
    for name, place in LOGS.items():
        _copy(SAMPLES / name, root / place)
    mail = root / "Email Export" / "20260302" / "1-Invoice.eml"
    mail.parent.mkdir(parents=True)
    mail.write_text("From: alice@contoso.example\nSubject: Invoice\n\nPlease pay.\n")
    return root


def _copy(given: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(given.read_bytes())


@pytest.fixture(scope="module")
def case(output: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the case that the program makes of the folder."""
    folder = tmp_path_factory.mktemp("case") / "case"
    main(["hunt", str(output), "--case", str(folder), "--quiet"])
    return folder


def _report(capsys: Any, case: Path) -> Any:
    return json.loads(run(capsys, "report", "--case", case, "--format", "json").out)


def _sql(capsys: Any, case: Path, query: str) -> list[list[Any]]:
    ran = run(capsys, "sql", case, query, "--format", "json")
    assert ran.code == 0, ran.err
    rows: list[list[Any]] = json.loads(ran.out)["rows"]
    return rows


def test_each_file_is_read_or_says_why(capsys: Any, case: Path) -> None:
    """Nothing is a by-product; exported mail alone is unread, and says so; each bad record is one reject."""
    report = _report(capsys, case)
    found = {Path(entry["path"]).name: entry for entry in report["inputs"]}
    assert {name: found[name]["source"] for name in LAYOUT} == {name: source for name, (_, source) in LAYOUT.items()}
    assert {entry["unread"] for entry in report["inputs"] if entry["unread"]} == {MAIL}
    assert [name for name in LAYOUT if found[name]["rejected"] != 1] == []
    assert all(e["read"] == e["kept"] + e["duplicates"] + e["rejected"] for e in report["inputs"])


def test_states_are_context_and_no_events(capsys: Any, case: Path) -> None:
    """They are in evidence with whom and what they are of; what happened is told of the logs alone."""
    report = _report(capsys, case)
    kinds = _sql(capsys, case, "SELECT DISTINCT leg, kind FROM evidence WHERE source = 'tenant-state'")
    assert {leg for leg, _ in kinds} == {"context"}
    assert {kind for _, kind in kinds} == {
        "mailbox-audit", "mailbox-rule", "transport-rule", "mailbox-permission", "user", "role", "role-assignment",
        "group", "group-member", "licence", "security-defaults", "mfa", "risky-user", "device", "consent",
        "application", "conditional-access", "secure-score", "audit-count", "collection",
    }
    oldest = _sql(capsys, case, "SELECT min(event_time) AS t FROM evidence WHERE source = 'tenant-state'")
    assert str(oldest[0][0]).startswith("2024-02-13")
    assert "2024" not in json.dumps([report.get("first_event"), report.get("last_event")])


def test_a_name_is_the_users_it_is_in_the_export(capsys: Any, case: Path) -> None:
    """Records under a name and under an object id are one user's, as the tenant's own list says."""
    query = f"SELECT subject_id FROM evidence WHERE kind = 'user' AND subject_name = '{ALICE}'"  # noqa: S608  # ours
    assert _sql(capsys, case, query) == [[ALICE_ID]]


def test_no_licence_is_not_no_records(capsys: Any, case: Path) -> None:
    """Sign-ins that the service refused (403) are said to be refused, with the reason that it gave."""
    report = _report(capsys, case)
    (entry,) = [entry for entry in report["inputs"] if entry["path"].endswith("LogFile.txt")]
    assert entry["note"].startswith("entra-signin: the service refused it (403)")
    assert "not the same as no records" in entry["note"]
    query = (
        "SELECT object_id, extra->>'why' AS why FROM evidence"
        " WHERE kind = 'collection' AND outcome = 'refused'"
    )
    assert _sql(capsys, case, query) == [["entra-signin", "no licence"]]


def test_without_a_refusal_nothing_is_said(capsys: Any, tmp_path: Path) -> None:
    """An error of another kind, or a log without records, is not a missing licence."""
    log = tmp_path / "Output" / "LogFile.txt"
    log.parent.mkdir()
    log.write_text(
        "3/2/2026 10:15:00 AM: [INFO] Running Get-GraphEntraSignInLogs\n"
        "3/2/2026 10:15:01 AM: [ERROR] An error occurred: The operation was canceled.\n"
        "3/2/2026 10:15:02 AM: [INFO] Total Records: 403\n"
    )
    case = tmp_path / "case"
    run(capsys, "hunt", log, "--case", case, "--quiet")
    report = _report(capsys, case)
    assert [entry["note"] for entry in report["inputs"]] == [""]
    query = "SELECT DISTINCT outcome, object_id FROM evidence ORDER BY 1"
    assert _sql(capsys, case, query) == [
        ["failed", "entra-signin"], ["success", "entra-signin"],
    ]
