"""Lists zip archives. Their directory is bounded before it is read, since reading it costs its size several times."""

from __future__ import annotations

import os
import stat as modes
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any, cast

from counterfoil.errors import InputError
from counterfoil.unpack.bounds import MAX_DIRECTORY_BYTES
from counterfoil.unpack.place import LINK, Disk, Entry, closed
from counterfoil.unpack.streams import BROKEN, disk, unreadable

KEPT_OPEN = 16  # archives whose directory is kept in memory: members are read again long after they were listed
ENCRYPTED = "encrypted: unpack it with its password first"
OFFICE = "an Office document, not an archive of logs: save its sheets as CSV"

_ENCRYPTED_FLAG = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_METHOD_NAMES = {9: "Deflate64", 93: "zstd", 95: "xz", 98: "PPMd", 99: "AES"}
_LOCAL_SIZE, _ENTRY = 30, b"PK\x01\x02"
_END, _END_SIZE, _MAX_COMMENT = b"PK\x05\x06", 22, 0xFFFF
_LOCATOR, _LOCATOR_SIZE = b"PK\x06\x07", 20
_END64, _END64_SIZE = b"PK\x06\x06", 56
_IN_END64 = 0xFFFFFFFF
_LAST_ZONE = timezone(timedelta(hours=-12))


def _modified(info: zipfile.ZipInfo) -> float | None:
    """Return the latest moment that the entry's date can mean: it is local time, of a zone that is not told."""
    try:
        return datetime(*info.date_time, tzinfo=_LAST_ZONE).timestamp()
    except ValueError:
        return None  # dates of zip may be the 0th of month 0


def stands_behind(path: Path) -> bool:
    """Tell whether a zip stands behind something else: its end is there, and its directory right before that.

    Programs that read or write zips hold the mark of the end as well.
    """
    try:
        with path.open("rb") as file:
            begin = max(0, file.seek(0, os.SEEK_END) - _END_SIZE - _MAX_COMMENT - _LOCATOR_SIZE)
            file.seek(begin)
            tail = file.read(_END_SIZE + _MAX_COMMENT + _LOCATOR_SIZE)
            at = tail.find(_END)
            while at >= 0:
                file.seek(max(0, begin + at - _number(tail, at + 12, "<L")))
                if file.read(len(_ENTRY)) == _ENTRY or tail[max(0, at - _LOCATOR_SIZE) : at].startswith(_LOCATOR):
                    return True
                at = tail.find(_END, at + 1)
    except OSError:
        pass  # who reads it next will say why
    return False


class Zips:
    """Zip archives that are open; the one used longest ago is closed when there are too many."""

    def __init__(self, *, office: bool = False) -> None:
        """Begin with none; `office`: also documents of Office are opened, which hold no logs."""
        self._office = office
        self._open: OrderedDict[Disk, zipfile.ZipFile] = OrderedDict()

    def entries(self, place: Disk) -> Iterator[Entry]:
        """Yield the entries of the archive; raises InputError when it is damaged."""
        infos = self._archive(place).infolist()
        if not self._office and any(info.filename == "[Content_Types].xml" for info in infos[:16]):
            raise InputError(f"cannot read {place.name}: {OFFICE}")
        for info in infos:
            if not info.filename.endswith("/"):  # is_dir() fails on a name that is empty
                trouble = _trouble(info, place.stamp.size)
                opener = closed if trouble else self._opener(place, info)
                span = (0, 0) if trouble else _span(place, info)
                yield Entry(info.filename, opener, trouble, _modified(info), trouble == LINK, span)

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.popitem()[1].close()

    def _opener(self, place: Disk, info: zipfile.ZipInfo) -> Any:
        def opened() -> IO[bytes]:
            try:
                return self._archive(place).open(info)
            except BROKEN as error:
                raise unreadable(place.name, error) from error

        return opened

    def _archive(self, place: Disk) -> zipfile.ZipFile:
        archive = self._open.get(place)
        if archive is None:
            handle = disk(place.path, place.name, place.stamp)
            handle.close()  # it is still what it was; the library wants one that it can seek in
            try:
                _check_directory(place)
                archive = zipfile.ZipFile(place.path)
            except BROKEN as error:
                raise unreadable(place.name, error) from error
            self._open[place] = archive
            if len(self._open) > KEPT_OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(place)
        return archive


def _span(place: Disk, info: zipfile.ZipInfo) -> tuple[int, int]:
    """Return where the bytes of an entry lie: behind its own header, whose lengths only that header tells."""
    with place.path.open("rb") as file:
        file.seek(info.header_offset)
        head = file.read(_LOCAL_SIZE)
    begin = info.header_offset + _LOCAL_SIZE + _number(head, 26, "<H") + _number(head, 28, "<H")
    return begin, begin + info.compress_size


def _trouble(info: zipfile.ZipInfo, size: int) -> str:
    if not info.filename:
        return "it has no name: the archive is damaged"
    if not 0 <= info.header_offset < size:
        return "it lies outside the archive, which is damaged"
    if modes.S_ISLNK(info.external_attr >> 16):
        return LINK
    if info.flag_bits & _ENCRYPTED_FLAG:
        return ENCRYPTED
    if info.compress_type not in _METHODS:
        method = _METHOD_NAMES.get(info.compress_type, f"of number {info.compress_type}")
        return f"compressed with a method that is not read ({method}): unpack it first"
    return ""


def _check_directory(place: Disk) -> None:
    """Raise InputError if the archive's directory is larger than what is read."""
    with place.path.open("rb") as file:
        begin = max(0, place.stamp.size - _END_SIZE - _MAX_COMMENT - _LOCATOR_SIZE)
        file.seek(begin)
        tail = file.read(_END_SIZE + _MAX_COMMENT + _LOCATOR_SIZE)
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + _END_SIZE:
            raise InputError(f"cannot read {place.name}: a zip without its directory: it ends early")
        size = _number(tail, at + 12, "<L")
        if tail[max(0, at - _LOCATOR_SIZE) : at].startswith(_LOCATOR):
            file.seek(min(_number(tail, at - _LOCATOR_SIZE + 8, "<Q"), place.stamp.size))
            end = file.read(_END64_SIZE)
            size = max(size % _IN_END64, _number(end, 40, "<Q") if end.startswith(_END64) else 0)
    if size > MAX_DIRECTORY_BYTES:
        raise InputError(f"cannot read {place.name}: its directory takes over {MAX_DIRECTORY_BYTES >> 20} MiB")


def _number(data: bytes, at: int, form: str) -> int:
    found = data[at : at + struct.calcsize(form)]
    return cast(int, struct.unpack(form, found)[0]) if len(found) == struct.calcsize(form) else 0
