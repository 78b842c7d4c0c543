"""Sheets of Microsoft-Extractor-Suite: states as context, and the logs beside them."""

from __future__ import annotations

import json

import pytest

from counterfoil.sources.registry import logs
from counterfoil.sources.state.collection import SECTIONS
from counterfoil.sources.state.sheet import LOG

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import SAMPLES, Read

NAMES = tuple(sorted(path.name for path in (SAMPLES / "mes").iterdir()))
ALICE, ALICE_ID = "alice@contoso.example", "a0000000-0000-4000-8000-0000000000a1"
APP, PRINCIPAL = "c0000000-0000-4000-8000-0000000000c1", "b0000000-0000-4000-8000-0000000000b1"
SESSION = "5e550000-5e55-4e55-8e55-000000000001"

PROMISES = (
    Promise("a rule is of the mailbox that it lies in", "20260302-MailboxRules.csv", 1, {
        "leg": "context", "source": "tenant-state", "kind": "mailbox-rule", "event_time": None, "outcome": "success",
        "subject_name": ALICE, "subject_id": None, "operation": "Get-MailboxRules", "object_kind": "mailbox-rule",
        "object_id": ALICE + "\\17181818181", "object_parent": ALICE, "token_id": None, "ip": None,
    }),
    Promise("a state's time is that of its last change", "20260302-TransportRules.csv", 1,
            {"event_time": at("2026-03-14T16:44:10"), "object_id": "Archive"}),
    Promise("of two changes, the first column that tells counts", "20260302-ConditionalAccessPolicy.csv", 1,
            {"event_time": at("2026-03-22T10:05:00"), "object_id": "ca000000-0000-4000-8000-000000000001"}),
    Promise("never changed is as old as it is", "20260302-ConditionalAccessPolicy.csv", 2,
            {"event_time": at("2025-01-05T09:00:00")}),
    Promise("a user's name and id are in one row, in lower case", "20260302-Users.csv", 1,
            {"subject_id": ALICE_ID, "subject_name": ALICE, "object_id": ALICE_ID,
             "event_time": at("2026-02-20T08:00:00")}),
    Promise("a date that no account can have is none, and costs nothing", "20260302-Users.csv", 2,
            {"reject": None, "event_time": None, "subject_name": "bob@contoso.example"}),
    Promise("a consent names application, permission, and for whom", "20260302-OAuthPermissions.csv", 1, {
        "kind": "consent", "subject_id": ALICE_ID, "client_id": APP, "scopes": "Mail.Read",
        "object_id": "00000003-0000-0000-c000-000000000000", "object_parent": PRINCIPAL,
        "event_time": at("2026-03-02T09:10:00"),
    }),
    Promise("an application's own permission is for nobody", "20260302-OAuthPermissions.csv", 2,
            {"subject_id": None, "scopes": "Mail.ReadWrite"}),
    Promise("a device has the id that sign-ins name", "20260302-Devices.csv", 1,
            {"device_id": "d0000000-0000-4000-8000-0000000000d1", "event_time": at("2026-03-02T09:30:00")}),
    Promise("JSON gives the same", "20260302-Devices.json", 1,
            {"device_id": "d0000000-0000-4000-8000-0000000000d1", "event_time": at("2026-03-02T09:30:00")}),
    Promise("a role is its holder's", "20260302-All-Roles.csv", 1,
            {"kind": "role", "object_id": "Global Administrator", "subject_name": "bob@contoso.example"}),
    Promise("what the tenant has one of is named by its kind", "20260302-EntraSecurityDefaults.csv", 1,
            {"object_id": "security-defaults"}),
    Promise("licences are counted", "20260302-TenantLicenses.csv", 1, {"object_id": "SPE_E3", "item_count": 25}),
    Promise("so are records of a type", "Amount_Of_Audit_Logs.csv", 1,
            {"object_id": "ExchangeItemAggregated", "item_count": 1500, "kind": "audit-count"}),
    Promise("mail that passed by is context with its message id", "20260302-MessageTrace.csv", 1, {
        "leg": "context", "source": "m365-message-trace", "event_time": at("2026-03-20T09:00:00"),
        "subject_name": ALICE, "object_parent": "victim@other.example", "item_ids": ["<m1@contoso.example>"],
        "byte_count": 20480, "ip": "192.0.2.66", "outcome": "success",
    }),
    Promise("mail that failed says so", "20260302-MessageTrace.csv", 2, {"outcome": "failed"}),
    Promise("a session of the mailbox is no acceptance", "20260302-Sessions.csv", 1,
            {"leg": "context", "session_id": SESSION, "item_count": 12, "token_id": None}),
    Promise("a message that was opened names its session", "20260302-MessageIDs.csv", 1,
            {"leg": "context", "session_id": SESSION, "item_ids": ["<m9@contoso.example>"], "byte_count": 4096}),
    Promise("a risk detection is an alert about a sign-in", "20260302-RiskyDetections.csv", 1, {
        "source": "m365-defender", "kind": "risk-detection", "operation": "anomalousToken", "subject_id": ALICE_ID,
        "object_parent": "5e550001-0c0c-4d0d-8e0e-1f2f3f4f5f00", "event_time": at("2026-03-20T09:58:00"),
    }),
    Promise("Azure's activity is context, with whom the token's claims name", "20260302-ActivityLog.json", 1, {
        "leg": "context", "source": "azure-activity", "record_id": "ac71e001", "subject_id": ALICE_ID,
        "subject_name": ALICE, "client_id": APP, "ip": "192.0.2.67", "token_id": None,
        "event_time": at("2026-03-02T09:05:00.123456"), "ingested_at": at("2026-03-02T09:06:00"),
    }),
    Promise("an application is told by its id", "20260302-ActivityLog.json", 2,
            {"subject_id": PRINCIPAL, "subject_name": None, "outcome": "failed"}),
    Promise("an activity without a time is none", "20260302-ActivityLog.json", 3, {"reject": "undated"}),
    Promise("PowerShell's objects give the same", "20260302-ActivityLog-old.json", 1,
            {"record_id": "ac71e001", "subject_id": ALICE_ID, "ip": "192.0.2.67"}),
    Promise("a refusal is of the log that was asked for", "LogFile.txt", 4, {
        "kind": "collection", "outcome": "refused", "object_kind": "log", "object_id": "entra-signin",
        "operation": "Sign-in Log Collection", "event_time": None,
    }),
    Promise("another error is none", "LogFile.txt", 6, {"outcome": "failed", "object_id": "entra-audit"}),
    Promise("a line that is no text costs itself", "LogFile.txt", 8, {"reject": "not UTF-8"}),
    Promise("and not the next one", "LogFile.txt", 9, {"reject": None, "object_id": "entra-audit"}),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Return what the samples give."""
    return read_samples("mes", NAMES, tmp_path_factory.mktemp("mes") / "work")


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return their rows by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_promises(promise: Promise, rows: Rows) -> None:
    """Each promise holds."""
    promise.hold(rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_record_is_one_reject(name: str, found: dict[str, Read]) -> None:
    """The rest of the file is read."""
    assert len(found[name].rejects) == 1
    assert found[name].rows


def test_states_name_what_they_are_of(rows: Rows) -> None:
    """None is without a name, and none has a number of a telephone."""
    states = [row for row in rows.values() if row["source"] == LOG.name and row["reject"] is None]
    assert all(row["object_id"] or row["operation"] == "collection" for row in states)
    assert not any("555" in str(row["extra"]) for row in states)


def test_sections_name_logs() -> None:
    """What a cmdlet asks for has the name that evidence has for it."""
    assert set(SECTIONS.values()) <= {log.name for log in logs().every}


def test_what_is_kept_has_the_columns_own_names(rows: Rows) -> None:
    """As texts, however they are quoted."""
    kept = json.loads(rows["20260302-MailboxRules.csv", 1]["extra"])
    assert kept["ForwardTo"] == "drop@evil.example"
    assert kept["Description"] == 'If the message: moves "it"'
