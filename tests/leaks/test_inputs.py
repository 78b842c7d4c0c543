"""What is scanned: archives, databases, repositories, mail, sparse files, standard input; and going on after a stop."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from counterfoil.errors import UsageError
from counterfoil.leaks.finding import LeaksReport
from counterfoil.leaks.scan import ScanSettings, scan

from .planting import known_of, pem_of, rsa_keys, tool
from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN = known_of(*rsa_keys())


def _pem() -> bytes:
    return pem_of(rsa_keys()[0])


def _scan(path: Path, resume: Path | None = None) -> LeaksReport:
    return scan([str(path)], KNOWN, ScanSettings(NOW, resume=resume), SILENT)


def test_a_key_in_an_archive_in_an_archive_is_found_under_its_path(tmp_path: Path) -> None:
    """A bare prime in a file in tar.gz in tar.xz: its path names every step, its offset is in the innermost file."""
    prime = rsa_keys()[0].private_numbers().p.to_bytes(128)
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        _add(archive, "var/heap.bin", os.urandom(5000) + prime + os.urandom(500))
    path = tmp_path / "outer.tar.xz"
    with tarfile.open(path, "w:xz") as archive:
        _add(archive, "inner.tar.gz", inner.getvalue())
    (leak,) = _scan(path).findings
    assert leak.path == f"{path}/inner.tar.gz/var/heap.bin"
    assert (leak.offset, leak.form, leak.kid) == (5000, "rsa-factor", "k0")


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def test_a_value_that_a_database_tears_apart_is_found(tmp_path: Path) -> None:
    """A key in a row longer than a page of SQLite lies in pieces in the file, and is found in the value."""
    path = tmp_path / "app.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA page_size = 512")
    database.execute("CREATE TABLE settings (name TEXT, value BLOB)")
    database.execute("INSERT INTO settings VALUES (?, ?)", ("signing", _pem()))
    database.close()
    found = {(leak.path, leak.form, leak.proven) for leak in _scan(path).findings}
    assert (f"{path}/(values)", "pem-pkcs8-rsa", True) in found


def test_an_attachment_is_found_in_a_message_and_in_a_mailbox(tmp_path: Path) -> None:
    """What is attached to a message is base64 in lines: found there, in a message alone and in a mailbox, once each."""
    message = EmailMessage()
    message["Subject"] = "the key, as agreed"
    message.set_content("see attached")
    der = rsa_keys()[1].private_numbers().d.to_bytes(256)
    message.add_attachment(os.urandom(99) + der, maintype="application", subtype="octet-stream", filename="d.bin")
    (tmp_path / "one.eml").write_bytes(bytes(message))
    (tmp_path / "all.mbox").write_bytes(b"From a Thu Jan  1 00:00:00 2026\n" + bytes(message) + b"\nFrom b\n\nhello\n")
    assert {(leak.path, leak.form) for leak in _scan(tmp_path).findings} == {
        (f"{tmp_path}/{name}", "base64-rsa-exponent") for name in ("one.eml", "all.mbox")
    }


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_key_that_was_deleted_is_found_in_a_repository(tmp_path: Path, packed: bool) -> None:
    """A key that was committed and deleted again is in the objects, loose or packed."""

    def git(*words: str) -> None:
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run([tool("git"), *name, *words], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603

    git("init", "-q")
    (tmp_path / "key.pem").write_bytes(_pem())
    git("add", ".")
    git("commit", "-qm", "oops")
    git("rm", "-q", "key.pem")
    git("commit", "-qm", "gone")
    if packed:
        git("gc", "-q", "--aggressive")
    report = _scan(tmp_path)
    assert {leak.form for leak in report.findings if leak.proven} == {"pem-pkcs8-rsa"}
    assert not report.unread


def test_holes_of_a_sparse_file_are_skipped(tmp_path: Path) -> None:
    """A file of a terabyte with a key at its end takes no time: its hole is skipped, and said."""
    path = tmp_path / "sparse.img"
    with path.open("wb") as file:
        file.seek(1 << 40)
        file.write(_pem())
    report = _scan(path)
    assert [leak.offset for leak in report.findings] == [1 << 40]
    assert report.skipped >= (1 << 40) - (64 << 20)
    assert report.scanned < 64 << 20


def test_standard_input_is_scanned_and_the_gate_lets_nothing_through(tmp_path: Path) -> None:
    """Through a pipe: 1 with a key, 0 without; at the gate 2 for what cannot be read, and where there is nothing."""

    def run(data: bytes, *words: str) -> int:
        command = [sys.executable, "-m", "counterfoil.cli.main", "leaks", *words]
        done = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603  # our own
        assert b"PRIVATE KEY-----" not in done.stdout + done.stderr
        return done.returncode

    assert run(_pem(), "-", "--format", "json") == 1
    assert run(b"nothing here", "-") == 0
    assert run(b"nothing here", "-", "/no/such/file") == 0
    assert run(b"nothing here", "-", "/no/such/file", "--gate") == 2
    assert run(b"", "/no/such/file") == 2
    assert run(b"", "n" * 300) == 2
    assert run(b"", str(tmp_path), "--gate") == 2
    assert run(b"", "-") == 0
    assert run(b"", "-", "--gate") == 2  # what should have written to it has most likely failed


def test_a_stopped_scan_goes_on_and_finds_the_same(tmp_path: Path) -> None:
    """What the resume file says is done is not scanned again, its findings are kept, and new files are scanned."""
    folder, state = tmp_path / "in", tmp_path / "state"
    folder.mkdir()
    (folder / "a.pem").write_bytes(_pem())
    first = _scan(folder, state)
    (folder / "b.pem").write_bytes(pem_of(rsa_keys()[1]))
    second = _scan(folder, state)
    assert [leak.kid for leak in first.findings] == ["k0"]
    assert [leak.kid for leak in second.findings] == ["k0", "k1"]
    assert second.scanned == (folder / "b.pem").stat().st_size
    assert "PRIVATE KEY" not in state.read_text()


def test_a_file_that_was_changed_in_place_is_scanned_again(tmp_path: Path) -> None:
    """Of the same size, and with its time set back: only the time of its inode tells, and that is enough."""
    path, state = tmp_path / "file", tmp_path / "state"
    path.write_bytes(bytes(len(_pem())))
    before = path.stat()
    assert not _scan(path, state).findings
    path.write_bytes(_pem())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert [leak.kid for leak in _scan(path, state).findings] == ["k0"]


def test_a_pipe_is_no_file_to_resume_from(tmp_path: Path) -> None:
    """Reading it would wait for ever: it is refused."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no regular file"):
        _scan(tmp_path, tmp_path / "pipe")


def test_a_large_file_is_taken_up_where_it_was_left(tmp_path: Path) -> None:
    """A resume file that names an offset: what lies before it is kept from the file, what lies behind is scanned."""
    path, state = tmp_path / "image", tmp_path / "state"
    border = 4 << 20
    path.write_bytes(_pem().ljust(border) + pem_of(rsa_keys()[1]))
    whole = _scan(path, state)
    lines = state.read_text().splitlines()
    entry = json.loads(lines[1])
    entry |= {"offset": border, "leaks": entry["leaks"][:1]}
    state.write_text("\n".join((lines[0], json.dumps(entry), '{"cut')) + "\n")
    again = _scan(path, state)
    assert again.findings == whole.findings
    assert again.scanned == whole.scanned - border
