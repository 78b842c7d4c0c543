"""Indicators of others: what is read of their files, what is refused and why, and each counts within its time only."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.run import run
from counterfoil.errors import InputError
from counterfoil.investigate.indicator_files import ended, read
from counterfoil.model.indicators import ALWAYS, FOREVER, ORIGIN_2023, Indicator, IndicatorKind, of_2023
from counterfoil.model.receipt import RECEIPT_SCHEMA
from counterfoil.model.storm_0558 import ADDRESSES, KEY_IDS

JUNE, JULY = datetime(2023, 6, 1, tzinfo=UTC), datetime(2023, 7, 1, tzinfo=UTC)
KID = "1LTMzakihiRla_8z2BEJVXeWMqo"


def stix(*patterns: str, **more: Any) -> str:
    """Return a bundle with an indicator for each pattern, valid in June 2023."""
    usual = {"type": "indicator", "spec_version": "2.1", "pattern_type": "stix", "valid_from": "2023-06-01T00:00:00Z",
             "valid_until": "2023-07-01T00:00:00Z", "name": "an actor"}
    held = [{"type": "identity", "name": "us"}, *({**usual, "pattern": pattern, **more} for pattern in patterns)]
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": held})


def misp(**attribute: Any) -> str:
    """Return an event with one attribute."""
    return json.dumps({"Event": {"info": "an event", "Attribute": [{"to_ids": True, **attribute}]}})


IP, AGENT, KEY, CLIENT = IndicatorKind.IP, IndicatorKind.AGENT, IndicatorKind.KEY, IndicatorKind.CLIENT
NETWORK, SESSION, TOKEN, ID = IndicatorKind.NETWORK, IndicatorKind.SESSION, IndicatorKind.TOKEN, IndicatorKind.ID
APP = "d3590ed6-52b3-4102-aeff-aad2292ab01c"
READ: dict[str, tuple[str, set[tuple[IndicatorKind, str]]]] = {
    "an address in STIX": (stix("[ipv4-addr:value = '192.0.2.7']"), {(IP, "192.0.2.7")}),
    "of IPv6, in its one form": (stix("[ipv6-addr:value = '2001:DB8:0::1']"), {(IP, "2001:db8::1")}),
    "several, joined by OR": (
        stix("[ipv4-addr:value = '192.0.2.7' OR ipv4-addr:value = '192.0.2.8'] OR [ipv4-addr:value = '192.0.2.9']"),
        {(IP, "192.0.2.7"), (IP, "192.0.2.8"), (IP, "192.0.2.9")},
    ),
    "a set": (stix("[ipv4-addr:value IN ('192.0.2.7', '192.0.2.8')]"), {(IP, "192.0.2.7"), (IP, "192.0.2.8")}),
    "a network": (stix("[ipv4-addr:value ISSUBSET '192.0.2.0/30']"), {(NETWORK, "192.0.2.0/30")}),
    "the source of traffic": (stix("[network-traffic:src_ref.value = '192.0.2.7']"), {(IP, "192.0.2.7")}),
    "the same as misp-stix writes it, with its type and a port": (
        stix("[network-traffic:src_ref.type = 'ipv4-addr' AND network-traffic:src_ref.value = '192.0.2.7']",
             "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.8'"
             " AND network-traffic:dst_port = '443']"),
        {(IP, "192.0.2.7"), (IP, "192.0.2.8")},
    ),
    "an agent, with a quote in it": (
        stix(r"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'a\'b; c']"),
        {(AGENT, "a'b; c")},
    ),
    "a certificate": (stix("[x509-certificate:hashes.'SHA-1' = '" + "AB" * 20 + "']"), {(KEY, "ab" * 20)}),
    "a key id": (stix(f"[x-token:kid = '{KID}']"), {(KEY, KID)}),
    "an application": (stix(f"[x-token:client_id = '{APP.upper()}']"), {(CLIENT, APP)}),
    "an address in MISP": (misp(type="ip-src", value="192.0.2.7"), {(IP, "192.0.2.7")}),
    "with a port": (misp(type="ip-dst|port", value="192.0.2.7|443"), {(IP, "192.0.2.7")}),
    "an attribute of an object": (
        json.dumps({"Event": {"Object": [{"Attribute": [{"type": "user-agent", "value": "x/1", "to_ids": True}]}]}}),
        {(AGENT, "x/1")},
    ),
    "events as the interface of MISP gives them": (
        json.dumps({"response": [json.loads(misp(type="ip-src", value="192.0.2.7"))]}), {(IP, "192.0.2.7")},
    ),
    "a list, made harmless": ("# ours\nvalue,first\n192.0.2[.]7\n198.51.100.1,2023-06-01\n",
                              {(IP, "192.0.2.7"), (IP, "198.51.100.1")}),
    "a list of all kinds": (
        f'{APP.upper()}\n{"ab" * 32}\nkey:{KID}\n"user-agent:a, b"\n192.0.2.1/31\n2001:db8::/64\n192.0.2.9/32\n'
        f"session:S1\ntoken:{APP}\nclient:{APP}\n",
        {(ID, APP), (KEY, "ab" * 32), (KEY, KID), (AGENT, "a, b"), (NETWORK, "192.0.2.0/31"),
         (NETWORK, "2001:db8::/64"), (IP, "192.0.2.9"), (SESSION, "S1"), (TOKEN, APP), (CLIENT, APP)},
    ),
}
REFUSED: dict[str, tuple[str, str]] = {
    "what must hold together": (
        stix("[ipv4-addr:value = '192.0.2.7' AND network-traffic:dst_port = 443]"), "more than equality"),
    "what follows something": (
        stix("[ipv4-addr:value = '192.0.2.7'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.8']"), "more than equality"),
    "what looks like something": (stix("[ipv4-addr:value LIKE '192.0.2.%']"), "more than equality"),
    "a negation": (stix("[ipv4-addr:value NOT = '192.0.2.7']"), "more than equality"),
    "no pattern": (stix("["), "more than equality"),
    "a file's hash": (stix("[file:hashes.'SHA-256' = 'ab']"), "is in no record"),
    "a rule of another language": (stix("rule x {}", pattern_type="yara"), "its pattern is yara"),
    "one that was revoked": (stix("[ipv4-addr:value = '192.0.2.7']", revoked=True), "it was revoked"),
    "a network of half the world": (stix("[ipv4-addr:value ISSUBSET '0.0.0.0/1']"), "a network of more than a /16"),
    "what is no address": (stix("[ipv4-addr:value = 'example.com']"), "it is no address"),
    "a domain in MISP": (misp(type="domain", value="example.com"), "domain is in no record"),
    "what MISP says is not for detection": (misp(type="ip-src", value="192.0.2.7", to_ids=False), "not for detection"),
    "a line that is nothing": ("something\n", "no address, key or id"),
    "a line whose date is none": ("192.0.2.7,soon\n", "its dates cannot be read"),
}


@pytest.mark.parametrize(("text", "wanted"), READ.values(), ids=list(READ))
def test_what_is_read(text: str, wanted: set[tuple[IndicatorKind, str]]) -> None:
    """In the form in which evidence has it, and nothing of the file is left out."""
    found, left = read(text.encode(), "f")
    assert {(one.kind, one.value) for one in found} == wanted
    assert left == []
    assert {one.origin for one in found} == {"f"}


@pytest.mark.parametrize(("text", "why"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_refused(text: str, why: str) -> None:
    """Is told with the reason; nothing of it is looked for, in part or otherwise than it is meant."""
    found, left = read(text.encode(), "f")
    assert found == []
    assert [why in one.why for one in left] == [True]


@pytest.mark.parametrize(("text", "first", "last"), [
    (stix("[ipv4-addr:value = '192.0.2.7']"), JUNE, JULY),
    (stix("[ipv4-addr:value = '192.0.2.7']", valid_until=None), JUNE, FOREVER),
    (misp(type="ip-src", value="192.0.2.7", first_seen="2023-06-01T00:00:00+00:00",
          last_seen="2023-07-01T02:00:00.000000+02:00"), JUNE, JULY),
    (misp(type="ip-src", value="192.0.2.7"), ALWAYS, FOREVER),
    ("192.0.2.7,2023-06-01,2023-06-30\n", JUNE, JULY),
    ("192.0.2.7\n", ALWAYS, FOREVER),
])
def test_each_has_its_time(text: str, first: datetime, last: datetime) -> None:
    """A last day counts to its end; without an end there is none, unless one is given to all."""
    ((one,), _) = read(text.encode(), "f")
    assert (one.first, one.last) == (first, last)
    (short,) = ended([one], timedelta(days=14))
    assert short.last == (JUNE + timedelta(days=14) if last == FOREVER and first == JUNE else last)


@pytest.mark.parametrize("text", [
    "", "{", '{"a": 1}', "[1]", '{"objects": []}', "# nothing\n", "\xff\xfe",
    '{"objects": ' * 5 + "[]" + "}" * 5, "[" * 100_000,
])
def test_what_holds_none_is_one_clear_line(text: str) -> None:
    """Neither STIX nor MISP nor a list."""
    with pytest.raises(InputError) as error:
        read(text.encode("latin-1"), "f")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("f ")


def test_those_of_2023_are_whole() -> None:
    """Every address within its days, the key without an end, all with their source."""
    found = list(of_2023())
    assert {one.value for one in found if one.kind is IP} == {address.ip for address in ADDRESSES}
    assert {(one.value, one.last) for one in found if one.kind is KEY} == {(key, FOREVER) for key in KEY_IDS}
    assert all(one.first >= datetime(2023, 3, 1, tzinfo=UTC) and one.origin == ORIGIN_2023 for one in found)


RECORDS = (
    {"time": "2023-06-20T12:00:00Z", "ip": "195.26.87.219", "kid": "k1"},
    {"time": "2024-06-20T12:00:00Z", "ip": "195.26.87.219", "kid": "k1"},  # a year later: somebody else's
    {"time": "2023-06-20T13:00:00Z", "ip": "192.0.2.1", "kid": KID, "iat": 1687262400},
    {"time": "2023-06-20T14:00:00Z", "ip": "192.0.2.2", "kid": KID, "iat": 1536361411},  # the documented sample
)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case with these receipts."""
    from counterfoil import app
    from counterfoil.config import HuntSettings

    work = tmp_path_factory.mktemp("sightings")
    usual = {"schema": RECEIPT_SCHEMA, "rp": "mail", "outcome": "accepted", "iss": "https://login.example",
             "subject": "alice", "user_agent": "agent/1"}
    (work / "receipts.jsonl").write_text("".join(json.dumps(usual | record) + "\n" for record in RECORDS))
    app.hunt([str(work / "receipts.jsonl")], HuntSettings(case=work / "case"))
    return work / "case"


def test_the_set_of_2023_is_looked_for_without_its_trap(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The address on its days and the key under a fresh token; the sample token of 2018 is told apart, in words too."""
    told = run(capsys, "indicators", "--case", case, "--format", "json")
    rows = [dict(zip(json.loads(told.out)["columns"], row, strict=True)) for row in json.loads(told.out)["rows"]]
    seen = {(row["kind"], row["value"], row["records"]) for row in rows}
    assert seen == {("ip", "195.26.87.219", 1), ("key", KID, 1)}
    assert all(row["evidence"].rpartition(":")[2] in ("1", "3") for row in rows)
    assert told.code == 1
    assert "sample token of Microsoft's documentation" in told.err


def test_files_of_ones_own_are_looked_for(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what is not looked for on stderr; nothing seen is 0, and without a time every record counts."""
    (tmp_path / "a.json").write_text(stix("[ipv4-addr:value = '192.0.2.1']", "[file:name = 'x']"))
    (tmp_path / "b.txt").write_text("user-agent:agent/1\n")
    told = run(capsys, "indicators", tmp_path / "a.json", tmp_path / "b.txt", "--case", case, "--format", "csv")
    assert [line.split(",")[:4] for line in told.out.splitlines()[1:]] == [
        ["ip", "192.0.2.1", "an actor", "1"], ["user-agent", "agent/1", "", "4"]]
    assert "not looked for: an actor: file:name is in no record" in told.err
    (tmp_path / "c.txt").write_text("192.0.2.1,2023-06-21\n")
    assert run(capsys, "indicators", tmp_path / "c.txt", "--case", case).code == 0
    assert run(capsys, "indicators", tmp_path / "none", "--case", case).code == 2


def test_networks_and_keys_of_ones_own_are_looked_for(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network by every address in it, under its own name; a key without a time counts in every record."""
    (tmp_path / "own.txt").write_text("192.0.2.0/24\n195.26.80.0/21,2023-06-01,2023-06-30,theirs\nkey:k1\n")
    told = run(capsys, "indicators", tmp_path / "own.txt", "--case", case, "--format", "csv")
    assert [line.split(",")[:4] for line in told.out.splitlines()[1:]] == [
        ["key", "k1", "", "2"], ["network", "192.0.2.0/24", "", "2"], ["network", "195.26.80.0/21", "theirs", "1"]]


def test_what_has_no_end_is_over_when_asked(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An address of May is nobody's in June, unless somebody says so."""
    (tmp_path / "old.txt").write_text("192.0.2.1,2023-05-01\n")
    assert run(capsys, "indicators", tmp_path / "old.txt", "--case", case).code == 1
    assert run(capsys, "indicators", tmp_path / "old.txt", "--case", case, "--valid-days", "14").code == 0


def test_indicators_are_values() -> None:
    """Two alike are one."""
    assert len({Indicator(IP, "192.0.2.1"), Indicator(IP, "192.0.2.1")}) == 1
