"""Defender's tables of tokens: requests to Graph, and sign-ins."""

from __future__ import annotations

import json

import pytest

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import Read

GRAPH, SIGNINS, PRINCIPALS = "graphapiauditevents.jsonl", "entraidsigninevents.json", "entraidspnsigninevents.json"
BETA, PRINCIPALS_CSV = "aadsignineventsbeta.csv", "entraidspnsigninevents.csv"
SOURCES = {
    GRAPH: "defender-graphapiauditevents", SIGNINS: "defender-entraidsigninevents",
    PRINCIPALS: "defender-entraidspnsigninevents", BETA: "defender-entraidsigninevents",
    PRINCIPALS_CSV: "defender-entraidspnsigninevents",
}
CONTOSO = "11111111-aaaa-4aaa-8aaa-000000000001"
TOKEN = "5e550001-0c0c-4d0d-8e0e-1f2f3f4f5f00"  # noqa: S105  # an id, not a secret

PROMISES = (
    Promise("a request is the acceptance of the token that it carried, of a tenant that is not told", GRAPH, 1, {
        "leg": "acceptance", "source": "defender-graph", "kind": "graph", "outcome": "success",
        "record_id": "6e9e0001-0a0a-4b0b-8c0c-0d0e0f0a0b0c", "token_id": TOKEN, "token_id_kind": "entra_uti",
        "event_time": at("2026-03-02T09:00:01.015970"), "issued_at": None, "token_class": "user", "issuer": None,
        "token_tenant": None, "resource_tenant": None, "subject_id": "a0000000-0000-4000-8000-0000000000a1",
        "client_id": "c0000000-0000-4000-8000-0000000000c1", "resource": "00000003-0000-0000-c000-000000000000",
        "scopes": "Mail.Read User.Read", "operation": "GET", "object_kind": "api", "ip": "192.0.2.10",
        "object_id": "https://graph.microsoft.com/v1.0/me/messages", "byte_count": 11808, "session_id": None,
    }),
    Promise("401 is refused, and an id of zeros is none", GRAPH, 2,
            {"outcome": "refused", "token_id": None, "token_id_kind": None}),
    Promise("403 was let in and denied", GRAPH, 3, {"outcome": "denied", "token_id": TOKEN}),
    Promise("an application may be a managed identity: its class is unknown", GRAPH, 4, {
        "token_class": None, "subject_id": "b0000000-0000-4000-8000-0000000000b1", "operation": "POST",
        "byte_count": None,
    }),
    Promise("a time that is none costs that record alone", GRAPH, 5, {"reject": "undated"}),
    Promise("Sentinel calls the time otherwise", GRAPH, 6,
            {"event_time": at("2026-03-02T09:00:06"), "object_id": "/beta/users", "reject": None}),
    Promise("a sign-in is the issuance of the token of that request", SIGNINS, 1, {
        "leg": "issuance", "source": "defender-signin", "kind": "interactive", "outcome": "success",
        "record_id": f"{TOKEN}/0", "token_id": TOKEN, "token_class": "user", "issuer": "entra:" + CONTOSO,
        "event_time": at("2026-03-02T08:01:00.123456"), "resource_tenant": CONTOSO, "home_tenant": None,
        "cross_tenant": "none", "incoming_token": None, "subject_id": "a0000000-0000-4000-8000-0000000000a1",
        "subject_name": "alice@contoso.example", "client_id": "c0000000-0000-4000-8000-0000000000c1",
        "resource": "00000003-0000-0000-c000-000000000000", "session_id": "5e550000-5e55-4e55-8e55-000000000001",
        "device_id": "d0000000-0000-4000-8000-0000000000d1", "ip": "192.0.2.10",
        "user_agent": "Mozilla/5.0 (Windows NT 10.0)",
    }),
    Promise("an interrupt issues nothing; without the token's id, the request's is it", SIGNINS, 2, {
        "kind": "non-interactive", "outcome": "interrupted", "token_id": TOKEN.replace("0001-", "0002-"),
    }),
    Promise("a guest is told as one, and a failure issues nothing", SIGNINS, 3,
            {"cross_tenant": "b2bCollaboration", "outcome": "failed"}),
    Promise("what AD FS issued is of a kind of its own", SIGNINS, 4, {"kind": "adfs"}),
    Promise("a sign-in of which nothing tells how is of no kind that can be declared", SIGNINS, 5, {"kind": "user"}),
    Promise("without either column, nobody knows whether it is a guest", SIGNINS, 6, {"cross_tenant": "unknown"}),
    Promise("an external user is a guest", SIGNINS, 7, {"cross_tenant": "b2bCollaboration"}),
    Promise("a sign-in without a code neither clears nor convicts", SIGNINS, 8, {"outcome": "interrupted"}),
    Promise("the Beta table in CSV gives the same record", BETA, 1, {
        "record_id": f"{TOKEN}/0", "token_id": TOKEN, "kind": "interactive", "cross_tenant": "none",
        "device_id": "d0000000-0000-4000-8000-0000000000d1", "event_time": at("2026-03-02T08:01:00.123456"),
    }),
    Promise("an application signs in as itself", PRINCIPALS, 1, {
        "kind": "service-principal", "token_class": "application", "outcome": "success", "issuer": "entra:" + CONTOSO,
        "token_id": "5e550011-0c0c-4d0d-8e0e-1f2f3f4f5f00", "subject_id": "b0000000-0000-4000-8000-0000000000b1",
        "subject_name": "backup", "cross_tenant": None,
    }),
    Promise("a managed identity is told, and has no address", PRINCIPALS, 2,
            {"kind": "managed-identity", "token_class": "managed_identity", "ip": None}),
    Promise("CSV gives the same", PRINCIPALS_CSV, 2, {
        "kind": "managed-identity", "token_id": "5e550012-0c0c-4d0d-8e0e-1f2f3f4f5f00", "outcome": "success",
    }),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("defender", SOURCES, tmp_path_factory.mktemp("defender"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_a_row_gives(promise: Promise, rows: Rows) -> None:
    """Every quirk of the tables becomes the evidence that its sentence says."""
    promise.hold(rows)


def test_recognised(found: dict[str, Read]) -> None:
    """The tables are recognised by content, in each form; one bad record is one reject."""
    assert {name: one.source.name for name, one in found.items()} == SOURCES
    assert {name: len(one.rejects) for name, one in found.items() if one.rejects} == {GRAPH: 1}


def test_extra_keeps_what_has_no_column(rows: Rows) -> None:
    """Workload and kind of caller stay at hand."""
    extra = json.loads(rows[GRAPH, 1]["extra"])
    assert (extra["targetWorkload"], extra["entityType"], extra["identityProvider"]) == (
        "Microsoft.Exchange", "user", f"https://sts.windows.net/{CONTOSO}/")
