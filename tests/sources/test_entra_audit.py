"""The Entra directory audit: context, or an acceptance where the token is named."""

from __future__ import annotations

import json

import pytest

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import Read

AM, GRAPH, LA = "audit-azure-monitor.jsonl", "audit-graph.json", "audit-log-analytics.jsonl"
CONTOSO = "11111111-aaaa-4aaa-8aaa-000000000001"
ADELE = "a0000000-0000-4000-8000-0000000000a1"
PRINCIPAL = "b0000000-0000-4000-8000-0000000000b1"

PROMISES = (
    Promise("a change is context, with who, what and from where", LA, 1, {
        "leg": "context", "source": "entra-audit", "kind": "directory", "outcome": "success",
        "record_id": "directory_a0d17000-0000-4000-8000-000000000021_7h1jl_21",
        "operation": "Update application – Certificates and secrets management",  # noqa: RUF001  # as logged
        "event_time": at("2026-03-02T09:30:00.246652"), "subject_id": ADELE, "ip": "192.0.2.10",
        "subject_name": "adele.vance@contoso.example", "object_kind": "directory",
        "object_id": "a9900000-0000-4000-8000-0000000000c9", "user_agent": "Contoso-CLI/2.0",
        "resource_tenant": CONTOSO, "token_id": None, "token_class": None, "issuer": None,
    }),
    Promise("nested columns may be objects as well as JSON texts", LA, 2,
            {"subject_id": ADELE, "object_id": "a9900000-0000-4000-8000-0000000000c9"}),
    Promise("an application's failure is its principal's", LA, 3, {
        "subject_id": PRINCIPAL, "subject_name": "nightly export", "outcome": "failed", "user_agent": None,
        "client_id": "c0000000-0000-4000-8000-0000000000c2",
    }),
    Promise("Graph beta names the token: an acceptance, with its issued-at", GRAPH, 1, {
        "leg": "acceptance", "token_id": "5e550001-0c0c-4d0d-8e0e-1f2f3f4f5f00", "token_id_kind": "entra_uti",
        "issued_at": at("2026-03-02T08:10:30"), "token_class": "user", "outcome": "success",
        "session_id": "5e550000-5e55-4e55-8e55-000000000001", "device_id": "d0000000-0000-4000-8000-0000000000d1",
        # The record names no tenant.
        "issuer": None, "token_tenant": None,
    }),
    Promise("what failed for the bearer of a token was let in and denied; the other spelling of the id", GRAPH, 2,
            {"leg": "acceptance", "outcome": "denied", "token_id": "5e550002-0c0c-4d0d-8e0e-1f2f3f4f5f00"}),
    Promise("a null form names no token", GRAPH, 3, {"leg": "context", "token_id": None, "token_id_kind": None}),
    Promise("an application's token may be a managed identity's: unknown", GRAPH, 4,
            {"leg": "acceptance", "token_class": None, "subject_id": PRINCIPAL}),
    Promise("without linkable identifiers it is context", GRAPH, 5, {"leg": "context"}),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("entra", [GRAPH, LA], tmp_path_factory.mktemp("audit"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_a_change_gives(promise: Promise, rows: Rows) -> None:
    """Every quirk of a real export becomes the evidence that its sentence says."""
    promise.hold(rows)


def test_recognised(found: dict[str, Read]) -> None:
    """The wrappers are recognised by content, and no record is lost."""
    assert [one.source.name for one in found.values()] == ["entra-audit-graph", "entra-audit-log-analytics"]
    assert not any(one.rejects for one in found.values())


def test_extra_tells_the_change(rows: Rows) -> None:
    """Names and kinds of the targets and the changed properties are in `extra`, as valid JSON."""
    extra = json.loads(rows[LA, 1]["extra"])
    assert extra["targetNames"] == 'Contoso "Ledger"'
    assert extra["targetTypes"] == "Application, ServicePrincipal"
    assert "KeyDescription" in extra["modifiedProperties"]
