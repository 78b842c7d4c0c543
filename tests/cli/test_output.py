"""`--output` and stdout as they meet what is no plain file: nothing is replaced that was not ours to replace."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from counterfoil.config import add_subject_key
from counterfoil.model.counterfoil import Grant
from counterfoil.tokens.subject_keys import SubjectKeys
from hostile import case as logs
from mint.making import CLAIMS, making

from .run import run

Command = tuple[str, ...]


@pytest.fixture(scope="module", params=["streamed", "at once"])
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Return a command that writes while it reads (a log's export), and one that writes its report at the end."""
    path = tmp_path_factory.mktemp("written")
    if request.param == "streamed":
        with making(path) as made:
            made.mint.issue(CLAIMS, grant=Grant.CLIENT)
        return ("ledger", "export", str(path / "ledger"))
    (path / "good.jsonl").write_bytes(logs.good())
    return ("ingest", str(path / "good.jsonl"), "--case", str(path / "case"), "--quiet")


def _linked(folder: Path) -> tuple[Path, Path]:
    """Return a link to a file that is there already."""
    (folder / "real").write_text("old")
    (folder / "named").symlink_to("real")
    return folder / "named", folder / "real"


def _dangling(folder: Path) -> tuple[Path, Path]:
    """Return a link to a file that is not there yet, in another folder."""
    (folder / "far").mkdir()
    (folder / "named").symlink_to("far/real")
    return folder / "named", folder / "far" / "real"


@pytest.mark.parametrize("make", [_linked, _dangling])
def test_a_link_stays_a_link(
    command: Command, make: Callable[[Path], tuple[Path, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file that it leads to is written, for its owner only; the link is as it was."""
    named, real = make(tmp_path)
    assert run(capsys, *command, "--output", named).code == 0
    assert named.is_symlink()
    assert real.read_text() == run(capsys, *command).out or "counterfoil.log-checkpoint" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_a_fifo_is_written_to(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its reader gets the output, and it is still a FIFO."""
    fifo, got = tmp_path / "fifo", list[bytes]()
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    reader.start()
    assert run(capsys, *command, "--output", fifo).code == 0
    reader.join(30)
    assert got[0]
    assert fifo.is_fifo()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make or replace a device")
def test_a_device_is_not_replaced(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--output /dev/null` as root once left a plain file there: a device stays what it is."""
    device = tmp_path / "null"
    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    told = run(capsys, *command, "--output", device)
    assert stat.S_ISCHR(device.stat().st_mode)
    if told.code == 2:  # a temporary folder mounted nodev: refused is not replaced
        assert "cannot write" in told.err
    else:
        assert (told.code, device.stat().st_size) == (0, 0)


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_a_dash_is_stdout(command: Command, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file called `-` is made, and what a shell appends to is not cut."""
    monkeypatch.chdir(tmp_path)
    with Path("all.txt").open("ab") as out:
        out.write(b"before\n")
        out.flush()
        code = [sys.executable, "-m", "counterfoil.cli.main", *command, "--output", name]
        done = subprocess.run(code, stdout=out, stderr=subprocess.PIPE, check=False)  # noqa: S603  # our own
    assert (done.returncode, done.stderr) == (0, b"")
    text = Path("all.txt").read_text()
    assert text.startswith("before\n")
    assert len(text) > len("before\n")
    assert [path.name for path in tmp_path.iterdir()] == ["all.txt"]


def test_a_full_disk_is_one_clear_line(command: Command) -> None:
    """Stdout or file: what the system said, what to look at, exit code 2, and nothing of Python's."""
    program = [sys.executable, "-m", "counterfoil.cli.main"]
    for arguments in (command, ("--help",), (*command, "--output", "/dev/full")):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run([*program, *arguments], stdout=full, stderr=subprocess.PIPE, check=False)  # noqa: S603
        lines = done.stderr.decode().splitlines()
        assert done.returncode == 2, arguments
        assert len(lines) == 2, lines
        assert lines[0].startswith("counterfoil: cannot write")
        assert lines[0].endswith("No space left on device")
        assert lines[1].startswith("  hint: ")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An export that a broken log ends half-way leaves what was there, and no half of a new one."""
    with making(tmp_path) as made:
        made.mint.issue(CLAIMS, grant=Grant.CLIENT)
    wal = tmp_path / "ledger" / "wal"
    raw = bytearray(wal.read_bytes())
    raw[len(raw) // 2] ^= 1
    wal.write_bytes(raw)
    target = tmp_path / "kept.jsonl"
    target.write_text("old")
    assert run(capsys, "ledger", "export", tmp_path / "ledger", "--output", target).code == 2
    assert target.read_text() == "old"
    assert not list(tmp_path.glob(".counterfoil-*"))


def test_a_key_behind_a_link_stays_where_it_is(tmp_path: Path) -> None:
    """Mounted secrets are links: a subject key is added to the file that they lead to."""
    from datetime import UTC, datetime

    named, real = tmp_path / "keys.toml", tmp_path / "real.toml"
    named.symlink_to(real)
    for day in (1, 2):
        add_subject_key(named, datetime(2026, 1, day, tzinfo=UTC))
    assert named.is_symlink()
    assert len(SubjectKeys.from_toml(real.read_text(), "keys").spans) == 2
