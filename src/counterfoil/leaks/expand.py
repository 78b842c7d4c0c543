"""What lies inside a file in pieces or in another code: values of SQLite, objects of git, attachments of mail, TCP.

The file itself is scanned as it is as well; these streams are what its format tears apart or encodes.
"""

from __future__ import annotations

import binascii
import os
import quopri
import re
import shutil
import sqlite3
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from counterfoil.leaks import captures
from counterfoil.leaks.chunks import Readable

# Values, attachments and objects are given on up to this size each; longer ones are cut, and so is a row's say of them.
MOST_VALUE_BYTES = 64 << 20
# A damaged database may give the same pages again and again: no more than this for each byte of the file.
MOST_RATIO = 16
# Steps of SQLite's machine for each byte of a database, and for any: columns may be computed, at any cost.
_STEPS_A_BYTE, _FREE_STEPS, _STEPS_AT_ONCE = 10, 100_000_000, 1_000_000
# Objects of git are compressed, and differences of one another: no more than this for each byte of its packs.
_MOST_GIT_RATIO, _FREE_GIT_BYTES = 200, 1 << 30
_CUT = f"what is in it is longer than {MOST_VALUE_BYTES >> 20} MiB: the rest was not looked at"
_HEAD_BYTES = 4096
_SQLITE, _PACK = b"SQLite format 3\0", b"PACK\0\0\0"
_MAIL = re.compile(rb"(?:From |(?:Return-Path|Received|Message-I[Dd]|MIME-Version|Delivered-To|Subject|Date|To|From):)")
_ENCODING = re.compile(rb"content-transfer-encoding:\s*(base64|quoted-printable)", re.IGNORECASE)
_OBJECT = re.compile(r"objects/[0-9a-f]{2}/[0-9a-f]{38,62}$")
_BETWEEN = b"\n\0\n"  # so that two values never read as one


@dataclass(frozen=True, repr=False)
class Inner:
    """A stream of what was inside, or why there is none."""

    name: str
    stream: Readable
    trouble: str = ""


class _Pieces:
    """A stream of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = piece
        part, self._held = self._held[:size], self._held[size:]
        return part


class _Bounded:
    """A stream of which no more than so many bytes are read."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self._stream, self._left = stream, left

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; raises OSError once there are too many."""
        part = self._stream.read(size)
        self._left -= len(part)
        if self._left < 0:
            raise OSError("its objects are far larger than its packs: the rest was not looked at")
        return part


_NOTHING = _Pieces(iter(()))


def streams(name: str, open_file: Callable[[], IO[bytes]], path: Path | None) -> Iterator[Inner]:
    """Yield what is inside a file; `path` is where it lies on disk as it is, if it does."""
    with open_file() as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(_SQLITE):
        if path is None:
            yield Inner(name, _NOTHING, "a database inside an archive: only whole pages were looked at")
        else:
            yield Inner(f"{name}/(values)", _Pieces(_values(path)))
    elif _MAIL.match(head) and _ENCODING.search(head):
        yield Inner(f"{name}/(decoded)", _Pieces(_attachments(open_file)))
    elif head[:1] == b"\x78" and _OBJECT.search(name.replace(os.sep, "/")):
        yield Inner(f"{name}/(object)", _Pieces(_inflated(open_file)))
    elif captures.is_capture(head):
        yield Inner(f"{name}/(streams)", _Pieces(_carried(open_file)))
    elif head.startswith(_PACK):
        yield from _packed(name, path)


def _carried(open_file: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    with open_file() as stream:
        yield from captures.joined(stream)


def _values(path: Path) -> Iterator[bytes]:
    """Yield the text and blobs of all tables: long ones lie in pieces on the pages of a database."""
    size = path.stat().st_size
    left, steps = MOST_RATIO * size, (_FREE_STEPS + _STEPS_A_BYTE * size) // _STEPS_AT_ONCE
    address = f"file:{quote(str(path))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
            database.text_factory = bytes
            database.set_progress_handler(iter([0] * steps + [1]).__next__, _STEPS_AT_ONCE)
            database.execute("PRAGMA trusted_schema = OFF")
            tables = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            ).fetchall()
            for (table,) in tables:
                quoted = table.decode("utf-8", "surrogateescape").replace('"', '""')
                for row in database.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608  # a name of the database's own
                    for value in row:
                        if isinstance(value, bytes):
                            left -= len(value)
                            yield value + _BETWEEN
                    if left < 0:
                        raise OSError("the database gives more than its size: damaged")
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise OSError(f"the database could not be read to its end: {error}") from error


def _attachments(open_file: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    """Yield the decoded bodies of a message, or of all messages of a mailbox."""
    with open_file() as stream:
        encoding, body, inside, size = b"", list[bytes](), False, 0
        for line in iter(lambda: stream.readline(1 << 16), b""):
            ends = line.startswith((b"--", b"From "))
            if inside and not ends:
                size += len(line)
                if size > MOST_VALUE_BYTES:
                    raise OSError(_CUT)
                body.append(line)
            if ends:
                if inside:
                    yield _body(encoding, b"".join(body))
                encoding, body, inside, size = b"", [], False, 0
            elif not inside and (match := _ENCODING.match(line)):
                encoding = match[1].lower()
            elif not inside and encoding and not line.strip():
                inside = True
        if inside:
            yield _body(encoding, b"".join(body))


def _body(encoding: bytes, text: bytes) -> bytes:
    if encoding == b"quoted-printable":
        return quopri.decodestring(text) + _BETWEEN
    with suppress(binascii.Error):
        return binascii.a2b_base64(text) + _BETWEEN
    return _BETWEEN


def _inflated(open_file: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    """Yield what a loose object of git holds."""
    decoder = zlib.decompressobj()
    with open_file() as stream:
        given = 0
        try:
            while (part := stream.read(1 << 16)) and given < MOST_VALUE_BYTES:
                data = decoder.decompress(part, MOST_VALUE_BYTES - given)
                given += len(data)
                yield data
            if given >= MOST_VALUE_BYTES:
                raise OSError(_CUT)
        except zlib.error as error:
            raise OSError(f"no object of git: {error}") from error


def _packed(name: str, path: Path | None) -> Iterator[Inner]:
    """Yield all objects of the repository that a pack belongs to, by git itself: packs hold differences."""
    git = shutil.which("git")
    if path is None or path.parent.name != "pack" or git is None:
        why = "git is not installed" if git is None else "it lies in no repository"
        yield Inner(name, _NOTHING, f"a pack of git: its objects were not unpacked, {why}")
        return
    if path != min(path.parent.glob("*.pack")):
        return  # one run gives the objects of all packs
    yield from _git_objects(git, path.parents[2])


def _git_objects(git: str, folder: Path) -> Iterator[Inner]:
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_LAZY_FETCH": "1"}
    command = [git, "-c", "safe.directory=*", f"--git-dir={folder}", "cat-file", "--batch-all-objects", "--batch",
               "--unordered", "--buffer"]  # fmt: skip
    with subprocess.Popen(  # noqa: S603  # no shell; reads objects, runs no hook and no filter
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **quiet},
    ) as process:
        try:
            if process.stdout is not None:
                size = sum(pack.stat().st_size for pack in (folder / "objects" / "pack").glob("*.pack"))
                yield Inner(f"{folder}/(objects)", _Bounded(process.stdout, _FREE_GIT_BYTES + _MOST_GIT_RATIO * size))
            failed = process.wait() != 0
        finally:
            process.kill()
    if failed:
        yield Inner(f"{folder}/(objects)", _NOTHING, "git could not give all objects: a damaged repository")
