"""Writes the archives of the corpus anew: `python tests/fuzz/corpus/make.py`."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import py7zr
import pyarrow as pa

HERE = Path(__file__).parent / "unpack"
TEXT = b'{"a":1}\n' * 20


def _zip(method: int, *members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def _tar(form: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name in ("a.json", "long/" * 40 + "b.json"):
            info = tarfile.TarInfo(name)
            info.size = len(TEXT)
            archive.addfile(info, io.BytesIO(TEXT))
    return out.getvalue()


def _seven_zip(filters: list[dict[str, int]] | None) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", filters=filters) as archive:
        archive.writestr(TEXT, "a.json")
        archive.writestr(b"", "empty")
        archive.writestr(_zip(0, ("in", TEXT)), "b.zip")
    return out.getvalue()


def main() -> None:
    """Write them."""
    both = ("a.json", TEXT), ("b/c.json", b"")
    found = {
        "stored.zip": _zip(zipfile.ZIP_STORED, *both),
        "deflated.zip": _zip(zipfile.ZIP_DEFLATED, *both),
        "bzip2.zip": _zip(zipfile.ZIP_BZIP2, *both),
        "lzma.zip": _zip(zipfile.ZIP_LZMA, *both),
        "nested.zip": _zip(0, ("in.zip", _zip(8, *both)), ("t.tgz", gzip.compress(_tar(tarfile.PAX_FORMAT), mtime=0))),
        "ustar.tar": _tar(tarfile.USTAR_FORMAT),
        "gnu.tar": _tar(tarfile.GNU_FORMAT),
        "pax.tar": _tar(tarfile.PAX_FORMAT),
        "lzma2.7z": _seven_zip(None),
        "bzip2.7z": _seven_zip([{"id": py7zr.FILTER_BZIP2}]),
        "copy.7z": _seven_zip([{"id": py7zr.FILTER_COPY}]),
        "text.gz": gzip.compress(TEXT, mtime=0),
        "text.bz2": bz2.compress(TEXT),
        "text.xz": lzma.compress(TEXT) + bytes(4) + lzma.compress(TEXT),
        "text.zst": bytes(pa.Codec("zstd").compress(TEXT, asbytes=True)),
        "text.gz.xz": lzma.compress(gzip.compress(TEXT, mtime=0)),
    }
    HERE.mkdir(exist_ok=True)
    for name, data in found.items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
