"""Every source's samples in one file, in any order and written in other ways: the same evidence, or a reject.

What is mixed: unions of tables, several logs on one event hub, dumps of collecting tools. What is written otherwise:
time zones, forms of addresses, objects as JSON texts, marks of byte order, compression, tables.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterfoil.case.engine import engine
from counterfoil.case.evidence import evidence_sql
from counterfoil.case.folder import locked
from counterfoil.case.manifest import Input
from counterfoil.pipeline.ingest import ingest
from counterfoil.pipeline.progress import Silent
from counterfoil.read.documents import LISTS
from counterfoil.read.sniff import Container, sniff
from counterfoil.sources.recognise import Recognised
from counterfoil.unpack.walk import plain

from .reading import SAMPLES, recognised

# one process: what is made for all of them takes long
pytestmark = pytest.mark.xdist_group("mixed")

SEED = 13
_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)((?:\.\d+)?)Z")
_V4 = re.compile(r"(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+")
_PLACE = frozenset({"raw_file", "raw_position", "fidelity", "extra", "record_id"})
# Columns that a table keeps, too: numbers and truths are texts in it.
_TOLD = ("leg", "source", "kind", "event_time", "token_id", "issuer", "subject_id", "client_id", "ip", "operation",
         "outcome")

Row = dict[str, Any]
Change = Callable[[Any], Any]


def shifted(value: Any) -> Any:
    """Return a time of UTC as the same moment two hours to the east."""
    found = _ISO.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    east = datetime.fromisoformat(found[1]).replace(tzinfo=UTC) + timedelta(hours=2)
    return east.strftime("%Y-%m-%dT%H:%M:%S") + found[2] + "+02:00"


def mapped(value: Any) -> Any:
    """Return an IPv4 address as services with both stacks write it."""
    return f"[::ffff:{value}]:443" if isinstance(value, str) and _V4.fullmatch(value) else value


def changed(value: Any, change: Change) -> Any:
    """Return a record with every leaf changed."""
    if isinstance(value, Mapping):
        return {name: changed(inner, change) for name, inner in value.items()}
    return [changed(inner, change) for inner in value] if isinstance(value, list) else change(value)


def texts(record: Mapping[str, Any]) -> Row:
    """Return a record whose nested members are JSON texts."""
    return {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in record.items()}


def records_of(path: Path) -> list[Row]:
    """Return the JSON objects of a sample, in its order; broken lines are left out."""
    if sniff(plain(path)).container is Container.DOCUMENT:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        return list(next(found[name] for name in LISTS if name in found) if isinstance(found, dict) else found)
    lines = []
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in lines if isinstance(line, dict)]


def samples() -> Iterator[Path]:
    """Yield the samples that are JSON and are read, but for logs that are checked as a whole, with a last line."""
    for path in sorted(SAMPLES.rglob("*.json*")):
        read = recognised(path)
        if not isinstance(read, Recognised) or "tools" in path.parts:
            continue
        if not any(source.unmixed for source in read.sources):
            yield path


class Read:
    """What one ingest made of files: evidence and rejects by file and position, and the files' entries."""

    def __init__(self, files: Sequence[Path], case: Path) -> None:
        self.rows: dict[tuple[str, int], Row] = {}
        self.reasons: dict[tuple[str, int], str] = {}
        with locked(case) as folder, engine(folder.tmp, memory="1GB", threads=2) as con:
            manifest = ingest(con, folder, files, Silent())
            self.inputs: dict[Path, Input] = {Path(entry.path): entry for entry in manifest.inputs}
            for row in con.execute(evidence_sql(folder, manifest)).to_arrow_table().to_pylist():
                row.pop("bucket")
                self.rows[row["raw_file"], row["raw_position"]] = row
            for row in con.execute(evidence_sql(folder, manifest, rejected=True)).to_arrow_table().to_pylist():
                self.reasons[row["raw_file"], row["raw_position"]] = row["reject"]


def _table(records: Sequence[Row]) -> str:
    names = sorted({name for record in records for name in record})
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(texts(record) for record in records)
    return out.getvalue()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Read, dict[str, tuple[Path, list[Row]]], dict[str, Row]]:
    """Return what one run made of the records alone and mixed, the mixed files, and the evidence that is right."""
    folder = tmp_path_factory.mktemp("mixed")
    alone: list[tuple[Path, Row]] = []
    for number, path in enumerate(samples()):
        copy = folder / f"alone-{number}.jsonl"
        kept = records_of(path)
        copy.write_text("".join(json.dumps(record) + "\n" for record in kept))
        alone += [(copy, record) for record in kept]
    mixed = [record for _, record in alone]
    random.Random(SEED).shuffle(mixed)  # noqa: S311  # an order, no secret
    # rows of tables, as a union of them in the portal is exported
    united = [record for record in mixed if "TimeGenerated" in record and "Computer" not in record]
    written: dict[str, tuple[Path, list[Row]]] = {}

    def put(name: str, records: list[Row], data: bytes) -> None:
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        written[name] = (folder / name, records)

    lines = [json.dumps(changed(record, shifted)) for record in mixed]
    put("east.jsonl", mixed, b"\xef\xbb\xbf" + "\n".join(lines).encode())
    put("stacks.json.gz", mixed[::-1], json.dumps([changed(record, mapped) for record in mixed[::-1]]).encode())
    put("texts.jsonl", mixed, "\n".join(json.dumps(texts(record)) for record in mixed).encode())
    put("union.csv", united, _table(united).encode())
    read = Read([*dict.fromkeys(path for path, _ in alone), *(path for path, _ in written.values())], folder / "case")
    right: dict[str, Row] = {}
    places: dict[Path, int] = {}
    for path, record in alone:
        places[path] = places.get(path, 0) + 1
        row = read.rows.get((read.inputs[path].sha256, places[path]))
        right[json.dumps(record)] = row or {}
    return read, written, right


def _same(row: Row, right: Row, columns: Sequence[str]) -> bool:
    return {name: row[name] for name in columns} == {name: right[name] for name in columns}


FILES = ("east.jsonl", "stacks.json.gz", "texts.jsonl", "union.csv")


@pytest.mark.parametrize("name", FILES)
def test_a_record_is_read_alike_wherever_it_stands(
    found: tuple[Read, dict[str, tuple[Path, list[Row]]], dict[str, Row]], name: str
) -> None:
    """Each record is the evidence that it is alone, or the reject; none is another's, and none is lost."""
    read, written, right = found
    path, records = written[name]
    entry = read.inputs[path]
    sha = entry.sha256
    assert entry.read == len(records)
    rejected: list[tuple[str, Row]] = []
    for position, record in enumerate(records, start=1):
        row, alone = read.rows.get((sha, position)), right[json.dumps(record)]
        if row is None:
            assert read.reasons[sha, position], (name, position)
            rejected += [(read.reasons[sha, position], record)] if alone else []
            continue
        columns = _TOLD if name.endswith(".csv") else [column for column in row if column not in _PLACE]
        assert alone and _same(row, alone, columns), (name, position, record, row, alone)
    assert rejected == []


def test_a_mixed_file_says_what_is_in_it(
    found: tuple[Read, dict[str, tuple[Path, list[Row]]], dict[str, Row]]
) -> None:
    """The file's entry names the other sources, and every log of its records."""
    read, written, _ = found
    entry = read.inputs[written["east.jsonl"][0]]
    assert "of its records are of " in entry.note
    assert {entry.log, *entry.logs} >= {"m365-ual", "entra-signin", "entra-audit", "graph-activity", "adfs"}


def _mail(number: int, **more: Any) -> Row:
    return {
        "CreationTime": "2025-09-01T09:00:00", "Id": f"00000000-0000-4000-8000-{number:012}", "RecordType": 50,
        "Operation": "MailItemsAccessed", "UserId": "ada@contoso.example", "Workload": "Exchange",
        "AppAccessContext": {"UniqueTokenId": "3d3d3QQBAECAAAAAAAABBA"}, **more,
    }


def _sign_in(table: str, number: int, **more: Any) -> Row:
    return {
        "TimeGenerated": "2025-09-01T09:00:00Z", "Type": table, "AppId": "a", "ResultType": "0",
        "Id": f"10000000-0000-4000-8000-{number:012}", **more,
    }


# what stands in a file of fifty mails -> the source of its evidence, or why it is a reject
ODD: dict[str, tuple[Row, str]] = {
    "a row of a table that is read": (_sign_in("AADNonInteractiveUserSignInLogs", 1), "entra-signin"),
    "a row of a table that is not": (_sign_in("SomethingElse", 2), "a row of another table, which is not read"),
    "a row of a search job's table": (_sign_in("mine_SRCH", 3), "entra-signin"),
    "a sign-in without any date": (
        {k: v for k, v in _sign_in("SigninLogs", 4).items() if k != "TimeGenerated"},
        "has no shape that is read; for m365-ual-api, CreationTime missing; Operation missing; RecordType missing",
    ),
    "an access context that is no object": (
        _mail(60, AppAccessContext="System.Collections.Hashtable"), "AppAccessContext is a text that is no JSON",
    ),
    "an access context that was cut": (
        _mail(61, AppAccessContext='{"UniqueTokenId":"3d3'), "AppAccessContext is a text that is no JSON",
    ),
    "a mail without a date": (
        {k: v for k, v in _mail(62).items() if k != "CreationTime"}, "undated",
    ),
    "a mail whose date is a word": (_mail(63, CreationTime="yesterday"), "undated"),
    "a text of JSON that is no member of its own": (_mail(64, Subject='{"Folders":"[{"}'), "m365-ual"),
    "a row of CloudAppEvents whose record is broken": (
        {"Timestamp": "2025-09-01T09:00:00Z", "ActionType": "MailItemsAccessed", "ReportId": "r", "AccountId": "ada",
         "RawEventData": '{"Id":"1', "IPAddress": "192.0.2.1"}, "m365-ual",
    ),
}


def test_an_odd_record_costs_itself(tmp_path: Path) -> None:
    """However late a row of another kind stands, it is its own source's or a reject that says why."""
    path = tmp_path / "odd.jsonl"
    rows = [*(_mail(number) for number in range(50)), *(record for record, _ in ODD.values())]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = Read([path], tmp_path / "case")
    sha = read.inputs[path].sha256
    told = {}
    for position, name in enumerate(ODD, start=51):
        row = read.rows.get((sha, position))
        told[name] = row["source"] if row else read.reasons[sha, position]
    assert told == {name: expected for name, (_, expected) in ODD.items()}
    broken = read.rows[sha, 50 + len(ODD)]
    assert (broken["ip"], broken["subject_name"], broken["token_id"]) == ("192.0.2.1", "ada", None)
    assert read.inputs[path].rejected == sum(" " in expected or expected == "undated" for _, expected in ODD.values())
