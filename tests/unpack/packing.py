"""Packs bytes in every way that is unpacked, and some that are refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import py7zr
import pyarrow as pa

from counterfoil.unpack.bounds import Bounds
from counterfoil.unpack.walk import Unpacker

Named = Sequence[tuple[str, bytes]]


def zstd(data: bytes) -> bytes:
    """Return a zstd frame."""
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}


def zipped(members: Named, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive; the same name may come twice."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def tarred(members: Named, *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def seven_zipped(members: Named, *, password: str | None = None, hide_names: bool = False) -> bytes:
    """Return a 7z archive."""
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password, header_encryption=hide_names) as archive:
        for name, data in members:
            archive.writestr(data, name)
    return out.getvalue()


ARCHIVE: dict[str, Callable[[Named], bytes]] = {"zip": zipped, "tar": tarred, "7z": seven_zipped}


def unpacked(path: Path, spool: Path, bounds: Bounds | None = None) -> dict[str, bytes | str]:
    """Return what the file holds by the names after its own: bytes, or why there are none."""
    spool.mkdir(exist_ok=True)
    found: dict[str, bytes | str] = {}
    with Unpacker(spool, bounds) as unpacker:
        for member in unpacker.members(path):
            name = member.name.removeprefix(str(path)).removeprefix("/")
            assert name not in found
            if member.trouble:
                found[name] = member.trouble
                continue
            with member.open() as stream:
                found[name] = stream.read()
    assert list(spool.iterdir()) == []
    return found
