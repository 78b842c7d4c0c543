"""Hostile archives: bombs, damage, names, and what cannot be opened."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .case import Case, line

MIB = 1 << 20
BOMB = 700 * MIB


def _bytes(name: str, data: Callable[[], bytes]) -> Callable[[Path], None]:
    def make(logs: Path) -> None:
        (logs / name).write_bytes(data())

    return make


def _zip(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def _tar(members: Sequence[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _seven_zip(members: Sequence[tuple[str, bytes]]) -> bytes:
    import py7zr

    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        for name, data in members:
            archive.writestr(data, name)
    return out.getvalue()


def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(piece) for piece in _endless()) + packer.flush()


def _xz_bomb() -> bytes:
    packer = lzma.LZMACompressor(preset=0)
    return b"".join(packer.compress(piece) for piece in _endless()) + packer.flush()


def _endless() -> Iterator[bytes]:
    """Yield a log that is soon over, and blanks for the rest."""
    yield line(1)
    for _ in range(BOMB // MIB):
        yield b" " * MIB


def _zip_bomb() -> bytes:
    return _zip([("a.jsonl", line(1)), *((f"{n}.json", bytes(300 * MIB)) for n in range(3)), ("z.jsonl", line(2))])


def _overlapping() -> bytes:
    """Return a zip all of whose entries are one compressed file: a small file, and 2 TB by its directory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(packer.compress(bytes(MIB)) for _ in range(100)) + packer.flush()
    sizes = struct.pack("<LLL", zlib.crc32(bytes(100 * MIB)), len(data), 100 * MIB)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + sizes + struct.pack("<HH", 1, 0) + b"x" + data
    entry = b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0) + sizes
    entry += struct.pack("<HHHHHLL", 1, 0, 0, 0, 0, 0, 0) + b"x"
    count = 20_000
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, len(entry) * count, len(local), 0)
    return local + entry * count + end


def _deep() -> bytes:
    data = line(1)
    for _ in range(8):
        data = _zip([("n.zip", data)])
    return data


def _itself() -> bytes:
    """Return compressions of compressions, nine of them."""
    data = line(1)
    for _ in range(9):
        data = gzip.compress(data)
    return data


def _encrypted() -> bytes:
    data = bytearray(_zip([("x.jsonl", line(1))]))
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[at] |= 1
    return bytes(data)


def _damaged(data: bytes, share: float) -> bytes:
    changed = bytearray(data)
    changed[int(len(data) * share)] ^= 0xFF
    return bytes(changed)


def _claims(size: int) -> bytes:
    info = tarfile.TarInfo("x.jsonl")
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT) + line(1)


_LINES = b"".join(line(number) for number in range(1, 5000))
_ODD = ("../../../etc/cron.d/x", "/etc/passwd", "a\x1b[2J\nb", "x" * 3000, "\u202egpj.exe", "CON", "a\\..\\b")

CASES = (
    Case("a gzip bomb", _bytes("x.gz", _gzip_bomb), "unread: .*unpacks to more than 512 MiB.*a bomb", heavy=True),
    Case("an xz bomb", _bytes("x.xz", _xz_bomb), "unread: .*unpacks to more than 512 MiB.*a bomb", heavy=True),
    Case("a zip bomb between logs", _bytes("x.zip", _zip_bomb), "1.json: unread: .*a bomb.*a.jsonl: read 1",
         heavy=True),
    Case("a bomb of bzip2, compressed again", _bytes("x.bz2.gz", lambda: gzip.compress(bz2.compress(
         b"".join(_endless())))), "unread: .*a bomb", heavy=True),
    Case("a 7z bomb", _bytes("x.7z", lambda: _seven_zip([("x", bytes(BOMB))])), "unread: .*a bomb", heavy=True),
    Case("a zip whose entries overlap", _bytes("x.zip", _overlapping), "unread: .*(a bomb|[Oo]verlap)", heavy=True),
    Case("zips in zips without end", _bytes("x.zip", _deep), "unread: .*packed too many times over"),
    Case("compressions of compressions", _bytes("x.gz", _itself), "unread: .*packed too many times over"),
    Case("names that lead out of the folder", _bytes("x.tar", lambda: _tar([
         (name, line(number)) for number, name in enumerate(_ODD)])),
         r"\.\./etc/cron.d/x: read 1.*\\x1b\[2J\\nb: read 1"),
    Case("100,001 members", _bytes("x.zip", lambda: _zip([(str(n), b"") for n in range(100_001)])),
         "unread: .*more than 100,000 members", heavy=True),
    Case("an encrypted zip", _bytes("x.zip", _encrypted), "unread: .*encrypted: unpack it with its password first"),
    Case("a zip that ends early", _bytes("x.zip", lambda: _zip([("x", _LINES)])[:-40]), "unread: .*ends early"),
    Case("a zip with a damaged member", _bytes("x.zip", lambda: _damaged(_zip([("a.jsonl", _LINES)]), 0.5)),
         "unread: "),
    Case("a gzip that ends early", _bytes("x.gz", lambda: gzip.compress(_LINES)[:-40]), "unread: .*ended before"),
    Case("a gzip with a wrong checksum", _bytes("x.gz", lambda: _damaged(gzip.compress(_LINES), 1 - 1e-9)),
         "unread: "),
    Case("a 7z with a damaged header", _bytes("x.7z", lambda: _damaged(_seven_zip([("a", _LINES)]), 0.95)), "unread: "),
    Case("a tar that claims a terabyte", _bytes("x.tar", lambda: _claims(1 << 40)), "unread: .*ends early"),
    Case("a tar of links", _bytes("x.tar", lambda: _links()), "unread: .*a link, which is not followed"),
    Case("a RAR archive", _bytes("x.rar", lambda: b"Rar!\x1a\x07\x01\x00" + bytes(100)), "unread: .*RAR archive"),
)


def _links() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("x.jsonl")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return out.getvalue()
