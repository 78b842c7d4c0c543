"""Logs read by the embedded engine and by a Spark, and held to be the same; sign-ins and lines of every kind."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from counterfoil.case.evidence import FILES, NAMES, is_whole, scan
from counterfoil.case.manifest import Input, read_manifest
from reconcile.on_spark import quiet

SAMPLES = Path(__file__).parents[1] / "samples"
SIGN_INS = SAMPLES / "entra" / "azure-monitor.jsonl"
SIGN_IN: dict[str, Any] = json.loads(SIGN_INS.read_bytes().splitlines()[0])

# A sentence, and a change to a sign-in.
VALUES: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("an address with a port", {"ipAddress": "192.0.2.7:443"}),
    ("an address of six", {"ipAddress": "2001:db8::10"}),
    ("one that has another form", {"ipAddress": "2001:DB8:0:0::10"}),
    ("one of four in six", {"ipAddress": "::ffff:192.0.2.7"}),
    ("one with a port in brackets", {"ipAddress": "[2001:db8::10]:443"}),
    ("no address", {"ipAddress": "unknown: none"}),
    ("a time with an offset", {"createdDateTime": "2026-03-02T10:15:30.1234567+02:00"}),
    ("a time with a blank", {"createdDateTime": "2026-03-02 08:15:30"}),
    ("a time for people", {"createdDateTime": "Mar 2, 2026 8:15 AM"}),
    ("the end of a day", {"createdDateTime": "2026-03-02T24:00:00Z"}),
    ("a day that is none", {"createdDateTime": "2026-02-30T08:15:30Z"}),
    ("the first moment of a calendar", {"createdDateTime": "0001-01-01T00:00:00Z"}),
    ("a time long ago", {"createdDateTime": "1999-03-02T08:15:30Z"}),
    ("a date that can be read two ways", {"createdDateTime": "03/02/2026 08:15"}),
    ("no time", {"createdDateTime": None}),
    ("a fraction for a number", {"autonomousSystemNumber": "64496.7"}),
    ("hexadecimal digits for a number", {"autonomousSystemNumber": "0x1F"}),
    ("a number with blanks", {"autonomousSystemNumber": " 64496 "}),
    ("a number beyond 64 bits", {"appDisplayName": 123456789012345678901234567890}),
    ("a number with an exponent", {"appDisplayName": 1.5e300}),
    ("a fraction", {"appDisplayName": 2.5}),
    ("a truth", {"appDisplayName": True}),
    ("a list for a text", {"appDisplayName": ["a", {"b": 1.5}]}),
    ("a text for a structure", {"status": "0"}),
    ("a number for a structure", {"deviceDetail": 7}),
    ("a JSON text for a structure", {"deviceDetail": '{"deviceId": "x"}'}),
    ("a structure for a list", {"authenticationProcessingDetails": {"key": "Is CAE Token", "value": "True"}}),
    ("an empty list", {"authenticationProcessingDetails": []}),
    ("quotes and backslashes", {"appDisplayName": 'a "b" \\ c:\\d\\'}),
    ("lines and tabs", {"appDisplayName": "a\nb\tc\rd"}),
    ("other control characters", {"appDisplayName": "a\u0000b\u0001\u001f\u007f"}),
    ("the mark of what is left", {"ipAddress": "\u0001:", "appDisplayName": "\u0001:"}),
    ("letters of all kinds", {"appDisplayName": "Ünïcödé \u2028 \U0001f600 ✓"}),
    ("vertical blanks", {"uniqueTokenIdentifier": "\u000bfQBVXgwMDU2ODh8vP09fAA\u000c"}),
    ("an id that begins with v", {"uniqueTokenIdentifier": "vQBVXgwMDU2ODh8vP09fAA"}),
    ("an id with blanks", {"uniqueTokenIdentifier": "  AQBVXgwMDU2ODh8vP09fAA "}),
    ("an id with padding", {"uniqueTokenIdentifier": "AQBVXgwMDU2ODh8vP09fAA=="}),
    ("an id that is a GUID", {"uniqueTokenIdentifier": "5E550001-0C0C-4D0D-8E0E-1F2F3F4F5F00"}),
    ("an id that is a GUID in ASCII", {
        "uniqueTokenIdentifier": "NWU1NTAwMDEtMGMwYy00ZDBkLThlMGUtMWYyZjNmNGY1ZjAw"}),
    ("an id of as many bytes that is none", {"uniqueTokenIdentifier": "A" * 47 + "Z"}),
    ("an id that stands for none", {"uniqueTokenIdentifier": "AAAAAAAAAAAAAAAAAAAAAA"}),
    ("an id that is too long", {"uniqueTokenIdentifier": "x" * 300}),
    ("another kind of record", {"id": ""}),
)

# A sentence, and what becomes of the line of a sign-in.
LINES: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("a blank line", lambda _: b" \t\r"),
    ("many blanks", lambda _: b" " * 100),
    ("the end of a line as Windows has it", lambda line: line + b"\r"),
    ("blanks around it", lambda line: b"  " + line + b"\t "),
    ("a line that is torn", lambda line: line[: len(line) // 2]),
    ("two records in a line", lambda line: line + line),
    ("something after it", lambda line: line + b" x"),
    ("brackets after it", lambda line: line + b"] {"),
    ("a comma too many", lambda line: line[:-1] + b",}"),
    ("single quotes", lambda line: line.replace(b'"', b"'")),
    ("single quotes around a member", lambda line: line[:-1] + b", 'x': 1}"),
    ("a whole pair of surrogates", lambda line: line.replace(b"Contoso Portal", b"\\ud83d\\ude00")),
    ("a number that is none", lambda line: line.replace(b"64496", b"NaN")),
    ("a number that begins with zero", lambda line: line.replace(b"64496", b"064496")),
    ("minus zero", lambda line: line.replace(b"64496", b"-0")),
    ("half a pair of surrogates", lambda line: line.replace(b"Contoso Portal", b"\\ud800")),
    ("a comment", lambda line: line + b"// done"),
    ("a member that is there twice", lambda line: b'{"category": "AuditLogs", ' + line[1:]),
    ("no object", lambda _: b'[{"a": 1}]'),
    ("nothing", lambda _: b"null"),
    ("a record of another source", lambda _: (SAMPLES / "m365" / "api.jsonl").read_bytes().splitlines()[0]),
    ("a record of no source", lambda _: b'{"some": "thing", "else": 1}'),
    ("many brackets", lambda line: line[:-1] + b', "x": ' + b"[" * 3_000 + b"]" * 3_000 + b"}"),
    ("a long record", lambda line: line[:-1] + b', "x": "' + b"y" * (2 << 20) + b'"}'),
)


def evidence(case: Path) -> list[dict[str, Any]]:
    """Return every row of a case's evidence and rejects, in one order."""
    files = [(is_whole(batch), batch / FILES) for batch in sorted((case / "evidence").iterdir())]
    query = scan(files, f"{NAMES}, reject, bucket")
    return list(duckdb.execute(f"{query} ORDER BY ALL").to_arrow_table().to_pylist()) if files else []


def inputs(case: Path) -> list[Input]:
    """Return the case's inputs, in one order."""
    return sorted(read_manifest(case / "manifest.json").inputs, key=lambda entry: entry.path)


def by_spark(case: Path) -> int:
    """Return how many rows of the evidence the embedded engine did not write."""
    files = [pq.ParquetFile(path) for path in case.glob("evidence/*/*/*/*.parquet")]
    return sum(file.metadata.num_rows for file in files if "DuckDB" not in file.metadata.created_by)


def read(logs: Path, folder: Path, address: str) -> Path:
    """Read the logs with either engine, hold the two to be the same, and return the case of the Spark."""
    quiet(["ingest", str(logs), "--case", str(folder / "here")])
    quiet(["ingest", str(logs), "--case", str(folder / "there"), "--engine", address])
    ours, theirs = evidence(folder / "here"), evidence(folder / "there")
    differ = [
        {name: (value, row[name]) for name, value in one.items() if row[name] != value or name == "raw_position"}
        for one, row in zip(ours, theirs, strict=False) if one != row
    ]
    assert (differ[:3], len(ours)) == ([], len(theirs))
    assert inputs(folder / "here") == inputs(folder / "there")
    assert sum(entry.read for entry in inputs(folder / "there")) == len(theirs)
    return folder / "there"


def changed(**properties: object) -> bytes:
    """Return a sign-in with these properties."""
    record = copy.deepcopy(SIGN_IN)
    record["properties"] |= properties
    return json.dumps(record, ensure_ascii=False).encode()


def odd() -> bytes:
    """Return a file of a sign-in of each kind, between two that are plain."""
    plain = changed()
    lines = [plain, *(changed(**values) for _, values in VALUES), *(change(plain) for _, change in LINES), plain]
    return b"\n".join(lines)


# What stands in a field that should hold something else.
ODD_VALUES: tuple[Any, ...] = (
    "", " ", None, 0, -1, 1.5, True, [], {}, "null", "{}", "[]", '{"a":1}', '[{"Name":"a","Value":"b"}]', "x" * 300,
    "0001-01-01T00:00:00", "1601-01-01T00:00:00Z", "2026-03-02 08:15:30Z", "3/2/2026 8:15:30 AM", "13/2/2026 8:15 AM",
    "1772439330", "1772439330.25", "-5", "99999999999", "/Date(1772439330000)/", "2026-03-02T08:15:30+05:30", "1.2.3.4",
    "[::1]:80", "fe80::1%eth0", "0:0:0:0:0:0:0:1", "10.0.0.1, 10.0.0.2", 'a\\b"c\n', "\u0085x\u00a0", "TRUE", "False",
    "0x10", "1e3", "+7", "7 ", "9223372036854775807", "9223372036854775808", "Infinity", "NaN", "\u0663", "\tx",
    "2026-03-02T\u06608:15:30Z", "AAAAAAAAAAAAAAAAAAAAAA", "AQBVXgwMDU2ODh8vP09fAA", 12345678901, [1, 2],
    [{"Name": "x", "Value": "y"}, {"Name": "x", "Value": "a"}], "S-1-5-18", "user@Contoso.COM",
)


def mutants(sample: Path, chance: random.Random, count: int) -> bytes:
    """Return a sample of JSON lines with so many mutants of each: one to three fields hold what they should not."""
    lines = []
    for line in sample.read_bytes().splitlines():
        with suppress(ValueError):
            record = json.loads(line)
            lines += [line, *(json.dumps(_mutated(record, chance)).encode() for _ in range(count))]
    return b"\n".join(lines)


def _mutated(record: Any, chance: random.Random) -> Any:
    mutant = copy.deepcopy(record)
    for _ in range(chance.randint(1, 3)):
        holder, place = chance.choice([*_places(mutant)])
        holder[place] = copy.deepcopy(chance.choice(ODD_VALUES))
    return mutant


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every holder with the place of each of its members."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, member in members:
        yield value, place
        yield from _places(member)
