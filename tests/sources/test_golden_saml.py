"""A public capture of a golden SAML attack (OTRF Security-Datasets, GoldenSAMLADFSMailAccess, MIT licence)."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .expecting import at
from .reading import read

DATA = Path(os.environ.get("COUNTERFOIL_DATA", Path(__file__).parents[3] / "shared" / "data"))
CAPTURE = DATA / "otrf-golden-saml"
pytestmark = pytest.mark.skipif(
    not CAPTURE.is_dir(),
    reason=f"no copy of OTRF/Security-Datasets at {CAPTURE}; COUNTERFOIL_DATA names its parent folder",
)


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Read the directory audit."""
    (one,) = read([CAPTURE / "AADAuditEvents.json"], tmp_path_factory.mktemp("audits"))
    assert not one.rejects
    return one.rows


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Read the Windows events."""
    (one,) = read([CAPTURE / "WindowsEvents.json"], tmp_path_factory.mktemp("events"))
    assert not one.rejects
    return one.rows


def test_directory_changes(audits: list[dict[str, Any]]) -> None:
    """The four rows are three changes by the forged subject: permission, grant, secret."""
    assert [(row["event_time"], row["operation"]) for row in audits] == [
        (at("2021-08-02T13:29:25.983"), "Update application – Certificates and secrets management"),  # noqa: RUF001
        (at("2021-08-02T13:29:25.983"), "Update application – Certificates and secrets management"),  # noqa: RUF001
        (at("2021-08-02T13:25:12.246"), "Update application"),
        (at("2021-08-02T13:27:20.017"), "Add delegated permission grant"),
    ]
    assert [row["record_id"] for row in audits] == [
        "directory_10065ffb-8199-48bc-8ff5-912cb5b8295a_aumvx_13992832",
        "directory_10065ffb-8199-48bc-8ff5-912cb5b8295a_aumvx_13992832",
        "directory_ae69aa7a-e9b7-4066-84f2-58582994d8cb_7h1jl_8584070",
        "directory_630d7f0c-acc4-4596-85ab-7e5d839b4291_9vrqi_37762000",
    ]
    assert {(row["leg"], row["subject_id"], row["subject_name"]) for row in audits} == {
        ("context", "aead923d-498b-4f64-a66c-2af91447a8b6", "pgustavo@simulandlabs.com")
    }


def test_events_are_context(events: list[dict[str, Any]]) -> None:
    """All 38 events are context, by host, with their own ids; none is an issuance, two are audits of AD FS."""
    assert {row["leg"] for row in events} == {"context"}
    assert sorted(row["operation"] for row in events if row["source"] == "adfs") == ["412", "501"]
    assert Counter((row["kind"], row["operation"]) for row in events) == {
        ("dc01.simulandlabs.com", "4624"): 24, ("adfs01.simulandlabs.com", "4624"): 4,
        ("dc01.simulandlabs.com", "4662"): 5, ("adfs01.simulandlabs.com", "412"): 1,
        ("adfs01.simulandlabs.com", "501"): 1, ("adfs01.simulandlabs.com", "18"): 1,
        ("adfs01.simulandlabs.com", "33205"): 1, ("adfs01.simulandlabs.com", "5156"): 1,
    }
    lines = [json.loads(line) for line in (CAPTURE / "WindowsEvents.json").read_text().splitlines()]
    own = [line.get("EventOriginId") for line in lines]
    assert [row["record_id"] for row in events if not row["record_id"].startswith("text:")] == [i for i in own if i]
    assert len({row["record_id"] for row in events}) == 38


def test_access_to_the_key(events: list[dict[str, Any]]) -> None:
    """The story of the key is told: the configuration read through SQL and a pipe, the DKM contact, the transfer."""
    told = [
        (row["event_time"], row["operation"], row["subject_name"], row["object_kind"], row["object_id"])
        for row in events
        if row["operation"] in {"18", "33205", "4662", "501"}
    ]
    contact = ("signing_key", "9736f74f-fd37-4b02-80e8-8120a72ad6c2")
    thief = "simulandlabs\\wardog"
    assert sorted(told)[:3] == [
        (at("2021-08-02T13:05:32.770"), "18", "nt authority\\system", "signing_key", "\\microsoft##wid\\tsql\\query"),
        (at("2021-08-02T13:05:33.483"), "33205", thief, "signing_key",
         "adfsconfigurationv4.identityserverpolicy.servicesettings"),
        (at("2021-08-02T13:09:20.040"), "501", "simulandlabs\\adfsadmin", None, None),
    ]
    assert {entry[2:] for entry in told if entry[1] == "4662"} == {(thief, *contact)}
    (transfer,) = [row["object_id"] for row in events if row["operation"] == "412"]
    assert transfer.endswith("/servicemodel/tokens/secureconversation")
    (sql,) = [json.loads(row["extra"]) for row in events if row["operation"] == "33205"]
    assert sql["statement"].startswith("SELECT ServiceSettingsData")
