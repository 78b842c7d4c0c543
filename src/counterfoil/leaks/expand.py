"""What lies inside a file in pieces or in another code: SQLite, git, mail, PDF, TCP.

The file itself is scanned as it is as well; these streams are what its format tears apart or encodes.
"""

from __future__ import annotations

import binascii
import os
import quopri
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from counterfoil.leaks import captures, databases, git, pdf
from counterfoil.leaks.inner import BETWEEN, CUT, MOST_VALUE_BYTES, Inner, Pieces, untold

_HEAD_BYTES = 4096
_MAIL = re.compile(rb"(?:From |(?:Return-Path|Received|Message-I[Dd]|MIME-Version|Delivered-To|Subject|Date|To|From):)")
_ENCODING = re.compile(rb"content-transfer-encoding:\s*(base64|quoted-printable)", re.IGNORECASE)
_OBJECT = re.compile(r"objects/[0-9a-f]{2}/[0-9a-f]{38,62}$")
# What carries something compressed behind its beginning: programs of the shell, and cpio (5), as of a machine's start.
_CARRIERS = (b"#!", b"070701", b"070702", b"070707", b"\xc7\x71")
# Compressed streams by what is certain of their heads. Gzip is undone wherever it stands.
_CARRIED = re.compile(
    rb"\xfd7zXZ\0\0[\0\x01\x04\x0a]|BZh[1-9]1AY&SY|\x28\xb5\x2f\xfd[^\x08]|LZIP\x01|\x04\x22\x4d\x18[\x40-\x7f]|"
    rb"\x5d\0\0[\x01-\x80][\0-\x04](?:\xff{8}|[^\xff]{4}\0{4})"
)
_MOST_MAGIC = 16


def streams(name: str, open_file: Callable[[], IO[bytes]], path: Path | None) -> Iterator[Inner]:
    """Yield what is inside a file; `path` is where it lies on disk as it is, if it does."""
    with open_file() as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(databases.SQLITE):
        yield from databases.values(name, path)
    elif head.startswith(databases.LOGS):
        yield from databases.log(name, path)
    elif head.startswith(git.PACK):
        yield from git.packed(name, path)
    elif git.is_bundle(head):
        yield from git.bundle(name)
    elif head.startswith(_CARRIERS):
        yield from _behind(name, open_file)
    elif decoder := _decoder(name, head):
        what, decode = decoder
        yield Inner(f"{name}/({what})", Pieces(decode(open_file)))


def _decoder(name: str, head: bytes) -> tuple[str, Callable[[Callable[[], IO[bytes]]], Iterator[bytes]]] | None:
    """Return what a file holds in another code, and what undoes it."""
    if _MAIL.match(head) and _ENCODING.search(head):
        return "decoded", _attachments
    if head[:1] == b"\x78" and _OBJECT.search(name.replace(os.sep, "/")):
        return "object", _inflated
    if captures.is_capture(head):
        return "streams", _carried
    if pdf.MAGIC in head[: pdf.MAGIC_WITHIN]:
        return "streams", pdf.inflated
    return None


def _behind(name: str, open_file: Callable[[], IO[bytes]]) -> Iterator[Inner]:
    """Say whether something compressed stands behind the beginning."""
    held = b""
    with open_file() as stream:
        while part := stream.read(1 << 20):
            held = held[-_MOST_MAGIC:] + part
            if _CARRIED.search(held):
                yield untold(name, "something compressed stands in it: unpack it first")
                return


def _carried(open_file: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    with open_file() as stream:
        yield from captures.joined(stream)


def _attachments(open_file: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    """Yield the decoded bodies of a message, or of all messages of a mailbox."""
    with open_file() as stream:
        encoding, body, inside, size = b"", list[bytes](), False, 0
        for line in iter(lambda: stream.readline(1 << 16), b""):
            ends = line.startswith((b"--", b"From "))
            if inside and not ends:
                size += len(line)
                if size > MOST_VALUE_BYTES:
                    raise OSError(CUT)
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
        return quopri.decodestring(text) + BETWEEN
    with suppress(binascii.Error):
        return binascii.a2b_base64(text) + BETWEEN
    return BETWEEN


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
                raise OSError(CUT)
        except zlib.error as error:
            raise OSError(f"no object of git: {error}") from error
