"""`ingest --engine`: a Spark reads what the embedded engine reads, row by row; what it cannot is read here."""

from __future__ import annotations

import gzip
import json
import random
import signal
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.run import run, start
from counterfoil.case.manifest import read_manifest
from counterfoil.case.spark_ingest import write_there
from counterfoil.read.documents import LISTS
from reconcile.on_spark import differences, quiet, results
from reconcile.small import options, written

from .alike import SAMPLES, VALUES, by_spark, changed, evidence, mutants, odd, read

pytestmark = pytest.mark.xdist_group("spark")

MUTANTS = 20  # of each record
MOMENT = 20.0  # seconds after which a run is killed, whatever it has done

# What lakes hold beside what a tenant's history has: Log Analytics export, CloudAppEvents, a log of our own.
LAKE = (
    SAMPLES / "entra" / "log-analytics.jsonl", SAMPLES / "m365" / "cloudappevents.jsonl",
    SAMPLES / "counterfoil" / "receipts.jsonl",
)


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
    (logs / "odd.jsonl").write_bytes(odd())
    there = read(logs, tmp_path, sail)
    assert by_spark(there) > len(VALUES) // 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(3))
def test_mutants_of_samples_are_read_alike(sail: str, tmp_path: Path, seed: int) -> None:
    """Whatever stands in whichever field of whichever source."""
    logs = tmp_path / "logs"
    logs.mkdir()
    chance = random.Random(seed)  # noqa: S311  # no secret
    for sample in sorted(SAMPLES.rglob("*.jsonl")):
        (logs / f"{sample.parent.name}-{sample.name}").write_bytes(mutants(sample, chance, MUTANTS))
    read(logs, tmp_path, sail)


def test_files_of_every_kind_are_read_alike(sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed, packed, with a mark, in another encoding, not text throughout, large, named oddly: by whoever can."""
    logs = tmp_path / "logs"
    logs.mkdir()
    monkeypatch.setattr("counterfoil.pipeline.by_spark.PIECE_BYTES", 20_000)
    monkeypatch.setattr("counterfoil.pipeline.ingest.PLAIN_BYTES", 0)  # by bucket, as much evidence is

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
    for file in (written(tmp_path) / "m365").iterdir():
        records = json.loads(file.read_bytes())
        file.with_suffix(".jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        file.unlink()
    there = read(tmp_path / "logs", tmp_path, sail)
    for case in (tmp_path / "here", there):
        quiet(["reconcile", "--case", str(case), *options(tmp_path)])
    assert differences(results(tmp_path / "here"), results(there)) == []


@pytest.mark.parametrize(("becomes", "told"), [
    (lambda file: file.write_bytes(file.read_bytes() * 2), "bytes where {file} has"),
    (Path.unlink, "the engine sees no such file where {file} has"),
])
def test_a_server_that_does_not_see_the_logs(
    sail: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    becomes: Callable[[Path], object], told: str,
) -> None:
    """One line that says what the server sees of a file that this machine hashed; nothing of the batch is kept."""
    logs = tmp_path / "logs"
    logs.mkdir()
    file = logs / "signins.jsonl"
    file.write_bytes(changed() + b"\n")

    def late(*given: Any, **named: Any) -> Any:
        becomes(file)
        return write_there(*given, **named)

    monkeypatch.setattr("counterfoil.pipeline.by_spark.write_there", late)
    ended = run(capsys, "ingest", logs, "--case", tmp_path / "case", "--engine", sail, "--quiet")
    assert ended.code == 2
    assert told.format(file=file) in ended.err
    assert "hint: the server must see the logs under the same path as this machine" in ended.err
    assert not list((tmp_path / "case" / "evidence").iterdir())
    assert read_manifest(tmp_path / "case" / "manifest.json").inputs == ()


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
