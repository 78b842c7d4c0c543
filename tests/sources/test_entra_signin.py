"""Entra sign-ins: what each quirk of real exports becomes, in every wrapper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.model.known import INTERRUPT_CODES
from counterfoil.sources.entra import signin
from counterfoil.sources.entra.signin_azure_monitor import SOURCE as AZURE_MONITOR
from counterfoil.sources.source import TEXT

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import SAMPLES, Read, read

AM, BETA, V1, LA = "azure-monitor.jsonl", "graph-beta.json", "graph-v1.json", "log-analytics.jsonl"
LA_MS, POWERSHELL = "log-analytics-microsoft.jsonl", "powershell.json"
SOURCES = {
    AM: "entra-signin-azure-monitor",
    BETA: "entra-signin-graph",
    V1: "entra-signin-graph",
    LA: "entra-signin-log-analytics",
    LA_MS: "entra-signin-log-analytics-microsoft",
    POWERSHELL: "entra-signin-powershell",
}
CONTOSO = "11111111-aaaa-4aaa-8aaa-000000000001"
FABRIKAM = "22222222-bbbb-4bbb-8bbb-000000000002"
ADELE = "a0000000-0000-4000-8000-0000000000a1"
GUEST = "a0000000-0000-4000-8000-0000000000a3"
DAEMON = "c0000000-0000-4000-8000-0000000000c2"
PRINCIPAL = "b0000000-0000-4000-8000-0000000000b1"
IDENTITY = "b0000000-0000-4000-8000-0000000000b2"
SESSION = "5e550000-5e55-4e55-8e55-000000000001"


def request(number: int) -> str:
    """Return the request id of the samples' sign-in of that number."""
    return f"5e55{number:04x}-0c0c-4d0d-8e0e-1f2f3f4f5f00"


PROMISES = (
    Promise("an interrupt is a record of its own under the id of the sign-in", AM, 1,
            {"record_id": request(1) + "/50140", "outcome": "interrupted", "token_id": request(1)}),
    Promise("the success that follows is another, with the same token id", AM, 2, {
        "record_id": request(1) + "/0", "outcome": "success", "token_id": request(1), "token_id_kind": "entra_uti",
        "leg": "issuance", "source": "entra-signin", "kind": "interactive", "token_class": "user",
        "issuer": "entra:" + CONTOSO, "token_tenant": CONTOSO, "resource_tenant": CONTOSO, "home_tenant": CONTOSO,
        "cross_tenant": "none", "incoming_token": "none", "session_id": SESSION, "subject_id": ADELE,
        "subject_name": "adele.vance@contoso.example", "client_id": "c0000000-0000-4000-8000-0000000000c1",
        "resource": "00000003-0000-0000-c000-000000000000", "ip": "192.0.2.10", "asn": 64496,
        "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Contoso/1.0",
        "device_id": "d0000000-0000-4000-8000-0000000000d1", "operation": "Sign-in activity",
        "event_time": at("2026-03-02T08:15:30.123456"), "ingested_at": at("2026-03-02T08:16:40"),
        "issued_at": None, "expires_at": None, "key_id": None,
    }),
    Promise("a failed sign-in is no success although it carries a token id", AM, 3,
            {"outcome": "failed", "token_id": request(3), "record_id": request(3) + "/50126"}),
    Promise("a padded token id, the result type Success and a US-locale time are understood", AM, 4,
            {"token_id": request(4), "outcome": "success", "ingested_at": at("2026-03-02T20:17:01")}),
    Promise("ids of 2022, base64 of the id's text, give the request id", AM, 5,
            {"token_id": request(5), "kind": "non-interactive", "incoming_token": "refreshtoken"}),
    Promise("a null form of the token id gives way to the request id", AM, 6,
            {"token_id": request(6), "session_id": None, "ip": "2001:db8::10"}),
    Promise("a managed identity has no address, no session and no device", AM, 7, {
        "kind": "managed-identity", "token_class": "managed_identity", "subject_id": IDENTITY,
        "subject_name": "backup-runner", "ip": None, "session_id": None, "device_id": None, "asn": None,
        "outcome": "success",
    }),
    Promise("a service principal's failure takes code and address from the envelope", AM, 8, {
        "kind": "service-principal", "token_class": "application", "outcome": "failed", "ip": "198.51.100.8",
        "record_id": request(8) + "/7000215", "subject_id": PRINCIPAL, "client_id": DAEMON,
        # The credential by which the client proved itself is not the key that signed the token.
        "key_id": None,
    }),
    Promise("Microsoft's own services are a kind of their own, in the tenant of the envelope", AM, 9, {
        "kind": "microsoft-service-principal", "token_class": "service", "issuer": "entra:" + CONTOSO,
        "resource_tenant": CONTOSO,
    }),
    Promise("a guest's token is of the resource's tenant, his home is kept", AM, 10, {
        "subject_id": GUEST, "home_tenant": FABRIKAM, "token_tenant": CONTOSO, "cross_tenant": "b2bCollaboration",
        "device_id": None,
    }),
    Promise("a federated sign-in says that an assertion was presented", AM, 11, {"incoming_token": "saml11"}),
    Promise("among several incoming tokens the assertion counts", AM, 12,
            {"incoming_token": "saml20", "outcome": "interrupted"}),
    Promise("a sign-in at AD FS has an empty session and shows no incoming token", AM, 13, {
        "kind": "adfs", "token_class": "user", "session_id": None, "incoming_token": None,
        "resource": "urn:federation:microsoftonline",
    }),
    Promise("a user that does not exist is no subject", AM, 14,
            {"subject_id": None, "subject_name": "nobody@contoso.example", "outcome": "failed",
             "token_id": request(14)}),
    Promise("a sign-in without a date still clears its token", AM, 15,
            {"reject": None, "event_time": None, "ingested_at": None, "leg": "issuance", "outcome": "success"}),
    Promise("a second delivery has the record id of the first", AM, 16, {"record_id": request(10) + "/0"}),
    Promise("quotes, backslashes and line ends of a user agent stay as they are", AM, 17,
            {"user_agent": 'odd "agent"\\with\nline'}),
    Promise("Graph beta: an interactive sign-in", BETA, 1,
            {"kind": "interactive", "token_id": request(21), "issuer": "entra:" + CONTOSO, "ingested_at": None}),
    Promise("Graph beta: a non-interactive one, by its event types", BETA, 2, {"kind": "non-interactive"}),
    Promise("Graph beta: a service principal, whose nested objects are null", BETA, 3,
            {"kind": "service-principal", "subject_id": PRINCIPAL, "outcome": "success", "device_id": None}),
    Promise("Graph beta: a managed identity", BETA, 4, {"kind": "managed-identity", "ip": None}),
    Promise("without event types, a principal and no user are a service principal", BETA, 5,
            {"kind": "service-principal"}),
    Promise("without event types, isInteractive tells", BETA, 6, {"kind": "non-interactive"}),
    Promise("Graph v1.0 has no token id: the request id is it; it names no tenant: no issuer", V1, 1, {
        "kind": "interactive", "token_id": request(27), "issuer": None, "token_tenant": None, "incoming_token": None,
        "outcome": "success",
    }),
    Promise("a sign-in without a status neither clears nor convicts", V1, 2,
            {"outcome": "interrupted", "record_id": request(28) + "/unknown"}),
    Promise("Log Analytics: SigninLogs has nested objects", LA, 1, {
        "kind": "interactive", "token_id": request(31), "device_id": "d0000000-0000-4000-8000-0000000000d1",
        "issuer": "entra:" + CONTOSO, "resource": "00000003-0000-0000-c000-000000000000",
        "event_time": at("2026-03-02T08:15:30.123456"), "ingested_at": at("2026-03-02T08:16:40.123456"),
    }),
    Promise("Log Analytics: the other tables have JSON texts", LA, 2, {
        "kind": "non-interactive", "device_id": "d0000000-0000-4000-8000-0000000000d1", "asn": 64496,
        "outcome": "success", "incoming_token": "refreshtoken",
    }),
    Promise("Log Analytics: without CreatedDateTime, TimeGenerated is the time; TenantId is no tenant", LA, 3, {
        "kind": "service-principal", "event_time": at("2026-03-02T08:16:40.123456"),
        "ingested_at": at("2026-03-02T08:16:40.123456"),  # the same: when it happened is not in the record
        "issuer": "entra:" + CONTOSO, "outcome": "success",
    }),
    Promise("Log Analytics: a managed identity", LA, 4, {"kind": "managed-identity"}),
    Promise("Log Analytics: a sign-in at AD FS", LA, 5, {"kind": "adfs", "session_id": None}),
    Promise("tables of mid-2024 have no session and no incoming token type", LA, 6,
            {"kind": "interactive", "session_id": None, "incoming_token": None}),
    Promise("a projection that overwrote Type is told by its columns, and the code by ResultType", LA, 7,
            {"kind": "non-interactive", "outcome": "interrupted", "record_id": request(37) + "/50076"}),
    Promise("a principal without Type and Category is a service principal", LA, 8,
            {"kind": "service-principal", "outcome": "success"}),
    Promise("the table of Microsoft's own services has no request id: the token id is it", LA_MS, 1, {
        "kind": "microsoft-service-principal", "token_class": "service", "token_id": request(39),
        "outcome": "success", "event_time": at("2026-03-02T08:15:30.123456"), "issuer": None,
    }),
    Promise("of that table, a failure without Type and Category", LA_MS, 2,
            {"kind": "microsoft-service-principal", "outcome": "failed"}),
    Promise("PowerShell's objects are the same resource with capitals", POWERSHELL, 1, {
        "kind": "non-interactive", "token_id": request(51), "issuer": "entra:" + CONTOSO, "outcome": "success",
        "incoming_token": "primaryrefreshtoken", "device_id": "d0000000-0000-4000-8000-0000000000d1",
        "ip": "192.0.2.10", "event_time": at("2026-03-02T08:15:30.123456"), "session_id": SESSION,
        "subject_name": "adele.vance@contoso.example",
    }),
    Promise("Windows PowerShell writes times as /Date(ms)/", POWERSHELL, 2,
            {"kind": "service-principal", "event_time": at("2026-03-02T08:15:30.123"), "token_id": request(52)}),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("entra", SOURCES, tmp_path_factory.mktemp("signin"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_a_record_gives(promise: Promise, rows: Rows) -> None:
    """Every quirk of a real export becomes the evidence that its sentence says."""
    promise.hold(rows)


@pytest.mark.parametrize("name", SOURCES)
def test_recognised(name: str, found: dict[str, Read]) -> None:
    """Each wrapper is recognised by content, and no record is lost."""
    assert found[name].source.name == SOURCES[name]
    assert found[name].rejects == []


def test_extra_keeps_what_has_no_column(rows: Rows) -> None:
    """What has no column is in `extra` under the vendor's name, as valid JSON."""
    extra = json.loads(rows[AM, 8]["extra"])
    assert extra["servicePrincipalCredentialKeyId"] == "59000000-0000-4000-8000-000000000059"
    assert extra["errorCode"] == "7000215"
    assert json.loads(rows[AM, 2]["extra"])["isCaeToken"] == "True"
    assert json.loads(rows[LA, 7]["extra"])["failureReason"] == "multifactor needed"


@pytest.mark.parametrize(
    ("types", "wanted"),
    [
        ({"agentType": "agenticAppInstance", "agentSubjectType": "notAgentic"}, "agent"),
        ({"agentType": "notAgentic", "agentSubjectType": "agentIDuser"}, "agent"),
        ({"agentType": "notAgentic", "agentSubjectType": "notAgentic"}, None),
        (None, None),
    ],
)
@pytest.mark.parametrize("name", [AM, BETA, LA, POWERSHELL])
def test_agents_have_a_class_of_their_own(
    name: str, types: dict[str, str] | None, wanted: str | None, tmp_path: Path, rows: Rows
) -> None:
    """A sign-in that Entra calls an agent's is of class agent in every wrapper, and of its own kind as before."""
    text = (SAMPLES / "entra" / name).read_text(encoding="utf-8-sig")
    lines = name in (AM, LA)
    whole = [json.loads(line) for line in text.splitlines() if line] if lines else json.loads(text)
    first = (whole["value"] if isinstance(whole, dict) else whole)[0]
    member = {LA: "Agent", POWERSHELL: "Agent"}.get(name, "agent")
    capital = name == POWERSHELL
    (first["properties"] if name == AM else first)[member] = types and {
        key[0].upper() + key[1:] if capital else key: value for key, value in types.items()
    }
    changed = tmp_path / name
    changed.write_text("\n".join(map(json.dumps, whole)) if lines else json.dumps(whole))
    (got,) = read([changed], tmp_path / "work")
    before, after = rows[name, 1], got.rows[0]
    assert after["token_class"] == (wanted or before["token_class"])
    assert after["kind"] == before["kind"]


def test_the_categories_are_the_markers() -> None:
    """A file of mixed categories is told apart by the categories that have a kind."""
    assert AZURE_MONITOR.markers["category"] == frozenset(signin.CATEGORIES)
    kinds = set(signin.TOKEN_CLASSES) - {signin.USER}  # which no log has: a portal file that lost its name
    assert kinds == set(signin.CATEGORIES.values()) == set(signin.TABLES.values())


def test_interrupt_codes_are_numbers_and_none_is_success() -> None:
    """The set of interrupts holds codes as they are logged, and never success."""
    assert all(code.isdigit() and code != "0" for code in INTERRUPT_CODES)
    assert {"50140", "50074", "65001", "70043", "16000"} <= INTERRUPT_CODES


def test_the_raw_schema_covers_what_is_mapped() -> None:
    """Every member that the mapping asks for is read as text."""
    assert all(signin.RESOURCE[name] == TEXT for name in signin.FLAT if name in signin.RESOURCE)


def test_one_sign_in_in_two_wrappers_is_one_record(tmp_path: Path, rows: Rows) -> None:
    """The record id is the same in every wrapper of one sign-in."""
    resource = {"id": request(1).upper(), "createdDateTime": "2026-03-02T08:15:30Z", "appId": "x", "ipAddress": "",
                "status": {"errorCode": 0}}
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"value": [resource]}))
    (one,) = read_samples(str(tmp_path), ["one.json"], tmp_path / "work").values()
    assert one.rows[0]["record_id"] == rows[AM, 2]["record_id"]
