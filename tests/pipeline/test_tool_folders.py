"""Output folders of Hawk and Microsoft-Extractor-Suite: logs are read, the rest is named for what it is."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from counterfoil import app
from counterfoil.model.coverage import Declaration
from counterfoil.model.hunt import HuntReport
from counterfoil.sources import byproducts

from .estates import settings as told

SAMPLES = Path(__file__).parent.parent / "samples"
HAWK = "Hawk_Contoso_20260302_101500"


def _rows(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    out = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL, extrasaction="ignore")
    out.writeheader()
    out.writerows(rows)
    return text.getvalue()


def _simple(row: Mapping[str, str]) -> dict[str, Any]:
    """Return Hawk's summary of a record: the same names, without the token's id where Exchange has it."""
    audit = json.loads(row["AuditData"])
    summary = {"RecordType": row["RecordType"], "AuditId": audit["Id"], "AuditCreationTime": audit["CreationTime"]}
    return {**audit, **summary, "FullCommand": audit["Operation"], "AppAccessContext": None}


def _export_csv(objects: list[dict[str, Any]]) -> str:
    """Return objects as Export-Csv writes them: nested values by the names of their types."""
    kind = "Microsoft.Graph.PowerShell.Models.MicrosoftGraphSignInStatus"
    return _csv([{k: kind if isinstance(v, dict | list) else v for k, v in one.items()} for one in objects])


def _hawk(root: Path) -> Mapping[str, str]:
    """Write a folder of Hawk; return the source of each file, empty for a by-product."""
    audit = [row for row in _rows("m365/search.csv") if row["AuditData"].endswith("}")][:5]
    signins = json.loads((SAMPLES / "entra/powershell.json").read_text("utf-8-sig"))
    changes = json.loads((SAMPLES / "entra/audit-powershell.json").read_text())
    mail = [json.loads(row["AuditData"]) for row in audit]
    simple = [_simple(row) for row in audit]
    files = {
        "Hawk.log": ("[2026-03-02 10:15:00] - [ACTION] - Hawk output directory created", ""),
        "_Investigate.txt": ("[INVESTIGATE] - Found 1 risky sign-ins, see the folder", ""),
        "Tenant/EntraIDAuditLogs.json": (json.dumps(changes, indent=2), "entra-audit-powershell"),
        "Tenant/EntraIDAuditLogs.csv": (_export_csv(changes), ""),
        "Tenant/Admin_Inbox_Rules_Creation.csv": (_csv([dict(row) for row in audit]), "m365-ual-search"),
        "Tenant/Admin_Inbox_Rules_Creation.json": (json.dumps(audit, indent=2), "m365-ual-search-json"),
        "Tenant/Simple_Admin_Inbox_Rules_Creation.csv": (_csv(simple), ""),
        "Tenant/Simple_Admin_Inbox_Rules_Creation.json": (json.dumps(simple, indent=2), ""),
        "Tenant/_Investigate_Admin_Inbox_Rules_Creation.json": (json.dumps(simple[:1], indent=2), ""),
        "Tenant/XML/OrganizationConfig.xml": ("<Objs><Obj/></Objs>", ""),
        "Tenant/OrganizationConfig.txt": ("Name : contoso\n", ""),
        "Tenant/InboxRules.csv": (_csv([{"Name": "rule", "Enabled": "True"}]), ""),
        "adele@contoso.example/EntraSignInLog_adele.json": (json.dumps(signins, indent=2), "entra-signin-powershell"),
        "adele@contoso.example/EntraSignInLog_adele.csv": (_export_csv(signins), ""),
        "adele@contoso.example/MailItemsAccessed_adele.json": (json.dumps(mail, indent=2), "m365-ual-api"),
        "adele@contoso.example/AutoReply_adele.txt": ("Identity : adele\n", ""),
    }
    return _written(root / HAWK, files, "utf-16")  # Out-File of Windows PowerShell


def _suite(root: Path) -> Mapping[str, str]:
    """Write the logs of a folder of Microsoft-Extractor-Suite; return the source of each file."""
    rows = [dict(row) for row in _rows("m365/search.csv") if row["AuditData"].endswith("}")]
    first, second = rows[:6], rows[4:9]  # overlapping queries repeat records
    graph = json.loads((SAMPLES / "m365/graph.json").read_text())["value"]
    objects = json.loads((SAMPLES / "entra/graph-beta.json").read_text())["value"]
    lines = "".join(json.dumps(one["auditData"]) + "\n" for one in graph if one["auditData"])
    query = (SAMPLES / "m365/graph.csv").read_text("utf-8-sig")
    alerts = (SAMPLES / "alerts/20260320-SecurityAlerts.csv").read_text()
    files = {
        "LogFile.txt": ("[INFO] Running Get-UALAll", "mes-messages"),
        "UnifiedAuditLog/20260302101500/UAL-20260301000000.csv": (_csv(first), "m365-ual-search"),
        "UnifiedAuditLog/20260302101500/UAL-20260301120000.csv": (_csv(second), "m365-ual-search"),
        "UnifiedAuditLog/20260302101500/Merged/UAL-Combined.csv": (_csv([*first, *second]), "m365-ual-search"),
        "UnifiedAuditLog/2026-case-UnifiedAuditLog.csv": (query, "m365-ual-graph"),
        "UnifiedAuditLog/2026-case-UnifiedAuditLog.json": (json.dumps(graph, indent=4), "m365-ual-graph"),
        "UnifiedAuditLog/2026-case-UnifiedAuditLog.jsonl": (lines, "m365-ual-api"),
        "UnifiedAuditLog/Amount_Of_Audit_Logs.csv":
            (_csv([{"RecordType": "ExchangeAdmin", "Amount": "3"}]), "mes-audit-counts"),
        "EntraID/20260302-SignInLogs/servicePrincipal/1-SignInLogs.json":
            (json.dumps(objects[:3], indent=4) + "\n" + json.dumps(objects[3:], indent=4), "entra-signin-graph"),
        "EntraID/20260302-Auditlogs/1-AuditLogs.json":
            (json.dumps(json.loads((SAMPLES / "entra/audit-graph.json").read_text())["value"]), "entra-audit-graph"),
        "SecurityAlerts/202603201000-SecurityAlerts.csv": (alerts, "graph-security-alerts"),
        "Rules/MailboxRules.csv": (_csv([{"UserName": "adele", "RuleName": "x"}]), "mes-mailbox-rules"),
    }
    return _written(root / "Output", files)


def _written(root: Path, files: Mapping[str, tuple[str, str]], encoding: str = "utf-8") -> Mapping[str, str]:
    for name, (text, _) in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8-sig" if name.endswith(".csv") else encoding)
    return {str(root / name): source for name, (_, source) in files.items()}


def _ingested(root: Path) -> HuntReport:
    return app.ingest([str(root)], told(root.parent / f"{root.name}-case"), app.Silent())


@pytest.mark.parametrize("write", [_hawk, _suite], ids=["Hawk", "Microsoft-Extractor-Suite"])
def test_a_folder_is_read_whole(write: Any, tmp_path: Path) -> None:
    """Each log is read by its source, the rest is a by-product with the tool's name; nothing is an error."""
    root = tmp_path / "given"
    expected = write(root)
    report = _ingested(root)
    found = {entry.path: entry for entry in report.inputs}
    assert {path: entry.source for path, entry in found.items()} == dict(expected)
    unread = [entry for entry in report.inputs if entry.unread]
    assert [entry.path for entry in unread if not entry.byproduct] == []
    assert all(entry.read == entry.kept + entry.duplicates + entry.rejected for entry in report.inputs)


def test_merged_files_count_every_record_once(tmp_path: Path) -> None:
    """What the single files hold is a duplicate in the merged one, and says so."""
    expected = _suite(tmp_path / "given")
    report = app.hunt([str(tmp_path / "given")], told(tmp_path / "case"), app.Silent())
    rows = [entry for entry in report.inputs if "UAL-" in entry.path]
    assert len(rows) == 3
    assert sum(entry.read for entry in rows) == 6 + 5 + 11
    assert sum(entry.kept for entry in rows) <= 9
    assert all(entry.read == entry.kept + entry.duplicates + entry.rejected for entry in report.inputs)
    assert len(report.inputs) == len(expected)


def test_dates_that_tell_nothing_refuse_the_declaration(tmp_path: Path) -> None:
    """Sign-ins left out for their date are no proof that nobody signed in."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("entra/log-analytics.jsonl", "entra/log-analytics-two-ways.csv"):
        (logs / Path(name).name).write_bytes((SAMPLES / name).read_bytes())
    kinds = ("interactive", "non-interactive")
    complete = tuple(Declaration("entra-signin", kind, None, None) for kind in kinds)
    told_all = replace(told(tmp_path / "case"), complete=complete, exported_at=datetime.fromisoformat("2026-04-01"))
    report = app.hunt([str(logs)], told_all, app.Silent())
    refused = [row for row in report.coverage if row.status == "refused"]
    assert {row.kind for row in refused} == set(kinds)
    assert all("day or the month first" in row.reason for row in refused)


def test_a_summary_does_not_hide_a_token(tmp_path: Path) -> None:
    """Hawk's summaries hold the records without their tokens: read as logs they would win, and lose them."""
    _hawk(tmp_path / "given")
    query = "SELECT record_id, token_id FROM evidence WHERE leg = 'acceptance' AND token_id IS NOT NULL ORDER BY 1"
    found = []
    for number, files in enumerate(("given", f"given/{HAWK}/Tenant/Admin_Inbox_Rules_Creation.csv")):
        case = tmp_path / f"case-{number}"
        app.hunt([str(tmp_path / files)], told(case), app.Silent())
        found.append([row for row in app.sql(case, query).rows if "directory" not in str(row[0])])
    assert found[0] == found[1]
    assert found[0]


def test_a_broken_log_is_no_by_product(tmp_path: Path) -> None:
    """A log that was cut off is named as unreadable, wherever it lies."""
    _hawk(tmp_path / "given")
    log = tmp_path / "given" / HAWK / "adele@contoso.example" / "EntraSignInLog_adele.json"
    log.write_bytes(log.read_bytes()[:-500])
    (entry,) = [e for e in _ingested(tmp_path / "given").inputs if e.path == str(log)]
    assert entry.unread or entry.rejected
    assert not entry.byproduct


def test_a_summarised_export_refuses_the_declaration(tmp_path: Path) -> None:
    """The portal's non-interactive rows may stand for several sign-ins: an id that is missing proves nothing."""
    logs = tmp_path / "logs"
    logs.mkdir()
    name = "NonInteractiveSignIns_2026-03-01_2026-03-03.csv"
    (logs / name).write_bytes((SAMPLES / "entra" / name).read_bytes())
    told_all = replace(
        told(tmp_path / "case"),
        complete=(Declaration("entra-signin", "non-interactive", None, None),),
        exported_at=datetime.fromisoformat("2026-04-01"),
    )
    report = app.hunt([str(logs)], told_all, app.Silent())
    assert [(row.status, "stand for several" in row.reason) for row in report.coverage] == [("refused", True)]


PLACES = [
    ("/e/Hawk_Contoso_20260302_101500/Hawk.log", "messages of its own run"),
    ("C:\\e\\Hawk_A_20260302_101500\\Tenant\\AdminAuditLogConfig.csv", "settings or a summary"),
    ("/e/case.zip/Output/Case 7/Email Export/20260302/mail.eml", "mail that Microsoft-Extractor-Suite exported"),
    ("/e/InteractiveSignIns_AuthDetails_2026-03-01.csv", "authentication details"),
]


@pytest.mark.parametrize(("path", "what"), PLACES)
def test_a_place_tells_a_by_product(path: str, what: str) -> None:
    """Paths of both systems, in archives and out of them."""
    assert what in byproducts.by_place(path)


@pytest.mark.parametrize("path", ["/e/Hawk/notes.txt", "/e/Output/UAL.csv", "/e/Users/adele/x.csv", "/e/LogFile.txt"])
def test_other_places_are_nobodys(path: str) -> None:
    """A name alone, in no tool's folder, excuses no file from being read."""
    assert byproducts.by_place(path) == ""
