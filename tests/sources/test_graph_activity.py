"""Microsoft Graph activity: requests as acceptances."""

from __future__ import annotations

import json

import pytest

from counterfoil.sources.entra.graph_activity import MAX_PATH_CHARS

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import Read

AM, LA = "graph-activity-azure-monitor.jsonl", "graph-activity-log-analytics.jsonl"
AAD = "aad-graph-activity-log-analytics.jsonl"
SOURCES = {
    AM: "graph-activity-azure-monitor",
    LA: "graph-activity-log-analytics",
    AAD: "aad-graph-activity-log-analytics",
}
CONTOSO = "11111111-aaaa-4aaa-8aaa-000000000001"
TOKEN = "5e550001-0c0c-4d0d-8e0e-1f2f3f4f5f00"  # noqa: S105  # an id, not a secret

PROMISES = (
    Promise("a request is the acceptance of the token that it carried", AM, 1, {
        "leg": "acceptance", "source": "graph-activity", "kind": "graph", "outcome": "success",
        "record_id": "6e9e0001-0a0a-4b0b-8c0c-0d0e0f0a0b0c", "token_id": TOKEN, "token_id_kind": "entra_uti",
        "issued_at": at("2026-03-02T08:10:30"), "event_time": at("2026-03-02T09:00:00.015970"),
        "ingested_at": at("2026-03-02T09:04:00"), "token_class": "user", "issuer": "entra:" + CONTOSO,
        "token_tenant": CONTOSO, "resource_tenant": CONTOSO, "home_tenant": None,
        "subject_id": "a0000000-0000-4000-8000-0000000000a1", "client_id": "c0000000-0000-4000-8000-0000000000c1",
        "resource": "00000003-0000-0000-c000-000000000000", "scopes": "Mail.Read User.Read", "operation": "GET",
        "object_kind": "api", "object_id": "https://graph.microsoft.com/v1.0/me/messages", "byte_count": 11808,
        "session_id": "5e550000-5e55-4e55-8e55-000000000001", "device_id": "d0000000-0000-4000-8000-0000000000d1",
    }),
    Promise("401 is refused, and an id of zeros is none", AM, 2,
            {"outcome": "refused", "token_id": None, "token_id_kind": None}),
    Promise("403 was let in and denied", AM, 3, {"outcome": "denied", "token_id": TOKEN}),
    Promise("an application with a secret is one; its roles are its scopes", AM, 4, {
        "token_class": "application", "subject_id": "b0000000-0000-4000-8000-0000000000b1", "scopes": "Mail.Read",
        "outcome": "success", "session_id": None, "token_id": "5e550017-0c0c-4d0d-8e0e-1f2f3f4f5f00",
    }),
    Promise("an application with a certificate may be a managed identity: unknown", AM, 5,
            {"token_class": None, "subject_id": "b0000000-0000-4000-8000-0000000000b2"}),
    Promise("a second delivery has the record id of the first", AM, 6,
            {"record_id": "6e9e0001-0a0a-4b0b-8c0c-0d0e0f0a0b0c", "ingested_at": at("2026-03-02T09:10:26")}),
    Promise("a user without scopes is not shown to be delegated; other names of session and device", AM, 7, {
        "token_class": None, "session_id": "5e550000-5e55-4e55-8e55-000000000007",
        "device_id": "d0000000-0000-4000-8000-0000000000d7", "operation": "request",
    }),
    Promise("a US-locale issued-at is understood, an absent URI is absent", AM, 8,
            {"issued_at": at("2026-03-02T08:10:30"), "object_id": None}),
    Promise("Azure AD Graph: another category, audience and name of issued-at; the id is padded", AM, 9, {
        "kind": "aad-graph", "resource": "00000002-0000-0000-c000-000000000000", "token_id": TOKEN,
        "issued_at": at("2026-03-02T08:10:30"), "object_id": f"https://graph.windows.net/{CONTOSO}/users",
    }),
    Promise("where the sign-in activity is empty, the newer token id stands in", AM, 10,
            {"token_id": "5e550002-0c0c-4d0d-8e0e-1f2f3f4f5f00", "kind": "graph"}),
    Promise("Azure AD Graph in Log Analytics: an id of zeros is none", AAD, 1, {
        "kind": "aad-graph", "token_id": None, "issuer": "entra:" + CONTOSO, "ip": "192.0.2.10", "device_id": None,
        "token_class": "user",
    }),
    Promise("Log Analytics: the tenant is AadTenantId, not the workspace", LA, 1, {
        "issuer": "entra:" + CONTOSO, "token_id": TOKEN, "token_class": "user", "outcome": "success",
        "event_time": at("2026-03-02T09:00:00.015970"), "ingested_at": None, "ip": "192.0.2.10",
        "session_id": "5e550000-5e55-4e55-8e55-000000000001",
    }),
    Promise("Log Analytics: the client's authentication is a number", LA, 2, {"token_class": "application"}),
    Promise("Log Analytics: 401 is refused", LA, 3, {"outcome": "refused"}),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("entra", SOURCES, tmp_path_factory.mktemp("graph"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_a_request_gives(promise: Promise, rows: Rows) -> None:
    """Every quirk of a real export becomes the evidence that its sentence says."""
    promise.hold(rows)


def test_recognised(found: dict[str, Read]) -> None:
    """The wrappers are recognised by content, and no record is lost."""
    assert {name: one.source.name for name, one in found.items()} == SOURCES
    assert not any(one.rejects for one in found.values())


def test_a_path_is_bounded(rows: Rows) -> None:
    """A path of any length takes a bounded place."""
    assert len(rows[AM, 7]["object_id"]) == MAX_PATH_CHARS


def test_extra_keeps_what_has_no_column(rows: Rows) -> None:
    """Roles in the directory and the way of authentication stay at hand."""
    extra = json.loads(rows[AM, 5]["extra"])
    assert (extra["clientAuthMethod"], extra["roles"], extra["C_Idtyp"]) == ("2", "Sites.Read.All", "app")
