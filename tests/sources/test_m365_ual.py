"""The one mapping of the Unified Audit Log, record by record, and the wrappers that carry the same record."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from counterfoil.model.ids import IdKind, canonical
from counterfoil.model.schema import NAMES
from counterfoil.sources import registry

from . import m365_samples as samples
from .m365_samples import (
    ALICE,
    BOB,
    CARRIED,
    CONSUMERS,
    CONTOSO,
    EXCHANGE,
    FABRIKAM,
    GRAPH,
    MAIL_APP,
    OTHER_APP,
    RECORDS,
)
from .reading import SAMPLES, Read, read

FOLDER = SAMPLES / "m365"
WRAPPERS = {
    "api-blob.json": "m365-ual-api",
    "search.csv": "m365-ual-search",
    "search.json": "m365-ual-search-json",
    "purview.csv": "m365-ual-purview",
    "graph.json": "m365-ual-graph",
    "cloudappevents.jsonl": "defender-cloudappevents",
    "cloudappevents-stream.jsonl": "defender-cloudappevents-stream",
    "officeactivity.jsonl": "sentinel-officeactivity",
}
_UTI = "c874WMifAk-OqBkIlk-ELg"


def _id(uti: str) -> str | None:
    return canonical(IdKind.ENTRA_UTI, uti)


@pytest.fixture(scope="module")
def samples_read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read every sample once."""
    names = ["api.jsonl", *WRAPPERS]
    return dict(zip(names, read([FOLDER / name for name in names], tmp_path_factory.mktemp("ual")), strict=True))


@pytest.fixture(scope="module")
def rows(samples_read: dict[str, Read]) -> dict[str, dict[str, Any]]:
    """Return the evidence of api.jsonl by the name of the record."""
    whole = samples_read["api.jsonl"]
    by_position = {row["raw_position"]: row for row in [*whole.rows, *whole.rejects]}
    return {name: by_position[position] for position, name in enumerate(RECORDS, 1)}


EXPECTED: list[tuple[str, dict[str, Any]]] = [
    (
        "a mail read with every token field",
        {
            "leg": "acceptance",
            "kind": "exchange-item",
            "event_time": datetime(2025, 9, 1, 9, 1, 18),  # noqa: DTZ001  # the engine's times are UTC without zone
            "issued_at": datetime(2025, 9, 1, 8, 55, 12),  # noqa: DTZ001
            "token_id": _id(_UTI),
            "token_id_kind": "entra_uti",
            "issuer": "entra:" + CONTOSO,
            "token_tenant": CONTOSO,
            "resource_tenant": CONTOSO,
            "home_tenant": None,
            "token_class": "delegated",
            "session_id": samples.SESSION,
            "subject_id": ALICE,
            "subject_name": "alice@contoso.com",
            "client_id": MAIL_APP,
            "resource": GRAPH,
            "ip": "203.0.113.7",
            "user_agent": "Client=REST;Client=RESTSystem;;",
            "device_id": "1e728c4f-1ac6-45cd-ae9c-dc400e2ad508",
            "outcome": "success",
            "logon_type": "owner",
            "object_kind": "mailbox",
            "object_id": "d0c5f8ae-9ed7-4e46-bfdf-ea1460f5a31b",
            "object_parent": "alice@contoso.com",
            "item_ids": ["<m1@contoso.com>", "<m2@contoso.com>"],
            "item_count": 3,
            "byte_count": 1507,
            "access_mode": "bind",
            "aggregated": True,
            "throttled": False,
            "parent_token_ids": None,
        },
    ),
    (
        "a mail read with a consumer's token",
        {
            "issuer": "entra:" + CONSUMERS,
            "token_tenant": CONSUMERS,
            "resource_tenant": CONTOSO,
            "token_id": _id("LqVzINbCskC74Dl3tec2AA"),
        },
    ),
    (
        "a mail read of 2021, throttled",
        {
            "leg": "acceptance",
            "kind": "exchange-item",
            "token_id": None,
            "token_id_kind": None,
            "token_class": None,
            "issued_at": None,
            "issuer": "entra:" + CONTOSO,
            "token_tenant": None,
            "subject_id": None,
            "client_id": None,
            "resource": None,
            "session_id": samples.SESSION,
            "ip": "2001:db8::17",
            "logon_type": "owner",
            "throttled": True,
            "aggregated": False,
        },
    ),
    (
        "a sync of a folder",
        {"access_mode": "sync", "throttled": None, "item_ids": None, "item_count": 1, "byte_count": None},
    ),
    ("an empty access context", {"leg": "acceptance", "token_id": None, "resource": GRAPH}),
    ("an access context with an empty API", {"leg": "acceptance", "token_id": None, "resource": GRAPH}),
    ("a token id of zero bytes", {"leg": "acceptance", "token_id": None, "token_id_kind": None}),
    (
        "a delegate in another's mailbox",
        {
            "logon_type": "delegate",
            "subject_id": BOB,
            "subject_name": "bob@contoso.com",
            "object_parent": "alice@contoso.com",
        },
    ),
    (
        "an application with its own token",
        {"token_class": "application", "logon_type": "admin", "subject_name": "serviceprincipal_" + OTHER_APP},
    ),
    ("Exchange with a token that it issued itself", {"token_class": "service", "client_id": EXCHANGE}),
    ("a record of the system", {"token_class": "service", "logon_type": None}),
    ("an id token", {"token_class": "user"}),
    (
        "a failed deletion of several messages",
        {
            "leg": "acceptance",
            "outcome": "denied",
            "ip": "2001:db8::5",
            "item_ids": ["<m1@contoso.com>", "<m2@contoso.com>"],
            "item_count": 2,
            "aggregated": None,
        },
    ),
    ('a sent message with "quotes" in its subject', {"item_ids": ["<m1@contoso.com>"], "byte_count": 4000}),
    (
        "an inbox rule with a token id",
        {
            "leg": "acceptance",
            "kind": "exchange-admin",
            "token_id": _id("MAvPl7EnRECtYhC4q6h_AA"),
            "client_id": EXCHANGE,
            "resource": None,
            "ip": "198.51.100.9",
            "session_id": samples.SESSION,
            "object_kind": "configuration",
            "logon_type": None,
            "outcome": "success",
        },
    ),
    (
        "a cmdlet without a token id",
        {"leg": "context", "issuer": None, "resource_tenant": CONTOSO, "ip": "2001:db8::a", "outcome": "denied"},
    ),
    ("a compliance cmdlet with its parameters as a text", {"leg": "context", "kind": "other"}),
    ("an operation of Exchange's that has a record type of its own",
     {"leg": "acceptance", "kind": "other", "object_kind": "mailbox"}),
    (
        "a token issue for another token",
        {
            "leg": "secondary_issuance",
            "kind": "token-issue",
            "token_id": _id("6Av1yQCMt0GWPvvqE1h1AA"),
            "parent_token_ids": [_id(_UTI)],
            "issued_at": None,
            "issuer": "entra:" + FABRIKAM,
            "resource": "https://outlook.office365.com/plans",
            "ip": None,
            "object_id": None,
        },
    ),
    (
        "a token issue that names its own id twice",
        {
            "leg": "secondary_issuance",
            "parent_token_ids": None,
            "issued_at": datetime(2025, 9, 1, 9, 14, 18),  # noqa: DTZ001
            "issuer": "entra:" + CONTOSO,
        },
    ),
    (
        "a sign-in",
        {
            "leg": "issuance",
            "kind": "sign-in",
            "outcome": "success",
            "record_id": samples.guid(20),
            "token_id": samples.guid(20),
            "token_class": None,
            "issuer": "entra:" + CONTOSO,
            "token_tenant": CONTOSO,
            "resource_tenant": CONTOSO,
            "home_tenant": CONTOSO,
            "subject_id": ALICE,
            "client_id": MAIL_APP,
            "resource": EXCHANGE,
            "user_agent": "Mozilla/5.0 (Windows NT 10.0)",
            "device_id": "1e728c4f-1ac6-45cd-ae9c-dc400e2ad508",
            "session_id": samples.SESSION,
            "issued_at": None,
            "object_id": None,
        },
    ),
    (
        "a sign-in of 2020",
        {
            "record_id": samples.guid(21),
            "token_id": samples.guid(121),
            "subject_id": ALICE,
            "resource": EXCHANGE,
            "resource_tenant": CONTOSO,
            "home_tenant": FABRIKAM,
            "session_id": None,
        },
    ),
    (
        "a sign-in that stopped at keep me signed in",
        {"leg": "issuance", "outcome": "interrupted", "record_id": samples.guid(22) + ":50140"},
    ),
    ("a wrong password", {"leg": "issuance", "outcome": "failed", "token_id": samples.guid(23)}),
    ("a demand for a second factor", {"leg": "issuance", "outcome": "interrupted"}),
    ("a demand for a second factor in words", {"leg": "issuance", "outcome": "interrupted"}),
    ("nobody's sign-in", {"outcome": "failed", "subject_id": None, "subject_name": None}),
    (
        "a download with a token id",
        {
            "leg": "acceptance",
            "kind": "sharepoint",
            "token_id": _id("lWFESr3o3kaAbesWkAlHAA"),
            "session_id": samples.SESSION,
            "subject_id": ALICE,
            "client_id": OTHER_APP,
            "token_tenant": None,
            "issuer": "entra:" + CONTOSO,
            "object_kind": "file",
            "object_id": "https://contoso.sharepoint.com/sites/Plans/Shared Documents/Plan.docx",
            "object_parent": "https://contoso.sharepoint.com/sites/Plans/",
            "user_agent": "Mozilla/5.0 (Windows NT 10.0)",
            "byte_count": 52311,
        },
    ),
    (
        "a file opened by SharePoint itself",
        {"leg": "acceptance", "kind": "sharepoint", "token_class": "application", "subject_id": None, "token_id": None},
    ),
    ("a file opened by a user with a PUID", {"subject_id": None, "subject_name": "alice@contoso.com"}),
    (
        "a chat message",
        {
            "leg": "acceptance",
            "kind": "teams",
            "subject_id": ALICE,
            "object_kind": "chat",
            "object_id": "19:0123@thread.v2",
            "ip": "203.0.113.7",
        },
    ),
    (
        "a message in a channel",
        {"object_kind": "team", "object_id": "19:channel@thread.tacv2", "object_parent": "19:team@thread.tacv2"},
    ),
    (
        "a directory change",
        {"leg": "context", "kind": "directory", "subject_id": ALICE, "object_id": "Bob@contoso.com", "issuer": None},
    ),
    ("a directory change with a token id", {"leg": "acceptance", "kind": "directory", "issuer": "entra:" + CONTOSO}),
    ("a tenant that is a placeholder", {"leg": "acceptance", "issuer": None, "resource_tenant": None}),
    ("a record without a type", {"leg": "acceptance", "kind": "exchange-item"}),
    ("a date in words", {"reject": "undated"}),
    ("a date with an offset", {"reject": None, "event_time": datetime.fromisoformat("2025-09-01T07:40:18")}),
]


@pytest.mark.parametrize(("name", "expected"), EXPECTED, ids=[name for name, _ in EXPECTED])
def test_the_record_means_what_its_name_says(
    rows: dict[str, dict[str, Any]], name: str, expected: dict[str, Any]
) -> None:
    """Every quirk of the log comes out in the evidence columns as the reference says."""
    assert {column: rows[name][column] for column in expected} == expected


def test_every_record_is_expected() -> None:
    """No sample record is read without something being asked of it."""
    assert {name for name, _ in EXPECTED} == set(RECORDS)


def test_samples_are_what_their_generator_builds() -> None:
    """The sample files are generated: none was edited by hand."""
    assert {name: (FOLDER / name).read_bytes() for name in samples.files()} == samples.files()


@pytest.mark.parametrize(("file", "source"), WRAPPERS.items())
def test_a_wrapper_is_recognised_by_its_content(samples_read: dict[str, Read], file: str, source: str) -> None:
    """Each wrapper is told from the others by its records or columns, not by its name."""
    assert samples_read[file].source.name == source


# What a wrapper may say differently about the same record.
_OWN = {"raw_file", "raw_position", "fidelity", "day", "ingested_at"}
_WHOLE = [file for file in WRAPPERS if file != "officeactivity.jsonl"]


@pytest.mark.parametrize("file", _WHOLE)
def test_the_same_record_is_equal_in_every_wrapper(
    samples_read: dict[str, Read], rows: dict[str, dict[str, Any]], file: str
) -> None:
    """A wrapper that carries the whole record gives the same evidence, so that copies merge into one."""
    columns = [name for name in NAMES if name not in _OWN]
    for name, found in zip(CARRIED, samples_read[file].rows, strict=False):
        assert {c: found[c] for c in columns} == {c: rows[name][c] for c in columns}, name


def test_office_activity_loses_ids_and_nothing_else(
    samples_read: dict[str, Read], rows: dict[str, dict[str, Any]]
) -> None:
    """OfficeActivity rows keep the record's id, so that a better wrapper of the same record fills in the token."""
    carried = [name for name in CARRIED if name != "a sign-in"]
    found = dict(zip(carried, samples_read["officeactivity.jsonl"].rows, strict=True))
    same = ["record_id", "event_time", "kind", "operation", "outcome", "subject_name", "client_id", "ip", "item_ids",
            "item_count", "access_mode", "throttled", "object_kind", "object_id", "object_parent", "logon_type"]
    for name, row in found.items():
        assert {c: row[c] for c in same} == {c: rows[name][c] for c in same}, name
        assert row["token_id"] is None
    assert found["a token issue for another token"]["leg"] == "secondary_issuance"
    assert found["an inbox rule with a token id"]["leg"] == "context"


def test_office_activity_is_the_worst_wrapper() -> None:
    """Where wrappers of one record differ, the one that lost the ids never wins."""
    ual = [source for source in registry.all_sources() if source.log.name == "m365-ual"]
    assert max(ual, key=lambda source: source.fidelity).name == "sentinel-officeactivity"
    assert [s.name for s in ual if s.fidelity == 1] == ["m365-ual-api"]


def test_a_date_that_reads_two_ways_is_none(samples_read: dict[str, Read]) -> None:
    """A row's own date stands in for a missing CreationTime only where the locale does not matter."""
    read_dates = [row["event_time"].isoformat() for row in samples_read["search.csv"].rows[len(CARRIED) + 1 :]]
    assert read_dates == ["2021-05-18T21:13:33", "2021-05-18T21:13:33", "2021-05-05T00:13:33", "2021-05-18T21:13:33"]
    assert samples_read["search.csv"].rejects[0]["reject"] == "date can be read two ways, day or month first"
    assert samples_read["search.json"].rows[-1]["event_time"].isoformat() == "2025-09-01T09:01:18"


def test_a_row_without_audit_data_is_rejected(samples_read: dict[str, Read]) -> None:
    """An empty or cut AuditData is counted among the rejects with its reason."""
    reason = "no audit record in it: AuditData is empty or not a JSON object"
    assert samples_read["search.csv"].rejects[-1]["reject"] == reason
    # of a row of CloudAppEvents, its own columns are left
    assert samples_read["cloudappevents.jsonl"].rejects == []


def test_another_vendors_event_in_cloud_app_events_is_context(samples_read: dict[str, Read]) -> None:
    """A row whose RawEventData is no audit record is kept, without a leg that it does not have."""
    (row,) = (row for row in samples_read["cloudappevents.jsonl"].rows if row["record_id"] == "77_1_a")
    assert (row["leg"], row["kind"], row["operation"]) == ("context", "other", "activity")
    assert (row["record_id"], row["subject_name"], row["ip"]) == ("77_1_a", ALICE, "203.0.113.7")


def test_the_stream_says_when_it_received_a_record(samples_read: dict[str, Read]) -> None:
    """The envelope's time is the ingestion time, not the event's."""
    row = samples_read["cloudappevents-stream.jsonl"].rows[0]
    assert row["ingested_at"].isoformat() == "2025-09-01T09:21:00.052625"
    assert row["event_time"].isoformat() == "2025-09-01T09:01:18"


def test_what_was_not_mapped_survives_in_extra(rows: dict[str, dict[str, Any]]) -> None:
    """Rule parameters, changed properties and the nested application are kept as JSON, bounded."""
    rule = json.loads(rows["an inbox rule with a token id"]["extra"])
    assert json.loads(rule["Parameters"])[1] == {"Name": "DeleteMessage", "Value": "True"}
    change = json.loads(rows["a directory change"]["extra"])
    assert len(change["ModifiedProperties"]) == 4_000
    assert json.loads(rows["a mail read with every token field"]["extra"])["AppAccessContext_ClientAppId"] == OTHER_APP
    assert json.loads(rows['a sent message with "quotes" in its subject']["extra"])["Subject"] == 'Re: "plan" \\ ü\n2'
    assert json.loads(rows["a compliance cmdlet with its parameters as a text"]["extra"])["Parameters"] == (
        '-Identity "Plan"'
    )
    assert json.loads(rows["a sign-in"]["extra"])["RequestType"] == "OAuth2:Authorize"
    assert json.loads(rows["a sync of a folder"]["extra"])["Folder"] == "\\Inbox"


@pytest.mark.parametrize(("sizes", "told"), [
    (["1000", "500"], 1500), (["1000", None], 1000), (["1000", "Infinity"], 1000), (["NaN", "7"], 7), (["1e300"], None),
    (["9000000000000000000", "9000000000000000000"], None),
])
def test_a_size_that_is_none_ends_nothing(tmp_path: Path, sizes: list[str | None], told: int | None) -> None:
    """Sizes of messages are added up; one that is no size, or would burst the sum, is left out."""
    lines = (FOLDER / "api.jsonl").read_text("utf-8").splitlines()
    record = next(json.loads(line) for line in lines if '"SizeInBytes"' in line and '"Folders"' in line)
    record["Folders"] = [{"FolderItems": [{"Id": "R", "SizeInBytes": size} for size in sizes]}]
    (tmp_path / "odd.jsonl").write_text(json.dumps(record) + "\n")
    (found,) = read([tmp_path / "odd.jsonl"], tmp_path)
    assert [row["byte_count"] for row in found.rows] == [told]


def test_the_log_is_never_declarable() -> None:
    """No wrapper offers a declaration: as an issuance log the audit log lacks most sign-ins."""
    assert [s.name for s in registry.all_sources() if s.log.name == "m365-ual" and s.explain.complete] == []


def test_the_page_and_the_program_say_the_same() -> None:
    """docs/sources/m365-ual.md names every wrapper with the export commands and traps that the program prints."""
    page = (SAMPLES.parent.parent / "docs" / "sources" / "m365-ual.md").read_text("utf-8").lower()
    for source in registry.all_sources():
        if source.log.name == "m365-ual":
            said = (source.name, *source.explain.export, source.explain.caps, *source.explain.traps)
            assert [text for text in said if text.lower() not in page] == []
