"""Rules of Sigma over raw records: what each word of the specification means, what is refused, and an oracle beside."""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytest.importorskip("sigma", reason="needs the extra sigma")

import yaml
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.rule import SigmaDetection, SigmaRule
from sigma.types import SigmaString, SpecialChars

from cli.run import run
from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.investigate.sigma.loaded import Loaded
from counterfoil.investigate.sigma.rules import load
from counterfoil.investigate.sigma.run import checked, compiled, matched, prepare

DATA = Path(os.environ.get("COUNTERFOIL_DATA", Path(__file__).parents[3] / "shared" / "data"))
PUBLIC = DATA / "sigma"  # github.com/SigmaHQ/sigma, Detection Rule License 1.1
CLOUDTRAIL = {"product": "aws", "service": "cloudtrail"}

# what it shows, the detection, the record, whether it holds
MEANINGS: tuple[tuple[str, dict[str, Any], Any, bool], ...] = (
    ("texts are compared without case", {"eventName": "STOPlogging"}, {"eventName": "StopLogging"}, True),
    ("with |cased they are not", {"eventName|cased": "STOPlogging"}, {"eventName": "StopLogging"}, False),
    ("a text is the whole text", {"eventName": "Stop"}, {"eventName": "StopLogging"}, False),
    ("a star is anything", {"eventName": "stop*"}, {"eventName": "StopLogging"}, True),
    ("a question mark is one character", {"eventName": "Stop?ogging"}, {"eventName": "StopLogging"}, True),
    ("an escaped star is a star", {"eventName": "a\\*b"}, {"eventName": "axb"}, False),
    ("what the engine takes for a wildcard is none", {"eventName|contains": "100%_"}, {"eventName": "100 x_"}, False),
    ("a backslash is a backslash", {"eventName|endswith": "\\cmd"}, {"eventName": "C:\\cmd"}, True),
    ("an apostrophe ends nothing", {"eventName": "it's"}, {"eventName": "It's"}, True),
    ("a number is met by its text", {"errorCode": 5}, {"errorCode": "5"}, True),
    ("numbers are compared as such", {"errorCode|gte": 10}, {"errorCode": 9}, False),
    ("a truth value is met", {"readOnly": True}, {"readOnly": True}, True),
    ("what is missing equals nothing", {"eventName": "*"}, {"other": "x"}, False),
    ("null is met by what is missing", {"errorCode": None}, {"eventName": "x"}, True),
    ("null is met by null", {"errorCode": None}, {"errorCode": None}, True),
    ("null is not met by an empty text", {"errorCode": None}, {"errorCode": ""}, False),
    ("an empty text is not met by what is missing", {"errorCode": ""}, {"eventName": "x"}, False),
    ("|exists is met by null", {"errorCode|exists": True}, {"errorCode": None}, True),
    ("|exists no is met by what is missing", {"errorCode|exists": False}, {"eventName": "x"}, True),
    ("one of several", {"eventName": ["A", "B"]}, {"eventName": "b"}, True),
    ("|all is all of them", {"eventName|contains|all": ["stop", "start"]}, {"eventName": "StopLogging"}, False),
    ("|re is with case, and anywhere", {"eventName|re": "L.gging"}, {"eventName": "StopLogging"}, True),
    ("|re|i is without", {"eventName|re|i": "l.GGING$"}, {"eventName": "StopLogging"}, True),
    ("|re without is with", {"eventName|re": "l.GGING$"}, {"eventName": "StopLogging"}, False),
    ("|cidr holds an address", {"sourceIPAddress|cidr": "192.0.2.0/24"}, {"sourceIPAddress": "192.0.2.77"}, True),
    ("|cidr holds no text", {"sourceIPAddress|cidr": "192.0.2.0/24"}, {"sourceIPAddress": "ec2.internal"}, False),
    ("|cidr of version 6", {"sourceIPAddress|cidr": "2001:db8::/32"}, {"sourceIPAddress": "2001:db8:1::9"}, True),
    ("|base64offset at any offset", {"eventName|base64offset|contains": "http://"},
     {"eventName": "eGh0dHA6Ly9h"}, True),
    ("|windash is any dash", {"eventName|windash|contains": " -f "}, {"eventName": "run /f now"}, True),
    ("|fieldref compares two fields", {"a|fieldref": "b"}, {"a": "X", "b": "x"}, True),
    ("|fieldref with one missing", {"a|fieldref": "b"}, {"a": "X"}, False),
    ("|neq is a negation", {"eventName|neq": "x"}, {"eventName": "y"}, True),
    ("a dotted name is a path", {"userIdentity.type": "Root"}, {"userIdentity": {"type": "Root"}}, True),
    ("and never the end of another", {"userIdentity.type": "Root"}, {"requestParameters": {"type": "Root"}}, False),
    ("on the way lie lists", {"resources.ARN|endswith": "key"},
     {"resources": [{"ARN": "a"}, {"ARN": "my-key"}]}, True),
    ("a list has each of its values", {"requestParameters.names": "b"},
     {"requestParameters": {"names": ["a", "B"]}}, True),
    ("a structure has its text", {"requestParameters|contains": "public"},
     {"requestParameters": {"acl": "Public"}}, True),
    ("names and values are fields", {"Parameters.ForwardTo|contains": "@"},
     {"Parameters": [{"Name": "Name", "Value": "a@b"}, {"Name": "ForwardTo", "Value": "x@y"}]}, True),
    ("and of other names are not", {"Parameters.ForwardTo|contains": "@"},
     {"Parameters": [{"Name": "Other", "Value": "a@b"}]}, False),
    ("a keyword stands anywhere", {"keywords": ["stop\"quoted"]}, {"a": {"b": ["x STOP\"quoted y"]}}, True),
    ("wrappers differ in the first letter", {"EventName": "x"}, {"eventName": "x"}, True),
)


def _rule(tmp: Path, given: dict[str, Any], condition: str = "one", **members: Any) -> Loaded:
    body = {"title": "t", "id": "6f7f4e5e-0000-4000-8000-000000000001", "logsource": CLOUDTRAIL,
            "detection": {"one": given.get("keywords", given), "condition": condition}} | members
    path = tmp / "rule.yml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    (found,) = load([path])
    return found


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return an engine with the table of records."""
    with duckdb.connect() as con:
        prepare(con)
        yield con


def _given(con: duckdb.DuckDBPyConnection, *records: Any) -> None:
    con.execute("DELETE FROM sigma_records")
    rows = [["aws-cloudtrail", "log.json", place, json.dumps(record)] for place, record in enumerate(records, 1)]
    con.executemany("INSERT INTO sigma_records VALUES (?, ?, ?, ?)", rows)


@pytest.mark.parametrize(
    ("detection", "record", "holds"), [row[1:] for row in MEANINGS], ids=[row[0] for row in MEANINGS]
)
def test_a_word_means_what_the_specification_says(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, detection: dict[str, Any], record: Any, holds: bool
) -> None:
    """Each row holds or not, and its negation the other way round: no record answers neither."""
    _given(con, record)
    rule = checked(con, _rule(tmp_path, detection))
    assert not rule.why
    (one,) = matched(con, rule.log, [rule])
    (other,) = matched(con, rule.log, [_rule(tmp_path, detection, "not one")])
    assert (one.records, other.records) == (int(holds), int(not holds))


@pytest.mark.parametrize(("members", "why"), [
    ({"logsource": {"product": "okta", "service": "okta"}}, "no source that is read is the log okta/okta"),
    ({"logsource": {"category": "process_creation", "product": "windows"}}, "windows/process_creation"),
    ({"detection": {"one": {"a|expand": "%people%"}, "condition": "one"}}, "the placeholder %people%"),
    ({"detection": {"one": {"a": "x"}, "condition": "one | count() > 5"}}, "pipe syntax"),
    ({"detection": {"one": {"a|re": "(?=x)y"}, "condition": "one"}}, "invalid perl operator"),
    ({"detection": {"one": {"a.b.c.d.e.f.g": "x"}, "condition": "one"}}, "no path of at most 6 names"),
    ({"detection": {"one": {"a|unheard": "x"}, "condition": "one"}}, "unheard"),
    ({"detection": {"one": {"a": "x\0y"}, "condition": "one"}}, "zero byte"),
])
def test_what_cannot_be_run_is_refused_with_the_reason(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, members: dict[str, Any], why: str
) -> None:
    """A rule that would answer wrongly answers nothing, and says why."""
    rule = checked(con, _rule(tmp_path, {"a": "x"}, **members))
    assert not rule.sql
    assert why in rule.why.lower() or why in rule.why


@pytest.mark.parametrize(
    "text", ["", "just a text", "title: x", "a: &a [x]\nb: *a\n", "detection: [1]\ntitle: 1", "\t{"]
)
def test_what_is_no_rule_is_refused(tmp_path: Path, text: str) -> None:
    """No document ends the run; aliases, which can make a document of any size, are refused unfollowed."""
    (tmp_path / "odd.yml").write_text(text, encoding="utf-8")
    found = load([tmp_path])
    assert found
    assert all(rule.why and not rule.sql for rule in found)


def test_a_correlation_is_refused(tmp_path: Path) -> None:
    """What counts over records is no rule of single ones; the rule that it counts is run."""
    base = {"title": "t", "name": "base", "logsource": CLOUDTRAIL, "detection": {"one": {"a": "x"}, "condition": "one"}}
    counted = {"title": "many", "correlation": {"type": "event_count", "rules": ["base"], "group-by": ["b"],
                                                "timespan": "1h", "condition": {"gte": 5}}}
    (tmp_path / "rule.yml").write_text(yaml.safe_dump_all([base, counted]), encoding="utf-8")
    assert [(rule.title, bool(rule.sql), rule.why) for rule in load([tmp_path])] == [
        ("t", True, ""), ("many", False, "a correlation: only rules of single records are run"),
    ]


def _public() -> list[Path]:
    if not PUBLIC.is_dir():
        pytest.skip(f"no copy of SigmaHQ/sigma at {PUBLIC}; COUNTERFOIL_DATA names its parent folder")
    return sorted(PUBLIC.rglob("*.yml"))


def test_every_public_rule_runs_or_is_refused_with_a_reason(con: duckdb.DuckDBPyConnection) -> None:
    """All of them load; refused are other products' logs, and what its user has to fill in."""
    rules = [checked(con, rule) for rule in load(_public())]
    assert len(rules) >= 261
    assert all(bool(rule.sql) != bool(rule.why) for rule in rules)
    odd = [rule.why for rule in rules if rule.why and "no source that is read" not in rule.why]
    assert all("which has no value here" in why for why in odd)
    assert sum(bool(rule.sql) for rule in rules) >= 160


def _choices(detection: SigmaDetection) -> Iterator[tuple[str, str]]:
    """Yield each field with a text that meets one of its values."""
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            yield from _choices(item)
        elif item.field:
            for value in item.value:
                if isinstance(value, SigmaString):
                    yield item.field, "".join("" if isinstance(part, SpecialChars) else str(part) for part in value.s)
                else:
                    yield item.field, str(value)


@pytest.mark.slow
def test_public_rules_hold_where_the_oracle_says(con: duckdb.DuckDBPyConnection) -> None:
    """PySigma's SQLite gives the same answers over records in which every field of a rule is there.

    Where one is missing it answers neither, so that a negation of it is lost, and its equality is with case, unless
    columns are told otherwise: MEANINGS has what the specification says. For keywords it has no words.
    """
    chance, compared, hits = random.Random(21), 0, 0  # noqa: S311  # seeded
    for path in _public():
        (rule,) = (checked(con, one) for one in load([path]))
        parsed = SigmaCollection.from_yaml(path.read_text(encoding="utf-8")).rules[0]
        if not rule.sql or not isinstance(parsed, SigmaRule):
            continue
        choices: dict[str, list[str]] = {}
        for detection in parsed.detection.detections.values():
            for name, text in _choices(detection):
                choices.setdefault(name, ["other"]).append(text)
        if not choices or "keywords" in parsed.detection.detections or rule.whole:
            continue
        if any(name != other and name.startswith(f"{other}.") for name in choices for other in choices):
            continue  # a field within a field: no flat table holds both
        records = [{name: chance.choice(texts) for name, texts in choices.items()} for _ in range(12)]
        records += [{name: texts[-1].upper() for name, texts in choices.items()}]
        try:
            (query,) = sqliteBackend().convert_rule(parsed)  # type: ignore[no-untyped-call]  # as it is
            theirs = _in_sqlite(str(query), list(choices), records)
        except Exception:  # noqa: BLE001, S112  # what the oracle has no words for
            continue
        _given_as(con, rule.log, [_nested(record) for record in records])
        rows, (condition,) = compiled(con, rule.log, [rule])
        ours = {place for (place,) in con.execute(_WHERE.format(rows, condition)).fetchall()}
        assert ours == theirs, (path.name, query, records)
        compared, hits = compared + 1, hits + bool(ours)
    assert compared > 120
    assert hits > 90


_WHERE = "SELECT position FROM ({}) WHERE {}"


def _given_as(con: duckdb.DuckDBPyConnection, log: str, records: list[dict[str, Any]]) -> None:
    _given(con, *records)
    con.execute("UPDATE sigma_records SET log = ?", [log])


def _nested(record: dict[str, str]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for name, text in record.items():
        *way, last = name.split(".")
        inner = whole
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = text
    return whole


def _in_sqlite(query: str, fields: list[str], records: list[dict[str, str]]) -> set[int]:
    with sqlite3.connect(":memory:") as base:
        columns = ", ".join(f'"{name}" TEXT COLLATE NOCASE' for name in fields)
        base.execute(f"CREATE TABLE logs (place INTEGER, {columns})")
        marks = ", ".join("?" * (len(fields) + 1))
        rows = [[place, *record.values()] for place, record in enumerate(records, 1)]
        base.executemany(f"INSERT INTO logs VALUES ({marks})", rows)  # noqa: S608  # marks
        return {row[0] for row in base.execute(query.replace("<TABLE_NAME>", "logs"))}


RECORD = {
    "CreationTime": "2024-06-03T08:00:00", "Id": "5b1b4a0e-3b1a-4a43-8a52-0d2b1f6f0a11", "Operation": "New-InboxRule",
    "OrganizationId": "b81c513f-6706-4e0c-a985-9fb0a3cce047", "RecordType": 1, "ResultStatus": "True",
    "UserKey": "10032000D", "UserType": 2, "Version": 1, "Workload": "Exchange", "ClientIP": "192.0.2.7",
    "UserId": "ada@fabrikam.com", "Parameters": [{"Name": "ForwardTo", "Value": "x@example.org"}],
}


def test_the_program_runs_rules_over_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule that holds is first, with where; a refused one has its reason; a file that is gone is told."""
    log, rules, case = tmp_path / "ual.json", tmp_path / "rules", tmp_path / "case"
    log.write_text(json.dumps([RECORD, RECORD | {"Id": "6b1b4a0e-3b1a-4a43-8a52-0d2b1f6f0a11", "Operation": "Other"}]))
    rules.mkdir()
    audit = {"product": "m365", "service": "audit"}
    far = {"product": "x"}
    for name, source, value in (
        ("hit", audit, "new-inboxrule"), ("miss", audit, "Nothing"), ("far", far, "y"), ("away", CLOUDTRAIL, "z"),
    ):
        detection = {"one": {"Operation": value, "Parameters.ForwardTo|contains": "@"}, "condition": "one"}
        body = {"title": name, "logsource": source, "detection": detection, "level": "high"}
        (rules / f"{name}.yml").write_text(yaml.safe_dump(body), encoding="utf-8")
    app.ingest([str(log)], HuntSettings(case))
    ran = run(capsys, "sigma", rules, "--case", case, "--format", "json", "--quiet")
    assert ran.code == 1
    found = json.loads(ran.out)
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    assert [(row["title"], row["status"], row["records"]) for row in rows] == [
        ("hit", "ran", 1), ("miss", "ran", 0), ("away", "log not here", 0), ("far", "refused", 0),
    ]
    assert rows[0]["first"] == f"{log}:1"
    assert [row["why"] for row in rows[2:]] == [
        "no record of aws-cloudtrail is in the case", "no source that is read is the log x"]
    shown = run(capsys, "sigma", rules, "--case", case, "--quiet")
    assert "hit" in shown.out
    assert not [name for name in ("miss", "away", "far") if name in shown.out]
    assert "rules that ran: 2; for logs that the case has not: 1; refused: 1" in shown.err
    log.unlink()
    gone = run(capsys, "sigma", rules, "--case", case, "--quiet")
    assert gone.code == 3
    assert f"no longer there as it was read: {log}" in gone.err
    (rules / "hit.yml").unlink()
    (rules / "miss.yml").unlink()
    assert run(capsys, "sigma", rules, "--case", case, "--quiet").code == 2
    assert run(capsys, "sigma", tmp_path / "none", "--case", case, "--quiet").code == 2
