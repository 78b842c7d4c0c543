"""Windows events: what AD FS issued, and what shows access to its key."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis as engines
import pyarrow as pa
import pytest

from counterfoil.expressions.built import built
from counterfoil.expressions.tables import table
from counterfoil.sources.windows import pieces

from .expecting import Promise, Rows, at, by_position, read_samples
from .reading import Read

SENTINEL, POWERSHELL = "sentinel.jsonl", "powershell.jsonl"
HOST = "adfs01.corp.contoso.example"
FARM = "adfs:corp.contoso.example"
OFFICE = "urn:federation:microsoftonline"

PROMISES = (
    Promise("the basic audit 1200 is the issuance of an assertion", SENTINEL, 1, {
        "leg": "issuance", "source": "adfs", "kind": HOST, "issuer": FARM, "outcome": "success", "operation": "1200",
        "token_class": "assertion", "token_id": None, "token_id_kind": None, "resource": OFFICE,
        "subject_name": "contoso\\adele", "ip": "203.0.113.9", "user_agent": 'Mozilla/5.0 (Contoso; "test")',
        "event_time": at("2026-03-02T08:15:29.876543"), "ingested_at": at("2026-03-02T08:15:40.336"),
        "sequence": 1001, "client_id": None, "object_kind": "relying_party",
        "record_id": HOST + "/issued/ac710000-0000-4000-8000-000000000001/2026-03-02 08:15:29",
    }),
    Promise("the verbose audit 299 of that issuance is the same record", SENTINEL, 2, {
        "leg": "issuance", "operation": "299", "resource": OFFICE, "subject_name": None, "sequence": 1002,
        "record_id": HOST + "/issued/ac710000-0000-4000-8000-000000000001/2026-03-02 08:15:29",
    }),
    Promise("an array of strings; a UPN; an escaped relying party; no forwarded address", SENTINEL, 3, {
        "subject_name": "megan@contoso.example", "resource": "https://app.example/?a=1&b=2", "ip": "192.0.2.200",
    }),
    Promise("1201 is a failed issuance", SENTINEL, 4,
            {"leg": "issuance", "outcome": "failed", "operation": "1201", "token_class": "assertion"}),
    Promise("1202, a credential accepted, is context of the same log", SENTINEL, 5,
            {"leg": "context", "source": "adfs", "token_class": None, "subject_name": "contoso\\adele"}),
    Promise("299 without a relying party counts for any", SENTINEL, 6,
            {"leg": "issuance", "resource": None, "record_id":
             HOST + "/issued/ac710000-0000-4000-8000-000000000004/2026-03-02 08:15:31"}),
    Promise("issued claims (500) are context of the farm's log", SENTINEL, 7,
            {"leg": "context", "source": "adfs", "issuer": FARM}),
    Promise("1102 says that the log was cleared", SENTINEL, 8,
            {"leg": "context", "operation": "1102", "kind": HOST, "subject_name": "contoso\\wardog"}),
    Promise("1200 of another provider is no audit of AD FS", SENTINEL, 9,
            {"leg": "context", "source": "windows-security", "sequence": None}),
    Promise("the rendered message of the table Event holds the XML too", SENTINEL, 10, {
        "leg": "issuance", "kind": "adfs02.corp.contoso.example", "issuer": FARM, "ip": "2001:db8::9",
        "subject_name": "adele.vance@contoso.example", "resource": OFFICE,
        "record_id": "adfs02.corp.contoso.example/issued/ac710000-0000-4000-8000-000000000005/2026-03-02 08:15:32",
    }),
    Promise("the message of 299 names relying party and activity", SENTINEL, 11, {
        "leg": "issuance", "resource": OFFICE,
        "record_id": "adfs02.corp.contoso.example/issued/ac710000-0000-4000-8000-000000000006/2026-03-02 08:15:33",
    }),
    Promise("PowerShell: an array as JSON", POWERSHELL, 1, {
        "leg": "issuance", "subject_name": "contoso\\adele", "resource": OFFICE, "sequence": 2001,
        "user_agent": 'Mozilla/5.0 (Contoso; "test")', "ip": "203.0.113.9",
    }),
    Promise("PowerShell: 299 merges with its 1200", POWERSHELL, 2,
            {"record_id": HOST + "/issued/ac710000-0000-4000-8000-000000000011/2026-03-02 08:20:00"}),
    Promise("PowerShell: an object of named strings", POWERSHELL, 3,
            {"leg": "issuance", "subject_name": "contoso\\megan", "resource": OFFICE}),
    Promise("a second issuance of one activity stays apart", POWERSHELL, 4,
            {"record_id": HOST + "/issued/ac710000-0000-4000-8000-000000000011/2026-03-02 08:20:05"}),
    Promise("PowerShell 5 writes times as /Date(ms)/; without a provider the audit's id decides", POWERSHELL, 5,
            {"leg": "issuance", "event_time": at("2026-03-02T08:21:00.123")}),
    Promise("a time in an object, an event id as text", POWERSHELL, 6,
            {"leg": "issuance", "event_time": at("2026-03-02T08:21:30.5")}),
    Promise("a logon: who and from where", POWERSHELL, 7,
            {"leg": "context", "kind": "dc01.corp.contoso.example", "subject_name": "contoso\\wardog",
             "ip": "192.0.2.5"}),
    Promise("access to the DKM contact", POWERSHELL, 8, {
        "leg": "context", "operation": "4662", "object_kind": "signing_key",
        "object_id": "9736f74f-fd37-4b02-80e8-8120a72ad6c2", "subject_name": "contoso\\wardog",
    }),
    Promise("another channel's numbers are no sequence of the Security log", POWERSHELL, 9, {
        "operation": "18", "object_kind": "signing_key", "object_id": "\\microsoft##wid\\tsql\\query", "sequence": None,
    }),
    Promise("a computer without a domain is its own kind", POWERSHELL, 10, {"kind": "adfs01", "operation": "1102"}),
    Promise("an undated event is rejected", POWERSHELL, 11, {"reject": "undated"}),
    Promise("a credential refused (1203) is a failure, and context", POWERSHELL, 12,
            {"source": "adfs", "leg": "context", "outcome": "failed"}),
    Promise("a use of the private key is context", POWERSHELL, 13, {"operation": "70", "leg": "context"}),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Read]:
    """Read the samples once."""
    return read_samples("adfs", [SENTINEL, POWERSHELL], tmp_path_factory.mktemp("adfs"))


@pytest.fixture(scope="module")
def rows(found: dict[str, Read]) -> Rows:
    """Return the evidence by sample and position."""
    return by_position(found)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.sentence)
def test_an_event_gives(promise: Promise, rows: Rows) -> None:
    """Every shape of an event becomes the evidence that its sentence says."""
    promise.hold(rows)


def test_recognised(found: dict[str, Read]) -> None:
    """Both shapes are recognised by content, and only the undated event is lost."""
    assert {one.source.name for one in found.values()} == {"windows-events"}
    assert [len(one.rejects) for one in found.values()] == [0, 1]


def test_extra_tells_the_audit(rows: Rows) -> None:
    """Protocol, endpoint and activity of an audit, data of other events: in `extra`, as valid JSON."""
    audit = json.loads(rows[SENTINEL, 1]["extra"])
    assert (audit["authProtocol"], audit["endpoint"]) == ("WSFederation", "/adfs/ls/")
    assert audit["activityId"] == "ac710000-0000-4000-8000-000000000001"
    access = json.loads(rows[POWERSHELL, 8]["extra"])
    assert "8d3bca50-1d7e-11d0-a081-00aa006c33ed}" in access["properties"]
    assert json.loads(rows[POWERSHELL, 9]["extra"])["image"].endswith("\\v1.0\\powershell.exe")
    assert json.loads(rows[POWERSHELL, 7]["extra"])["logonType"] == "3"


STRINGS: tuple[tuple[str, Any, list[str]], ...] = (
    ("XML", "<EventData><Data>a</Data><Data>b &amp; &lt;c&gt;</Data></EventData>", ["a", "b & <c>", ""]),
    ("a JSON array", json.dumps(["a", 'say "x","y"', "tab\\text"]).replace(", ", ","),
     ["a", 'say "x","y"', "tab\\text"]),
    ("a JSON object", '{"param1":"a","param2":"C:\\\\new"}', ["a", "C:\\new"]),
    ("unnamed data of an EVTX converter", '{"Data":{"#text":["a","{\\"b\\":1}"]},"Binary":null}', ["a", '{"b":1}']),
    ("one unnamed string", '{"Data":"a, b"}', ["a, b"]),
    ("neither", "plain text", []),
)


@pytest.mark.parametrize(("what", "data", "expected"), STRINGS, ids=[row[0] for row in STRINGS])
def test_strings_of(what: str, data: str, expected: list[str]) -> None:
    """The strings of an event are taken out whole, whatever holds them."""
    del what
    con = engines.duckdb.connect()
    con.create_table("given", pa.table({"data": [data]}))
    given = table("given", [("data", "VARCHAR")])
    strings = pieces.strings(given.data)
    (found,) = con.to_pyarrow(built(given.select(pieces=strings))).column("pieces").to_pylist()
    assert (found or []) == expected


def test_data_made_to_confuse_does_no_harm(tmp_path: Path) -> None:
    """Thousands of separators in one string give one context record."""
    data = '{"a":"' + '\\",\\"' * 20_000 + '"}'
    event = {"EventID": 4624, "Computer": "x", "TimeCreated": "2026-03-02T08:00:00Z", "EventData": json.loads(data)}
    (tmp_path / "odd.jsonl").write_text(json.dumps(event) + "\n")
    (one,) = read_samples(str(tmp_path), ["odd.jsonl"], tmp_path / "work").values()
    assert [row["operation"] for row in one.rows] == ["4624"]


def test_ids_of_issuances_follow_time(rows: Rows) -> None:
    """The merging of 1200 and 299 never spans two seconds: what differs in time differs in id."""
    issued = sorted(
        (row["event_time"], row["record_id"]) for row in rows.values() if row["leg"] == "issuance" and row["issuer"]
    )
    for (earlier, first), (later, second) in pairwise(issued):
        if (later - earlier).total_seconds() >= 1:
            assert first != second
