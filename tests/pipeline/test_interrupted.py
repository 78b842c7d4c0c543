"""Runs that are killed, stopped or out of disk: nothing is lost that the next run does not repair."""

from __future__ import annotations

import gzip
import random
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from counterfoil.errors import EngineError
from unpack.packing import tarred, zipped

from .conftest import Estate
from .estates import ended, hunted, program, settings, tables

KILLS = 3
MANY_KILLS = 100


def _options(estate: Estate) -> list[str]:
    """Return the options under which the undisturbed case was made."""
    told = settings(estate.case, estate.scenario)
    declared = [word for one in told.complete for word in ("--complete", str(one))]
    assert told.exported_at is not None
    return [*declared, "--exported-at", told.exported_at.isoformat() + "Z", "--threads", "1", "--quiet"]


def _run(estate: Estate, case: Path) -> subprocess.Popen[bytes]:
    return program("hunt", estate.logs, "--case", case, *_options(estate))


def _disturb(estate: Estate, folder: Path, count: int, *, anew: bool) -> None:
    """Kill `count` runs at moments spread over a run; then an undisturbed one must give the usual tables."""
    case = folder / "case"
    began = time.monotonic()
    code, _, err = ended(_run(estate, folder / "timed"))
    assert code == 0, err
    whole = time.monotonic() - began
    chance = random.Random(558)  # noqa: S311  # no secret
    killed = 0
    while killed < count:
        if anew:
            shutil.rmtree(case, ignore_errors=True)
        process = _run(estate, case)
        time.sleep(whole * (killed + chance.random()) / count)
        process.kill()
        code, _, err = ended(process)
        assert "Traceback" not in err
        if code == -signal.SIGKILL:
            killed += 1
        else:  # it was done before its moment came: what is left to do takes less time
            whole *= 0.9
    hunted([estate.logs], settings(case, estate.scenario))
    assert tables(case) == tables(estate.case)
    assert sorted(path.name for path in case.iterdir()) == sorted(path.name for path in estate.case.iterdir())


def test_killed_runs_leave_a_case_that_the_next_one_finishes(tiny: Estate, tmp_path: Path) -> None:
    """Kill -9 while reading, reconciling and writing; a run after it gives the tables of an undisturbed one."""
    _disturb(tiny, tmp_path, KILLS, anew=False)


def _packed(estate: Estate, folder: Path) -> Estate:
    """Return the estate with its logs in a zip in a compressed tar: to be spooled, hashed and read member by member."""
    members = [(str(path.relative_to(estate.logs)), path.read_bytes()) for path in estate.written.paths]
    archive = folder / "export.tgz"
    archive.write_bytes(gzip.compress(tarred([("most.zip", zipped(members[1:])), *members[:1]]), 1))
    report = hunted([archive], settings(folder / "undisturbed", estate.scenario))
    return Estate(estate.scenario, replace(estate.written, folder=archive), folder / "undisturbed", report)


def test_killed_runs_on_archives_leave_a_case_that_the_next_one_finishes(tiny: Estate, tmp_path: Path) -> None:
    """The same holds for members of archives: none is lost or read twice, and nothing spooled stays behind."""
    _disturb(_packed(tiny, tmp_path), tmp_path, KILLS - 1, anew=False)
    assert not (tmp_path / "case" / "tmp").exists()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("anew", [True, False])
@pytest.mark.parametrize("packed", [False, True])
def test_a_hundred_killed_runs(tiny: Estate, tmp_path: Path, anew: bool, packed: bool) -> None:
    """The same a hundred times over, on one case and on a new one each time; and again on archives."""
    _disturb(_packed(tiny, tmp_path) if packed else tiny, tmp_path, MANY_KILLS // 2, anew=anew)


def test_a_stopped_run_says_so_and_may_be_repeated(tiny: Estate, tmp_path: Path) -> None:
    """Ctrl-C ends a run with one clear line and code 130; running again gives the usual tables."""
    process = _run(tiny, tmp_path / "case")
    while not (tmp_path / "case" / "manifest.json").exists():
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 130
    assert err.startswith("counterfoil: interrupted")
    assert len(err.splitlines()) <= 2
    hunted([tiny.logs], settings(tmp_path / "case", tiny.scenario))
    assert tables(tmp_path / "case") == tables(tiny.case)


@pytest.mark.parametrize("limit", [0, 4_000, 200_000])
def test_a_full_disk_is_one_clear_line(tiny: Estate, tmp_path: Path, limit: int) -> None:
    """Where no more can be written, the run ends with one line and code 2; with room again, it is repeated well."""
    if shutil.which("prlimit") is None:
        pytest.skip("no prlimit here: the size of files cannot be limited")
    case = tmp_path / "case"
    full = ("prlimit", f"--fsize={limit}")
    code, out, err = ended(program("hunt", tiny.written.paths[-1], "--case", case, "--quiet", before=full))
    assert (code, out) == (2, "")
    assert err.startswith("counterfoil: ")
    assert "Traceback" not in err
    assert "internal error" not in err
    assert len(err.splitlines()) <= 2
    code, _, err = ended(program("ingest", tiny.written.paths[-1], "--case", case, "--quiet"))
    assert code == 0, err


def test_a_closed_case_folder_is_one_clear_line(tiny: Estate, tmp_path: Path) -> None:
    """A case folder that may not be written ends the run with one line and code 2."""
    before: tuple[str, ...] = ()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    try:
        (closed / "probe").write_text("")
    except OSError:
        pass
    else:  # the superuser may write everywhere, unless that right is given up
        (closed / "probe").unlink()
        if shutil.which("setpriv") is None:
            pytest.skip("this user may write everywhere, and there is no setpriv to give that right up")
        before = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner")
    code, out, err = ended(program("hunt", tiny.logs, "--case", closed / "case", "--quiet", before=before))
    assert (code, out) == (2, "")
    assert err.startswith(f"counterfoil: cannot write to the case folder {closed / 'case'}")
    assert len(err.splitlines()) <= 2


def test_too_little_memory_is_one_clear_line(tiny: Estate, tmp_path: Path) -> None:
    """A limit under which nothing can be done is an error that says what to raise."""
    with pytest.raises(EngineError, match="out of memory") as caught:
        hunted([tiny.logs], settings(tmp_path / "case", memory="1MB"))
    assert "--memory" in caught.value.hint
