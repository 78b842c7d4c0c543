"""The life of a case: run again, grown, copied, damaged; the same evidence gives the same tables."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil import app
from counterfoil.case.folder import locked
from counterfoil.case.manifest import read_manifest
from counterfoil.errors import CaseBusyError, CaseError

from .conftest import Estate
from .estates import digest, hunted, settings, tables


class Noting(app.Silent):
    """Notes what is announced as read, in bytes."""

    def __init__(self) -> None:
        self.total = 0

    def stage(self, name: str, total: int | None = None) -> None:
        """Note the size of what will be read."""
        if name == "reading":
            self.total += total or 0


def _files(case: Path) -> dict[str, str]:
    return {str(path.relative_to(case)): digest(path) for path in (case / "evidence").rglob("*.parquet")}


def test_a_run_repeated_changes_nothing(tiny: Estate, tmp_path: Path) -> None:
    """The same command again reads nothing, and gives the same manifest, evidence and tables."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    before = (digest(case / "manifest.json"), _files(case), tables(case))
    noting = Noting()
    app.hunt([str(tiny.logs)], settings(case, tiny.scenario), noting)
    assert noting.total == 0
    assert (digest(case / "manifest.json"), _files(case), tables(case)) == before


def test_a_case_that_grows_equals_one_made_at_once(tiny: Estate, tmp_path: Path) -> None:
    """A file that is added is the only one read, and the verdicts are those of a case made of all files."""
    (*first, last) = tiny.written.paths
    case = tmp_path / "case"
    app.ingest([str(path) for path in first], settings(case), app.Silent())
    noting = Noting()
    app.hunt([str(tiny.logs)], settings(case, tiny.scenario), noting)
    assert noting.total == last.stat().st_size
    assert tables(case) == tables(tiny.case)


def test_a_case_is_private(tiny: Estate) -> None:
    """Nobody else may look into a case: every folder of it is 0700, every file 0600, whatever the umask."""
    paths = [tiny.case, *tiny.case.rglob("*")]
    modes = {(path.is_dir(), oct(path.stat().st_mode & 0o777)) for path in paths}
    assert modes == {(True, "0o700"), (False, "0o600")}


def test_a_case_may_be_moved_and_called_anything(tiny: Estate, tmp_path: Path) -> None:
    """A case is a folder: it works at another place, under a name full of the engine's special characters."""
    case = tmp_path / "it's [2025] * {a} §" / "case"
    shutil.copytree(tiny.case, case, ignore=shutil.ignore_patterns(".*"))
    assert tables(case) == tables(tiny.case)
    hunted([tiny.logs], settings(case, tiny.scenario))
    assert tables(case) == tables(tiny.case)


@pytest.mark.parametrize("name", ["holiday.jpg", ".lock", "manifest.json"])
def test_a_foreign_folder_is_refused_and_untouched(tiny: Estate, tmp_path: Path, name: str) -> None:
    """A folder that holds other files is no case, even if one of them is called as ours are; nothing in it changes."""
    (tmp_path / name).write_text("{}")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "mine").write_text("mine")
    with pytest.raises(CaseError, match="not a case"):
        hunted([tiny.logs], settings(tmp_path))
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted([name, "tmp", "mine"])


def test_a_file_is_no_case(tiny: Estate, tmp_path: Path) -> None:
    """A file where the case should be is refused."""
    (tmp_path / "case").write_text("")
    with pytest.raises(CaseError, match="not a folder"):
        hunted([tiny.logs], settings(tmp_path / "case"))


DAMAGES = {
    "empty": b"",
    "cut off": b'{"schema": "counterfoil.manifest/1", "inputs": [',
    "of another version": b'{"schema": "counterfoil.manifest/9"}',
    "with unknown members": b'{"schema": "counterfoil.manifest/1", "surprise": 1}',
    "not UTF-8": b'{"schema": "\xff"}',
}


@pytest.mark.parametrize("data", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_manifest_is_refused_and_evidence_kept(tiny: Estate, tmp_path: Path, data: bytes) -> None:
    """A manifest that cannot be understood ends the run in one line, and no evidence is swept away for it."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    (case / "manifest.json").write_bytes(data)
    for run in (lambda: hunted([tiny.logs], settings(case)), lambda: app.sql(case, "SELECT 1")):
        with pytest.raises(CaseError, match=r"manifest\.json") as caught:
            run()
        assert "\n" not in str(caught.value)
    assert _files(case) == _files(tiny.case)


def test_missing_evidence_is_told(tiny: Estate, tmp_path: Path) -> None:
    """A case that lacks evidence it names says so instead of judging the rest."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    shutil.rmtree(case / "evidence" / read_manifest(case / "manifest.json").batches[0].id)
    with pytest.raises(CaseError, match="lacks evidence"):
        app.reconcile(settings(case), app.Silent())
    with pytest.raises(CaseError, match="cannot be read"):
        app.report(settings(case))


def test_damaged_results_are_told(tiny: Estate, tmp_path: Path) -> None:
    """Results that are no database end in one line that says how to make them anew, and that works.

    It judges with its own options: without declarations nothing is declared.
    """
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    (case / "case.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(CaseError, match="cannot be read") as caught:
        app.report(settings(case))
    assert "reconcile" in caught.value.hint
    report = app.reconcile(settings(case), app.Silent())
    assert {row.status for row in report.coverage} == {"seen"}
    app.reconcile(settings(case, tiny.scenario), app.Silent())
    assert tables(case) == tables(tiny.case)


_HOLD = """
import sys
from pathlib import Path
from counterfoil.case.folder import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_while_the_first_is_on(tiny: Estate, tmp_path: Path) -> None:
    """Two runs never work on one case: the second is told so, and may go on once the first has ended."""
    case = tmp_path / "case"
    shutil.copytree(tiny.case, case)
    command = [sys.executable, "-c", _HOLD, str(case)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:  # noqa: S603  # our own
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(CaseBusyError, match="another run"):
            hunted([tiny.logs], settings(case))
        assert app.sql(case, "SELECT 1 FROM tokens").rows  # looking is not working
        first.communicate()
    with locked(case):
        pass


def test_the_manifest_names_every_input_by_hash(tiny: Estate) -> None:
    """The manifest holds path, SHA-256, size and count of every input: a second analyst can check them."""
    manifest = json.loads((tiny.case / "manifest.json").read_bytes())
    entries = {entry["path"]: entry for entry in manifest["inputs"]}
    assert set(entries) == {str(path) for path in tiny.written.paths}
    for path in tiny.written.paths:
        assert (entries[str(path)]["sha256"], entries[str(path)]["size"]) == (digest(path), path.stat().st_size)
    assert sum(entry["read"] for entry in entries.values()) == tiny.written.lines


def test_a_declared_log_says_how_many_of_its_records_could_not_be_read(tiny: Estate, tmp_path: Path) -> None:
    """A sign-in that is a reject is missing: whoever reads an accusation must know."""
    logs = tmp_path / "logs"
    shutil.copytree(tiny.logs, logs)
    sign_ins = next(path for path in sorted(logs.rglob("*.json*")) if b"createdDateTime" in path.read_bytes()[:5_000])
    first, *others = sign_ins.read_bytes().splitlines(keepends=True)
    broken = logs / f"broken{sign_ins.suffix}"
    broken.write_bytes(first.replace(b'"id":', b'"idea":', 1) + b"".join(others))
    report = app.hunt([str(logs)], settings(tmp_path / "case", tiny.scenario))
    (one,) = (entry for entry in report.inputs if "broken." in entry.path)
    assert one.rejected == 1
    told = {row.reason for row in report.coverage if row.status == "accepted" and row.source == "entra-signin"}
    (lost,) = (reason for reason in told if "could not be read" in reason)  # of the part that it is of, and no other
    assert "; 1 record between " in lost
