"""Downloads of the Entra admin center, PowerShell's objects, and AuditData in columns: what each becomes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.model.schema import NAMES
from counterfoil.sources.recognise import Recognised, Sample, recognise
from counterfoil.sources.registry import all_sources

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import SAMPLES, Read, read

INTER = "InteractiveSignIns_2026-03-01_2026-03-03.csv"
NON = "NonInteractiveSignIns_2026-03-01_2026-03-03.csv"
APP = "ApplicationSignIns_2026-03-01_2026-03-03.csv"
MSI = "MSISignIns_2026-03-01_2026-03-03.csv"
BARE, AUDIT, SHELL = "portal-renamed.csv", "AuditLogs_2026-03-02.csv", "audit-powershell.json"
SOURCES = {
    INTER: "entra-signin-portal-interactive",
    NON: "entra-signin-portal-non-interactive",
    APP: "entra-signin-portal-application",
    MSI: "entra-signin-portal-managed-identity",
    BARE: "entra-signin-portal",
    AUDIT: "entra-audit-portal",
    SHELL: "entra-audit-powershell",
}
CONTOSO = "11111111-aaaa-4aaa-8aaa-000000000001"
FABRIKAM = "22222222-bbbb-4bbb-8bbb-000000000002"
ADELE = "a0000000-0000-4000-8000-0000000000a1"
PRINCIPAL = "b0000000-0000-4000-8000-0000000000b1"


def request(number: int) -> str:
    """Return the request id of the samples' sign-in of that number."""
    return f"5e55{number:04x}-0c0c-4d0d-8e0e-1f2f3f4f5f00"


PROMISES = (
    Promise("an interrupt is a record of its own", INTER, 1,
            {"outcome": "interrupted", "record_id": request(1) + "/50140", "token_id": request(1)}),
    Promise("a success has the record id of the same sign-in in every other export", INTER, 2, {
        "outcome": "success", "record_id": request(1) + "/0", "token_id": request(1), "kind": "interactive",
        "issuer": "entra:" + CONTOSO, "token_class": "user", "subject_id": ADELE, "leg": "issuance",
        "subject_name": "adele.vance@contoso.example", "client_id": "c0000000-0000-4000-8000-0000000000c1",
        "resource": "00000003-0000-0000-c000-000000000000", "event_time": at("2026-03-02T08:15:30"),
        "ip": "192.0.2.10", "asn": 64496, "incoming_token": "none", "cross_tenant": "none",
        "session_id": "5e550000-5e55-4e55-8e55-000000000001", "device_id": "d0000000-0000-4000-8000-0000000000d1",
    }),
    Promise("a failure is no success", INTER, 3, {"outcome": "failed", "token_id": request(61)}),
    Promise("words for people are the log's values again", INTER, 4, {
        "incoming_token": "saml11", "cross_tenant": "b2bCollaboration", "home_tenant": FABRIKAM, "device_id": None,
    }),
    Promise("a failure without a code neither clears nor convicts; the request id is the token's", INTER, 5,
            {"outcome": "interrupted", "token_id": request(63), "record_id": request(63) + "/unknown"}),
    Promise("an undated row still clears its token", INTER, 6, {"reject": None, "event_time": None}),
    Promise("the name tells the non-interactive file", NON, 1,
            {"kind": "non-interactive", "incoming_token": "primaryrefreshtoken", "outcome": "success"}),
    Promise("and its interrupts", NON, 2, {"outcome": "interrupted", "incoming_token": "refreshtoken"}),
    Promise("a file that lost its name is of a kind that nobody can declare", BARE, 1,
            {"kind": "user", "token_class": "user", "outcome": "success", "token_id": request(67)}),
    Promise("a service principal has no token id but the request's", APP, 1, {
        "kind": "service-principal", "token_class": "application", "token_id": request(68), "subject_id": PRINCIPAL,
        "subject_name": "contoso daemon", "outcome": "success", "ip": "198.51.100.8",
    }),
    Promise("its failure", APP, 2, {"outcome": "failed"}),
    Promise("a managed identity has no address", MSI, 1,
            {"kind": "managed-identity", "token_class": "managed_identity", "ip": None}),
    Promise("a change by a person", AUDIT, 1, {
        "leg": "context", "kind": "directory", "subject_id": ADELE, "subject_name": "adele.vance@contoso.example",
        "ip": "192.0.2.10", "event_time": at("2026-03-02T09:30:00.246652"), "outcome": "success", "token_id": None,
        "object_id": "a9900000-0000-4000-8000-0000000000c9", "user_agent": "Contoso-CLI/2.0",
    }),
    Promise("a change by an application, which failed", AUDIT, 2,
            {"subject_id": PRINCIPAL, "subject_name": "contoso sync", "outcome": "failed", "user_agent": None}),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("entra", [*SOURCES, "audit-graph.json"], tmp_path_factory.mktemp("portal"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_a_row_gives(promise: Promise, rows: Rows) -> None:
    """Every quirk of a real download becomes the evidence that its sentence says."""
    promise.hold(rows)


def test_recognised(found: dict[str, Read]) -> None:
    """Each download is recognised, by columns and by name where the columns are the same."""
    assert {name: found[name].source.name for name in SOURCES} == SOURCES
    assert not any(found[name].rejects for name in SOURCES)


NAMES_OF_FILES = [
    ("InteractiveSignIns_2021-02-28.csv", "entra-signin-portal-interactive"),
    ("export of interactivesignins (1).csv", "entra-signin-portal-interactive"),
    ("NonInteractiveSignIns_2021-02-28.csv", "entra-signin-portal-non-interactive"),
    ("non-interactiveSignIns.csv", "entra-signin-portal-non-interactive"),
    ("signins.csv", "entra-signin-portal"),
]


@pytest.mark.parametrize(("name", "source"), NAMES_OF_FILES)
def test_the_name_of_a_download_tells_its_kind(name: str, source: str) -> None:
    """Interactive and non-interactive downloads have the same columns."""
    header = ("Date (UTC)", "Request ID", "Username", "Application", "IP address", "Status", "Resource")
    told = recognise(Sample("csv", header, (), name), all_sources())
    assert isinstance(told, Recognised)
    assert [one.name for one in told.sources] == [source]


def test_changes_are_kept_in_words(rows: Rows) -> None:
    """The portal's columns of changes become one text."""
    extra = json.loads(rows[AUDIT, 1]["extra"])
    assert extra["modifiedProperties"].startswith("KeyDescription: [] -> ")
    assert "Included Updated Properties:  -> " in extra["modifiedProperties"]
    assert extra["targetTypes"] == "Application, ServicePrincipal"


def test_powershell_gives_what_graph_gives(found: dict[str, Read]) -> None:
    """Capitals change nothing: the same records, down to the token of a change."""
    columns = [name for name in NAMES if name not in ("raw_file", "raw_position", "fidelity", "extra")]
    shell, graph = ([{c: row[c] for c in columns} for row in found[n].rows] for n in (SHELL, "audit-graph.json"))
    assert shell == graph


def test_a_forged_member_names_no_token(tmp_path: Path) -> None:
    """Export-Csv quotes nothing: a session id that holds another member must not lend a token's id."""
    text = (SAMPLES / "m365" / "flat.csv").read_text("utf-8-sig")
    forged = text.replace("@{AADSessionId=", "@{AADSessionId=x; UniqueTokenId=AQBVXgwMDU2ODh8vP09fAA; y=", 1)
    assert forged != text
    path = tmp_path / "forged.csv"
    path.write_text(forged)
    (found,) = read([path], tmp_path / "work")
    assert found.rows[0]["token_id"] is None


def test_audit_data_in_columns(tmp_path: Path) -> None:
    """Export-Csv of AuditData keeps the token's id, in a file whose dates are Australian, and loses the messages."""
    table, twin = read([SAMPLES / "m365" / "flat.csv", SAMPLES / "m365" / "api.jsonl"], tmp_path)
    assert table.source.name == "m365-ual-flat"
    whole = next(row for row in twin.rows if row["record_id"] == table.rows[0]["record_id"])
    same = ["token_id", "session_id", "issued_at", "issuer", "subject_id", "client_id", "ip", "operation",
            "kind", "leg", "object_id", "object_parent", "token_class", "logon_type", "outcome"]
    assert {c: table.rows[0][c] for c in same} == {c: whole[c] for c in same}
    assert table.rows[0]["event_time"] == at("2025-09-18T09:01:18")
    assert table.rows[1]["event_time"] == at("2025-09-01T09:15:18")
    assert (table.rows[0]["item_ids"], table.rows[0]["item_count"]) == (None, 3)
