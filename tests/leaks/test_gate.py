"""The gate: what carries a key in any packing is opened, or told as not read; nothing passes in silence."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from .planting import pem_of, rsa_keys, tool

_KEY = pem_of(rsa_keys()[0])
_COMMAND = (sys.executable, "-m", "counterfoil.cli.main", "leaks", "scan", "--quiet", "--gate", "--format", "json")


def _gate(path: str, given: bytes | None = None, *, cwd: Path | None = None) -> tuple[int, list[str], list[str]]:
    """Return the exit code, the forms found and the reasons for what was not read."""
    command = (*_COMMAND, path)
    done = subprocess.run(command, input=given, capture_output=True, check=False, cwd=cwd, timeout=240)  # noqa: S603
    report = json.loads(done.stdout)
    forms, reasons = ([leak["form"] for leak in report["findings"]], [one["reason"] for one in report["unread"]])
    return done.returncode, forms, [*reasons, *report["notes"][1:]]  # the first is that no keys were given


def _zip(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "/"), data)
    return held.getvalue()


def _tgz() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        member = tarfile.TarInfo("key.pem")
        member.size = len(_KEY)
        archive.addfile(member, io.BytesIO(_KEY))
    return held.getvalue()


def _ar(**members: bytes) -> bytes:
    text = b"!<arch>\n"
    for name, data in members.items():
        head = f"{name.replace('_', '.') + '/':16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n"
        text += head.encode() + data + b"\n" * (len(data) % 2)
    return text


def _cpio(data: bytes, name: bytes = b"kernel/x\0") -> bytes:
    """Return an archive of cpio (newc) that holds one file, and its end."""

    def entry(name: bytes, data: bytes) -> bytes:
        fields = (0, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)

    return entry(name, data) + entry(b"TRAILER!!!\0", b"")


def _pdf(coded: bytes, filters: bytes) -> bytes:
    head = b"%%PDF-1.7\n1 0 obj\n<</Type/EmbeddedFile/Filter%b/Length %d>>\nstream\n" % (filters, len(coded))
    return head + coded + b"\nendstream\nendobj\n%%EOF\n"


def _zstd(data: bytes) -> bytes:
    import pyarrow as pa

    held = pa.BufferOutputStream()
    with pa.CompressedOutputStream(held, "zstd") as stream:
        stream.write(data)
    return bytes(held.getvalue())


FOUND: dict[str, Callable[[], bytes]] = {
    "a key as it is": lambda: _KEY,
    "a tar in gzip": _tgz,
    "gzip": lambda: gzip.compress(_KEY),
    "zip": lambda: _zip(key=_KEY),
    "LZMA without a container": lambda: lzma.compress(_KEY, lzma.FORMAT_ALONE),
    "a package of Debian": lambda: _ar(debian_binary=b"2.0\n", control=b"x", data_tar_gz=_tgz()),
    "a zip behind a program": lambda: b"#!/bin/sh\nexit 0\n" + _zip(key=_KEY),
    "gzip behind a program": lambda: b"#!/bin/sh\ntail -n +3 $0 | gunzip\nexit\n" + gzip.compress(_KEY),
    "a tar in gzip behind a program": lambda: b"#!/bin/sh\ntail -n +3 $0 | tar xz\nexit\n" + _tgz(),
    "gzip behind cpio": lambda: _cpio(b"microcode") + gzip.compress(_KEY),
    "a document of Word": lambda: _zip(**{"[Content_Types].xml": b"<x/>", "word_document.xml": _KEY}),
    "an attachment of a PDF": lambda: _pdf(zlib.compress(_KEY), b"/FlateDecode"),
    "a PDF behind some lines": lambda: b"x" * 300 + _pdf(zlib.compress(_KEY), b"/FlateDecode"),
}
TOLD: dict[str, tuple[Callable[[], bytes], str]] = {
    "xz behind a program": (lambda: b"#!/bin/sh\nexit\n" + lzma.compress(_KEY), "compressed"),
    "bzip2 behind a program": (lambda: b"#!/bin/sh\nexit\n" + bz2.compress(_KEY), "compressed"),
    "zstd behind cpio": (lambda: _cpio(b"microcode") + _zstd(_KEY), "compressed"),
    "LZMA with something behind its end": (lambda: lzma.compress(b"x", lzma.FORMAT_ALONE) + _KEY, "cannot read"),
    "a static library that is cut off": (lambda: _ar(one=_KEY)[:-800], "ends early"),
    "a PDF in LZW": (lambda: _pdf(zlib.compress(_KEY), b"[/LZWDecode/FlateDecode]"), "LZWDecode"),
    "an encrypted PDF": (lambda: _pdf(os.urandom(99), b"/FlateDecode") + b"trailer<</Encrypt 2 0 R>>", "Encrypt"),
    "a bundle of git": (lambda: b"# v2 git bundle\n" + b"a" * 40 + b" HEAD\n\nPACK\0\0\0\2", "bundle of git"),
    "a pack of git": (lambda: b"PACK\0\0\0\2" + os.urandom(99), "in no repository"),
    "a log of SQLite alone": (lambda: b"\x37\x7f\x06\x82" + os.urandom(99), "without its database"),
    "LZ4": (lambda: b"\x04\x22\x4d\x18" + os.urandom(99), "LZ4"),
    "squashfs": (lambda: b"hsqs" + os.urandom(999), "squashfs"),
    "RPM": (lambda: b"\xed\xab\xee\xdb" + os.urandom(999), "RPM"),
}


WAYS = [(packing, way) for packing in FOUND for way in ("file", "stdin")] + [("a tar in gzip", "pipe")]


@pytest.mark.parametrize(("packing", "way"), WAYS)
def test_a_key_is_found_in_its_packing(tmp_path: Path, packing: str, way: str) -> None:
    """The gate fails with 1, and the key is found: in a file, on standard input, and in a pipe that is named."""
    code, forms, _ = _through(way, FOUND[packing](), tmp_path)
    assert any("pem-pkcs8-rsa" in form for form in forms)
    assert code in (1, 2)


@pytest.mark.parametrize(("packing", "way"), [(packing, "file") for packing in TOLD] + [("LZ4", "stdin")])
def test_what_is_not_opened_is_told(tmp_path: Path, packing: str, way: str) -> None:
    """The gate fails with 2, and the report says why."""
    made, why = TOLD[packing]
    code, _, reasons = _through(way, made(), tmp_path)
    assert code == 2
    assert any(why in reason for reason in reasons)


def _through(way: str, data: bytes, folder: Path) -> tuple[int, list[str], list[str]]:
    if way == "stdin":
        return _gate("-", data)
    path = folder / "packed"
    if way == "file":
        path.write_bytes(data)
        return _gate(str(path))
    os.mkfifo(path)
    with subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'wb').write({data!r})"]):  # noqa: S603
        return _gate(str(path))


CLEAN: dict[str, bytes] = {
    "a program of the shell": b"#!/bin/sh\necho BZh91, LZIP, PK, hsqs\n" * 99,
    "a PDF with an image": _pdf(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9, b"/DCTDecode"),
    "a PDF with text": _pdf(zlib.compress(b"BT (hello) Tj ET"), b"/FlateDecode"),
    "a static library": _ar(one=b"\x7fELF" + os.urandom(500), two=b"x"),
    "a program": Path(sys.executable).resolve().read_bytes()[: 1 << 20],
    "a line that begins as LZMA does": b"]\0\0hello, world, this is no LZMA",
    "a program that writes zips": b"\x7fELF" + bytes(900) + b"PK\5\6" + b"\xf0" * 18 + bytes(400),
    "cpio": _cpio(b"hello"),
    "a document of Word": _zip(**{"[Content_Types].xml": b"<x/>", "word_document.xml": b"<w:t>hello</w:t>"}),
}


@pytest.mark.parametrize("what", CLEAN)
def test_what_is_read_to_its_end_passes(tmp_path: Path, what: str) -> None:
    """Ordinary files of the same formats pass: nothing is told of them."""
    (tmp_path / "file").write_bytes(CLEAN[what])
    assert _gate(str(tmp_path)) == (0, [], [])


def _wal(folder: Path) -> None:
    database = sqlite3.connect(folder / "live.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode = wal", "PRAGMA wal_autocheckpoint = 0", "CREATE TABLE t (a)"):
        database.execute(statement)
    database.execute("PRAGMA wal_checkpoint(truncate)")
    database.execute("INSERT INTO t VALUES (?)", (os.urandom(2000) + _KEY + b"y" * 9000,))
    for name in ("live.db", "live.db-wal"):
        shutil.copy(folder / name, folder / f"copy.{name}")
    database.close()
    (folder / "live.db").unlink()


def test_a_value_in_the_log_of_a_database_is_found(tmp_path: Path) -> None:
    """A row that is committed and not yet in the file of its database: found, and the files are left as they are."""
    _wal(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code, forms, reasons = _gate(str(tmp_path))
    assert (code, set(forms), reasons) == (1, {"pem-pkcs8-rsa"}, [])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def _repository(folder: Path) -> Path:
    name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    (folder / "key.pem").write_bytes(_KEY)
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "oops"), ("gc", "-q", "--aggressive")):
        subprocess.run([tool("git"), *name, *words], cwd=folder, check=True, capture_output=True)  # noqa: S603
    (folder / "key.pem").unlink()
    return folder / ".git" / "objects" / "pack"


def _lose(suffix: str) -> Callable[[Path], None]:
    def lose(packs: Path) -> None:
        for path in packs.glob(f"*{suffix}"):
            path.unlink()

    return lose


def _damage(packs: Path) -> None:
    for path in packs.glob("*.pack"):
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        data[100:400] = os.urandom(300)
        path.write_bytes(data)


def _begin(packs: Path) -> None:
    _lose(".pack")(packs)
    (packs / "tmp_pack_x").write_bytes(b"PACK\0\0\0\2" + bytes(99))


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "without its index": (_lose(".idx"), "has no index"),
    "that is damaged": (_damage, "damaged repository"),
    "that was never finished": (_begin, "has no index"),
    "of a repository without its head": (lambda packs: (packs.parents[1] / "HEAD").unlink(), "damaged repository"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_pack_that_git_does_not_read_is_told(tmp_path: Path, how: str) -> None:
    """A pack in a repository whose objects git cannot give: told, and the file beside is scanned."""
    packs = _repository(tmp_path)
    (tmp_path / "other.pem").write_bytes(_KEY)
    BROKEN[how][0](packs)
    code, forms, reasons = _gate(str(tmp_path))
    assert (code, forms[0]) == (2, "pem-pkcs8-rsa")
    assert any(BROKEN[how][1] in reason for reason in reasons)


@pytest.mark.parametrize("where", ["pack", "."])
def test_a_pack_is_read_wherever_the_scan_begins(tmp_path: Path, where: str) -> None:
    """The folder of the packs, named by a short path from within the repository: the objects are read."""
    packs = _repository(tmp_path)
    code, forms, _ = _gate(where, cwd=packs if where == "." else packs.parent)
    assert (code, forms) == (1, ["pem-pkcs8-rsa"])


def test_each_pack_is_read_by_itself(tmp_path: Path) -> None:
    """The second of two packs, named alone: its objects are read, also one that stands for another."""
    packs = _repository(tmp_path)
    (tmp_path / "note").write_bytes(b"harmless")
    for words in (("replace", "HEAD:key.pem", "HEAD:note"),):
        git = [tool("git"), "-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run([*git, "add", "note"], cwd=tmp_path, check=True)  # noqa: S603
        subprocess.run([*git, "commit", "-qm", "x"], cwd=tmp_path, check=True)  # noqa: S603
        subprocess.run([*git, *words], cwd=tmp_path, check=True)  # noqa: S603
        subprocess.run([*git, "repack", "-qd"], cwd=tmp_path, check=True)  # noqa: S603
    assert len(list(packs.glob("*.pack"))) == 2
    assert sorted(_gate(str(pack))[0] for pack in packs.glob("*.pack")) == [0, 1]


def test_what_is_special_is_told(tmp_path: Path) -> None:
    """A pipe in a folder is counted; a socket that is named is not read; standard input that is empty is no input."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"x")
    assert _gate(str(tmp_path)) == (0, [], ["1 pipe, socket or device in a folder was not read."])
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        code, _, reasons = _gate(str(tmp_path / "s"))
    assert (code, reasons) == (2, ["a socket: it holds nothing that could be read"])
    assert _gate("-", b"") == (2, [], ["(standard input) was empty."])


def test_very_many_streams_of_gzip_cost_little(tmp_path: Path) -> None:
    """Streams that begin inside one another, none of which ends: read within seconds, and the key behind is found."""
    head = b"\x1f\x8b\x08" + bytes(7) + b"\0" + (400).to_bytes(2, "little") + (0xFFFF - 400).to_bytes(2, "little")
    (tmp_path / "many").write_bytes(b"x" + head * (1 << 16) + _KEY)
    _, forms, _ = _gate(str(tmp_path))
    assert "pem-pkcs8-rsa" in forms


def test_one_file_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours around one file is told, and the others are scanned."""
    from datetime import UTC, datetime

    from counterfoil.leaks import expand
    from counterfoil.leaks.known import KnownKeys
    from counterfoil.leaks.scan import ScanSettings, scan

    from .silent import SILENT

    for name in ("a", "b"):
        (tmp_path / name).write_bytes(_KEY)
    true = expand.streams

    def streams(name: str, *rest: object) -> object:
        if name.endswith("a"):
            raise IndexError(name)
        return true(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(expand, "streams", streams)
    report = scan([str(tmp_path)], KnownKeys(), ScanSettings(datetime(2026, 1, 1, tzinfo=UTC)), SILENT)
    assert [leak.path[-1] for leak in report.findings] == ["a", "b"]
    assert [(one.path[-1], one.reason) for one in report.unread] == [
        ("a", "not scanned to its end: IndexError, a mistake of ours")
    ]
