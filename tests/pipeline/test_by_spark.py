"""`ingest --engine`: a Spark reads what the embedded engine reads, row by row; what it cannot is read here."""

from __future__ import annotations

import copy
import gzip
import json
import signal
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from cli.run import run, start
from counterfoil.case.manifest import Input, read_manifest
from counterfoil.case.spark_ingest import write_there
from counterfoil.read.documents import LISTS
from reconcile.on_spark import differences, quiet, results
from reconcile.small import OPTIONS, SCENARIO

pytestmark = pytest.mark.xdist_group("spark")

MOMENT = 20.0  # seconds after which a run is killed, whatever it has done

SAMPLES = Path(__file__).parents[1] / "samples"
SIGN_INS = SAMPLES / "entra" / "azure-monitor.jsonl"
# What lakes hold beside what a tenant's history has: Log Analytics export, CloudAppEvents, a log of our own.
LAKE = (
    SAMPLES / "entra" / "log-analytics.jsonl", SAMPLES / "m365" / "cloudappevents.jsonl",
    SAMPLES / "counterfoil" / "receipts.jsonl",
)

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
    files = f"{case}/evidence/*/*/*/*.parquet"
    read = "read_parquet(?, hive_partitioning = true, union_by_name = true)"
    rows = duckdb.execute(f"SELECT * EXCLUDE (bucket) FROM {read} ORDER BY ALL", [files]).to_arrow_table()  # noqa: S608
    return list(rows.to_pylist())


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


SIGN_IN: dict[str, Any] = json.loads(SIGN_INS.read_bytes().splitlines()[0])


def lines(sample: Path, logs: Path) -> None:
    """Copy a sample, as JSON lines."""
    data = sample.read_bytes()
    if sample.suffix == ".json":
        held = json.loads(data)
        if isinstance(held, dict):
            held = next((value for name, value in held.items() if name in LISTS), [held])
        data = b"".join(json.dumps(record).encode() + b"\n" for record in held)
    (logs / f"{sample.parent.name}-{sample.stem}.jsonl").write_bytes(data)


@pytest.mark.parametrize("files", [
    pytest.param(LAKE, id="of lakes"),
    pytest.param(sorted(SAMPLES.rglob("*.json*")), id="all", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
])
def test_shapes_are_read_alike(sail: str, tmp_path: Path, files: Sequence[Path]) -> None:
    """Every column of every row, ids of records and lines of files among them; most of it is read by the Spark."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for file in files:
        lines(file, logs)
    there = read(logs, tmp_path, sail)
    assert by_spark(there) > len(evidence(there)) // 2


def test_values_and_lines_of_every_kind_are_read_alike(sail: str, tmp_path: Path) -> None:
    """What is not plain is read here, with its line: the same evidence, the same rejects, the same reasons."""
    logs = tmp_path / "logs"
    logs.mkdir()
    plain = changed()
    lines = [plain, *(changed(**values) for _, values in VALUES), *(change(plain) for _, change in LINES), plain]
    (logs / "odd.jsonl").write_bytes(b"\n".join(lines))
    there = read(logs, tmp_path, sail)
    assert by_spark(there) > len(VALUES) // 2


def test_files_of_every_kind_are_read_alike(sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed, packed, with a mark, in another encoding, not text throughout, large, named oddly: by whoever can."""
    logs = tmp_path / "logs"
    logs.mkdir()
    monkeypatch.setattr("counterfoil.pipeline.by_spark.PIECE_BYTES", 20_000)

    def text(number: int, count: int = 1) -> bytes:
        return b"".join(changed(id=f"file {number} line {line}") + b"\n" for line in range(count))

    (logs / "large.jsonl").write_bytes(b"\n" + text(1, 20) + b"\xff\n" + text(2, 20))
    (logs / "no text.jsonl").write_bytes(text(3))
    (logs / "damaged.jsonl").write_bytes(text(4) + changed(appDisplayName="x").replace(b'"x"', b'"\xff"') + b"\n")
    (logs / "marked.jsonl").write_bytes(b"\xef\xbb\xbf" + text(5))
    (logs / "wide.jsonl").write_bytes(text(6).decode().encode("utf-16"))
    (logs / "small.jsonl.gz").write_bytes(gzip.compress(text(7)))
    (logs / "plain.jsonl.gz").write_bytes(text(8))
    (logs / "_hidden.jsonl").write_bytes(text(9))
    (logs / "array.json").write_bytes(b"[" + changed(id="array") + b"]")
    with zipfile.ZipFile(logs / "packed.zip", "w") as archive:
        archive.writestr("inside.jsonl", text(10))
    hours = logs / "y=2026" / "m=03"
    hours.mkdir(parents=True)
    (hours / "PT1H.json").write_bytes(text(11, 2))
    read(logs, tmp_path, sail)


def test_a_hunt_gives_the_same_verdicts(sail: str, tmp_path: Path) -> None:
    """Of a tenant's logs as JSON lines: every row of every table of results."""
    SCENARIO.write(tmp_path / "logs", tmp_path / "truth.jsonl")
    for file in (tmp_path / "logs" / "m365").iterdir():
        records = json.loads(file.read_bytes())
        file.with_suffix(".jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        file.unlink()
    there = read(tmp_path / "logs", tmp_path, sail)
    for case in (tmp_path / "here", there):
        quiet(["reconcile", "--case", str(case), *OPTIONS])
    assert differences(results(tmp_path / "here"), results(there)) == []


def test_a_server_that_does_not_see_the_logs(
    sail: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that says which file is another there; nothing of the batch is kept."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "signins.jsonl").write_bytes(changed() + b"\n")
    with monkeypatch.context() as patch:
        # the file grows after it was hashed: what the server sees is not what this machine saw
        patch.setattr("counterfoil.pipeline.by_spark.write_there", _late(logs / "signins.jsonl", write_there))
        ended = run(capsys, "ingest", logs, "--case", tmp_path / "case", "--engine", sail, "--quiet")
    assert ended.code == 2
    assert f"where {logs / 'signins.jsonl'} has" in ended.err
    assert "hint: the server must see the logs under the same path" in ended.err
    assert not list((tmp_path / "case" / "evidence").iterdir())
    assert read_manifest(tmp_path / "case" / "manifest.json").inputs == ()


def _late(file: Path, write: Callable[..., Any]) -> Callable[..., Any]:
    """Return what writes after the file grew."""

    def grown(*given: Any, **named: Any) -> Any:
        file.write_bytes(file.read_bytes() * 2)
        return write(*given, **named)

    return grown


def test_a_server_that_is_not_there(
    sail: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]  # noqa: ARG001  # the client
) -> None:
    """One line, before anything is read."""
    (tmp_path / "signins.jsonl").write_bytes(changed() + b"\n")
    case = tmp_path / "case"
    ended = run(capsys, "ingest", tmp_path / "signins.jsonl", "--case", case, "--engine", "sc://127.0.0.1:1", "--quiet")
    assert (ended.code, "no engine answers at sc://127.0.0.1:1" in ended.err) == (2, True)
    assert not (case / "manifest.json").exists()


def test_a_run_that_is_killed_half_way(sail: str, tmp_path: Path) -> None:
    """No half of a batch counts: the next run, of either engine, gives what an undisturbed one gives."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "signins.jsonl").write_bytes((changed() + b"\n") * 2_000)
    process = start("ingest", logs, "--case", tmp_path / "there", "--engine", sail, "--quiet")
    until = time.monotonic() + MOMENT
    while time.monotonic() < until and not list(tmp_path.glob("there/tmp/spark/batch_*/leg=*")):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    read(logs, tmp_path, sail)
