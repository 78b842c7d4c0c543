"""Found keys and decoys in a case: read back as context; a token under a decoy names the place it was left in."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil import app
from counterfoil.cli.main import main
from counterfoil.config import HuntSettings
from counterfoil.leaks import decoys
from counterfoil.leaks.known import KnownKeys
from counterfoil.leaks.scan import ScanSettings, scan
from counterfoil.model.hunt import HuntReport
from leaks.planting import pem_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MARCH, APRIL, MAY = (int(datetime(2026, month, 1, tzinfo=UTC).timestamp()) for month in (3, 4, 5))
NEVER = 4_000_000_000
SAMPLES = Path(__file__).parents[1] / "samples"


def _rows(case: Path, query: str) -> list[tuple[object, ...]]:
    return app.sql(case, query).rows


def test_a_found_key_is_context_at_its_earliest_bound(tmp_path: Path) -> None:
    """Of a member's date and the archive's, the earlier one; both are kept; twice scanned is one record."""
    path, case = tmp_path / "old.tar.gz", tmp_path / "case"
    pem = pem_of(rsa.generate_private_key(65537, 2048))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("etc/key.pem")
        member.size, member.mtime = len(pem), MARCH
        archive.addfile(member, io.BytesIO(pem))
    path.write_bytes(gzip.compress(packed.getvalue()))
    for modified in (MAY, APRIL):
        os.utime(path, (modified, modified))
        report = scan([str(path)], KnownKeys(), ScanSettings(NOW), app.Silent())
        assert app.keep_leaks(case, report) == 1
    told = app.reconcile(HuntSettings(case))
    assert {entry.source for entry in told.inputs} == {"counterfoil-leaks"}
    ((leg, kind, time, place, extra),) = _rows(case, "SELECT leg, kind, event_time, object_id, extra FROM evidence")
    assert (leg, kind, place) == ("context", "private-key", f"{path}/etc/key.pem")
    assert time == datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None)
    assert "2026-03-01T00:00:00Z by the entry of the archive; no later than 2026-0" in str(extra)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in (case / "leaks").iterdir())
    assert "PRIVATE" not in "".join(file.read_text() for file in (case / "leaks").iterdir())


def test_the_date_in_a_zip_is_local_time_of_no_known_zone(tmp_path: Path) -> None:
    """Its bound is the latest moment that the date can mean, twelve hours west of Greenwich: never too early."""
    path = tmp_path / "old.zip"
    with zipfile.ZipFile(path, "w") as archive:
        pem = pem_of(rsa.generate_private_key(65537, 2048))
        archive.writestr(zipfile.ZipInfo("key.pem", (2026, 3, 1, 18, 0, 0)), pem)
        archive.writestr(zipfile.ZipInfo("broken.pem", (1980, 0, 0, 0, 0, 0)), pem)
    report = scan([str(path)], KnownKeys(), ScanSettings(NOW), app.Silent())
    bounds = {Path(leak.path).name: [(bound.by, bound.time) for bound in leak.bounds] for leak in report.findings}
    assert bounds["key.pem"][0] == ("entry of the archive", "2026-03-02T06:00:00Z")
    assert [by for by, _ in bounds["broken.pem"]] == ["modification of the file"]


def test_the_command_keeps_what_it_finds_in_the_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`leaks FILE --case DIR`, then `report`: the file of findings is among what was read."""
    key, case = tmp_path / "key.pem", tmp_path / "case"
    key.write_bytes(pem_of(rsa.generate_private_key(65537, 2048)))
    assert main(["leaks", str(key), "--case", str(case), "--format", "json"]) == 1
    assert "1 record of what was found kept in" in capsys.readouterr().err
    for step in ("reconcile", "report"):
        main([step, "--case", str(case)])
        assert "counterfoil-leaks" in capsys.readouterr().out


def _hunted(tmp_path: Path, outcome: str) -> HuntReport:
    """Return the hunt over a log and a ledger, with the log's records under the decoy, as a log with key ids has it."""
    case, ledger = tmp_path / "case", tmp_path / "decoys.jsonl"
    decoys.leave(decoys.make("ES256", "spare"), "backup server", [("pem", tmp_path / "left.pem")], ledger)
    settings = HuntSettings(case)
    app.ingest([str(SAMPLES / "m365" / "api.jsonl"), str(ledger)], settings)
    for file in (case / "evidence").rglob("*.parquet"):
        new = file.with_suffix(".new")
        values = ", ".join(
            f"CASE WHEN leg = 'acceptance' THEN '{value}' ELSE {name} END AS {name}"
            for name, value in (("key_id", "spare"), ("outcome", outcome))
        )
        source = f"read_parquet('{file}', hive_partitioning = false)"
        duckdb.sql(f"COPY (SELECT * REPLACE ({values}) FROM {source}) TO '{new}' (FORMAT parquet)")  # noqa: S608  # our own
        new.replace(file)
    return app.reconcile(settings)


def test_a_token_under_a_decoy_is_a_finding_that_names_the_place(tmp_path: Path) -> None:
    """The rule holds, ranks above the threshold alone, and the finding says where the key was left."""
    told = [finding for finding in _hunted(tmp_path, "success").findings if "decoy" in finding.detail]
    assert told
    for finding in told:
        assert "a token under a decoy key" in finding.detail
        assert "decoy spare was left in backup server" in finding.detail


def test_a_refused_token_under_a_decoy_is_a_finding_as_well(tmp_path: Path) -> None:
    """A service that refuses it gives no verdict, and the theft is told all the same."""
    (finding,) = _hunted(tmp_path, "refused").findings
    assert (finding.rule, finding.keys, finding.acceptance_count) == ("decoy-key", ("spare",), 0)
    assert finding.detail == "decoy spare was left in backup server"
    assert finding.token_count > 0


def test_tokens_in_a_services_log_are_a_clue_without_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a log that writes live tokens and a refresh token: one clue for the file, and no token in the case."""
    log, case = tmp_path / "service.log", tmp_path / "case"
    live, old = (jwt.encode({"iss": "https://idp.example", "jti": f"j{n}", "exp": NEVER * n + 1}, "s" * 32)
                 for n in (1, 0))
    refresh = "".join(f"{n:x}Zk-" for n in range(40))
    log.write_text(f'GET /a "Bearer {live}"\nGET /b "{old}"\nPOST /token {{"refresh_token": "{refresh}"}}\n')
    assert main(["leaks", str(log), "--case", str(case)]) == 1
    assert "3 records of what was found kept in" in capsys.readouterr().err
    assert main(["reconcile", "--case", str(case), "--quiet", "--format", "json"]) == 3
    told = json.loads(capsys.readouterr().out)["findings"]
    assert [(one["rule"], one["verdict"]) for one in told] == [("token-in-a-file", "suspicion")]
    assert f"live tokens lie in {log}" in told[0]["title"]
    rows = _rows(case, "SELECT kind, extra FROM evidence ORDER BY raw_position")
    assert sum("iss https://idp.example; jti j" in str(extra) for _, extra in rows) == 2
    held = b"".join(path.read_bytes() for path in case.rglob("*") if path.is_file())
    assert not [part for part in (*live.split("."), *old.split("."), refresh) if part.encode() in held]
