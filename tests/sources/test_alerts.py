"""Alerts and incidents: context with the user, the address and the time that they name, in every wrapper."""

from __future__ import annotations

import json

import pytest

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import Read

V2, INCIDENTS = "alerts-v2.json", "incidents.json"
STREAM, ENTITY_STREAM = "alertinfo-stream.jsonl", "alertevidence-stream.jsonl"
INFO, INFO_CSV, ENTITY, ENTITY_CSV = "alertinfo.jsonl", "alertinfo.csv", "alertevidence.jsonl", "alertevidence.csv"
SENTINEL, SENTINEL_INCIDENT, LEGACY = "securityalert.jsonl", "securityincident.jsonl", "20260320-SecurityAlerts.csv"
SOURCES = {
    V2: "defender-alerts",
    INCIDENTS: "defender-incidents",
    INFO: "defender-alertinfo",
    INFO_CSV: "defender-alertinfo",
    ENTITY: "defender-alertevidence",
    ENTITY_CSV: "defender-alertevidence",
    STREAM: "defender-alertinfo-stream",
    ENTITY_STREAM: "defender-alertevidence-stream",
    SENTINEL: "sentinel-securityalert",
    SENTINEL_INCIDENT: "sentinel-securityincident",
    LEGACY: "graph-security-alerts",
}
ADELE = "a0000000-0000-4000-8000-0000000000a1"
CONTOSO = "11111111-aaaa-4aaa-8aaa-000000000001"
ALERT = "alert:da637551227677560813_-961444813"

PROMISES = (
    Promise("an alert is context at its first activity, with what it names", V2, 1, {
        "leg": "context", "source": "m365-defender", "kind": "alert", "record_id": ALERT, "outcome": "success",
        "event_time": at("2026-03-02T09:00:00"), "ingested_at": at("2026-03-02T09:20:12.733333"),
        "operation": "Anomalous Token", "subject_id": ADELE, "subject_name": "adele.vance@contoso.example",
        "ip": "203.0.113.77", "client_id": "c0000000-0000-4000-8000-0000000000c1", "resource_tenant": CONTOSO,
        "object_parent": "28282", "token_id": None, "issuer": None,
    }),
    Promise("without evidence and activity it is an alert all the same", V2, 2,
            {"subject_id": None, "ip": None, "event_time": at("2026-03-02T09:20:12.733333"),
             "ingested_at": at("2026-03-02T09:20:12.733333")}),
    Promise("an incident", INCIDENTS, 1, {
        "kind": "incident", "record_id": "incident:28282", "operation": "Multi-stage incident involving one user",
    }),
    Promise("the same alert in advanced hunting is the same record", INFO, 1, {"record_id": ALERT, "kind": "alert"}),
    Promise("also from the portal's CSV", INFO_CSV, 1,
            {"record_id": ALERT, "event_time": at("2026-03-18T09:00:00"), "operation": "Anomalous Token"}),
    Promise("what an alert names is a record of its own: a user", ENTITY, 1,
            {"kind": "alert-evidence", "subject_id": ADELE, "ip": None, "object_id": ALERT.removeprefix("alert:")}),
    Promise("an address", ENTITY, 2, {"subject_id": None, "ip": "203.0.113.77"}),
    Promise("evidence from CSV", ENTITY_CSV, 2, {"ip": "203.0.113.77", "event_time": at("2026-03-18T09:00:00")}),
    Promise("the streaming API has it in an envelope", STREAM, 1, {"record_id": ALERT}),
    Promise("the streaming API's evidence", ENTITY_STREAM, 1, {"kind": "alert-evidence", "subject_id": ADELE}),
    Promise("Sentinel's table knows the vendor's id", SENTINEL, 1, {
        "record_id": ALERT, "subject_id": ADELE, "subject_name": "adele.vance@contoso.example", "ip": "203.0.113.77",
        "event_time": at("2026-03-18T09:00:00"), "ingested_at": at("2026-03-18T09:30:00"),
    }),
    Promise("and the incident's", SENTINEL_INCIDENT, 1,
            {"record_id": "incident:28282", "event_time": at("2026-03-18T09:00:00")}),
    Promise("the older API, flattened: no user", LEGACY, 1,
            {"subject_name": None, "event_time": at("2026-03-18T07:03:42"), "resource_tenant": CONTOSO}),
    Promise("the older API, flattened: a user before the slash", LEGACY, 2,
            {"subject_name": "adele.vance@contoso.example", "event_time": at("2026-03-18T19:30:54")}),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("alerts", SOURCES, tmp_path_factory.mktemp("alerts"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_an_alert_gives(promise: Promise, rows: Rows) -> None:
    """Every wrapper becomes the evidence that its sentence says."""
    promise.hold(rows)


def test_recognised(found: dict[str, Read]) -> None:
    """Each wrapper is recognised by content, and no record of its own is lost."""
    assert {name: one.source.name for name, one in found.items()} == SOURCES
    assert not any(one.rejects for one in found.values())


def test_extra_keeps_what_an_analyst_asks_for(rows: Rows) -> None:
    """Severity, techniques and the product that raised it."""
    extra = json.loads(rows[V2, 1]["extra"])
    assert (extra["severity"], extra["techniques"]) == ("medium", '["T1550.001"]')
    assert json.loads(rows[ENTITY, 1]["extra"])["entity"] == "User (Impacted)"
