from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from counterfoil.lab.history.estate import Written, write_estate
from counterfoil.lab.history.wrap_audit import management_api, search_csv
from counterfoil.lab.history.wrap_signin import azure_monitor, log_analytics
from counterfoil.model.ids import uti

from . import histories, reading
from .adfs import Farm
from .wrappers import cloud_app_events, graph_pages, management_lines, office_activity, purview_csv

SMALL = histories.tiny().tenant


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write one week in every wrapper at once."""
    folder = tmp_path_factory.mktemp("everything")
    tenant = replace(
        SMALL,
        audit_wrappers=(management_api, management_lines, search_csv, purview_csv, cloud_app_events, office_activity),
        signin_wrappers=(azure_monitor, graph_pages, log_analytics),
    )
    return write_estate(tenant, [], [], folder / "logs", folder / "truth.jsonl")


def audit_ids(written: Written, part: str) -> set[str]:
    """Return the ids of the audit records in one wrapper."""
    rows = reading.all_records(written.folder, part)
    key = {"AuditData": "Id", "management-api": "Id", "Search-Unified": "Identity", "purview": "RecordId"}.get(part)
    if part == "CloudAppEvents":
        return {row["RawEventData"]["Id"] for row in rows}
    return {row[key or "OfficeId"] for row in rows}


def test_every_file_parses_and_is_reported(everything: Written) -> None:
    """Every file that was written can be read back, is in `paths`, and the lines add up."""
    assert tuple(reading.files(everything.folder)) == everything.paths
    assert sum(len(reading.records(path)) for path in everything.paths) == everything.lines


def version(row: reading.Record) -> tuple[str, str]:
    """Return what tells records apart: an interrupted logon and its success share the id."""
    return row["Id"], row.get("ErrorNumber", "")


def test_all_audit_wrappers_hold_the_same_records(everything: Written) -> None:
    """Each wrapper of the audit log holds each record; OfficeActivity all but the directory's logons."""
    expected = audit_ids(everything, "management-api")
    for part in ("AuditData", "Search-Unified", "purview", "CloudAppEvents"):
        assert audit_ids(everything, part) == expected
    logons = {row["Id"] for row in reading.audit(everything.folder) if row["RecordType"] == 15}
    assert audit_ids(everything, "OfficeActivity") == expected - logons


def test_audit_data_is_the_same_inside_every_wrapper(everything: Written) -> None:
    """The record inside CSV cells and inside RawEventData equals the bare one."""
    bare = {version(row): row for row in reading.all_records(everything.folder, "AuditData")}
    inner = [
        json.loads(row["AuditData"])
        for part in ("Search-Unified", "purview")
        for row in reading.all_records(everything.folder, part)
    ]
    inner += [row["RawEventData"] for row in reading.all_records(everything.folder, "CloudAppEvents")]
    assert len(inner) >= 3 * len(bare)
    assert all(row == bare[version(row)] for row in inner)


def test_office_activity_loses_the_token_ids(everything: Written) -> None:
    """No value in OfficeActivity is a token id that the audit log carries."""
    tokens = {
        row["AppAccessContext"]["UniqueTokenId"]
        for row in reading.audit(everything.folder)
        if "UniqueTokenId" in row.get("AppAccessContext", {})
    }
    texts = [reading.text(path) for path in reading.files(everything.folder, "OfficeActivity")]
    assert tokens
    assert not any(token in text for token in list(tokens)[:200] for text in texts)


def test_a_truth_without_ids_where_the_only_wrapper_loses_them(tmp_path: Path) -> None:
    """If OfficeActivity is all there is, audit rows of the truth go by record id."""
    tenant = replace(SMALL, audit_wrappers=(office_activity,), keeps_ids=False)
    written = write_estate(tenant, [], [], tmp_path / "logs", tmp_path / "truth.jsonl")
    rows = [row for row in reading.truth(written.truth) if row["source"] == "m365-ual"]
    assert rows
    assert all(row["token_id"] is None and row["record_id"] for row in rows)


def test_sign_in_wrappers_hold_the_same_requests(everything: Written) -> None:
    """Azure Monitor, Graph and Log Analytics hold the same requests, each kind in files of its own."""
    envelopes = {row["id"]: row for row in reading.signins(everything.folder)}
    pages = {row["id"]: row for row in reading.all_records(everything.folder, "signIns-")}
    tables = {
        row["Id"]: row for name in ("SigninLogs", "AADNon", "AADService", "AADManaged")
        for row in reading.all_records(everything.folder, name)
    }
    assert set(envelopes) == set(pages) == set(tables)
    for request, row in envelopes.items():
        assert pages[request]["uniqueTokenIdentifier"] == row["uniqueTokenIdentifier"] == uti(request)
        assert tables[request]["UniqueTokenIdentifier"] == row["uniqueTokenIdentifier"]
    assert {row["signInEventTypes"][0] for row in pages.values()} == {
        "interactiveUser", "nonInteractiveUser", "servicePrincipal", "managedIdentity",
    }


def test_log_analytics_writes_nested_values_as_text_but_in_signinlogs(everything: Written) -> None:
    """Only SigninLogs has objects; the other tables hold the same as JSON text, and managed identities no address."""
    (first, *_) = reading.all_records(everything.folder, "SigninLogs")
    assert isinstance(first["Status"], dict)
    (other, *_) = reading.all_records(everything.folder, "AADNon")
    assert isinstance(json.loads(other["Status"]), dict)
    assert {row["IPAddress"] for row in reading.all_records(everything.folder, "AADManaged")} == {""}


def test_records_arrive_late_but_keep_their_time(everything: Written) -> None:
    """The envelope's time is later than the sign-in, which keeps its own; half arrive within a few minutes."""
    rows = reading.envelopes(everything.folder)
    assert all(row["time"] > row["properties"]["createdDateTime"] for row in rows)
    quick = sum(row["time"][:15] == row["properties"]["createdDateTime"][:15] for row in rows)
    assert 0.3 < quick / len(rows) < 0.95


def test_search_results_number_their_rows(everything: Written) -> None:
    """ResultIndex counts up to ResultCount, as in the pages of Search-UnifiedAuditLog."""
    rows = reading.all_records(everything.folder, "Search-Unified")
    assert all(1 <= int(row["ResultIndex"]) <= int(row["ResultCount"]) <= 5000 for row in rows)


def test_csv_dates_follow_the_locale(tmp_path: Path) -> None:
    """CreationDate is written as the exporter's computer writes dates, AuditData in ISO."""
    write_estate(replace(SMALL, audit_wrappers=(search_csv,)), [], [], tmp_path / "logs", tmp_path / "truth.jsonl")
    rows = reading.all_records(tmp_path / "logs", "Search-Unified")
    third = [row for row in rows if json.loads(row["AuditData"])["CreationTime"].startswith("2025-09-03")]
    assert third
    assert all(row["CreationDate"].startswith("9/3/2025 ") for row in third)


def test_some_enums_are_texts_in_the_management_api(tmp_path: Path) -> None:
    """Numeric enumerations may arrive as strings; both forms occur."""
    tenant = replace(SMALL, audit_wrappers=(partial(management_api, enum_text_share=0.5),))
    write_estate(tenant, [], [], tmp_path / "logs", tmp_path / "truth.jsonl")
    assert {type(row["RecordType"]) for row in reading.all_records(tmp_path / "logs", "management-api")} == {int, str}


def test_adfs_events_have_their_shapes(golden: Written) -> None:
    """1200 and 1202 hold XML in EventData, the verbose events an array, all of one issuance in one second."""
    events = reading.all_records(golden.folder, "SecurityEvent")
    assert {event["EventID"] for event in events} == {
        1200, 1202, 299, 412, 500, 501, 4624, 18, 33205, 4662
    }
    (issued, *_) = [event for event in events if event["EventID"] == 299]
    _, activity, party = json.loads(issued["EventData_dynamic"])
    (basic,) = [event for event in events if event["EventID"] == 1200 and activity in event["EventData"]]
    assert party == "urn:federation:MicrosoftOnline"
    assert basic["TimeGenerated"][:19] == issued["TimeGenerated"][:19]


def test_adfs_writes_less_by_default(tmp_path: Path) -> None:
    """At the basic audit level there are 1200 and 1202 alone, besides Windows' own logon."""
    tenant = replace(SMALL, federated_domains=("fabrikam.com",))
    write_estate(tenant, [], [], tmp_path / "logs", tmp_path / "truth.jsonl", Farm(level="basic"))
    events = reading.all_records(tmp_path / "logs", "SecurityEvent")
    assert {event["EventID"] for event in events} == {1200, 1202, 4624}


def test_logs_are_in_the_order_of_events(demo: Written) -> None:
    """Audit records are sorted by their time within each file."""
    for path in reading.files(demo.folder, "management-api"):
        times = [row["CreationTime"] for row in reading.records(path)]
        assert times == sorted(times)
