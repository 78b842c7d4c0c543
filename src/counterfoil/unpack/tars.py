"""Lists tar archives. The library reads headers only; members are slices of the file."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from counterfoil.errors import InputError
from counterfoil.unpack.bounds import MAX_HEADER_BYTES
from counterfoil.unpack.place import LINK, Disk, Entry, closed
from counterfoil.unpack.streams import BROKEN, disk, unreadable

_BLOCK = 512


def entries(place: Disk) -> Iterator[Entry]:
    """Yield the entries of the archive; raises InputError where it is damaged or lacks its end."""
    try:
        with place.path.open("rb") as file:
            archive = tarfile.TarFile(fileobj=_Headers(file, place.name), errorlevel=2)  # type: ignore[arg-type]
            while (info := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # or it keeps them all
                if not info.isdir():
                    trouble = _trouble(info)
                    opener = closed if trouble else _opener(place, info)
                    span = (info.offset_data, info.offset_data + info.size) if not trouble else (0, 0)
                    yield Entry(info.name, opener, trouble, float(info.mtime), trouble == LINK, span)
            file.seek(archive.offset)
            _check_end(place, file.read(_BLOCK), archive.offset)
    except (tarfile.TarError, *BROKEN) as error:
        raise unreadable(place.name, error) from error


def _check_end(place: Disk, block: bytes, at: int) -> None:
    """Raise InputError if the list of members did not end with the mark of the end: the library is silent there."""
    if block.strip(b"\0"):
        raise InputError(f"cannot read {place.name} from byte {at} on: it is damaged there")
    if not block:
        raise InputError(f"{place.name} ends without the mark of its end: members may be missing")


def _trouble(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return LINK
    if not info.isreg():
        return "neither a file nor a folder"
    if info.issparse():
        return "stored with holes (sparse): unpack it first"
    return ""


def _opener(place: Disk, info: tarfile.TarInfo) -> Any:
    offset, size = info.offset_data, info.size

    def opened() -> IO[bytes]:
        return disk(Path(place.path), place.name, place.stamp, offset, size)

    return opened


class _Headers:
    """A file that gives headers only: a header that claims to be larger is refused before it is in memory."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if size > MAX_HEADER_BYTES:
            raise InputError(f"cannot read {self._name}: a member's header takes over {MAX_HEADER_BYTES >> 20} MiB")
        return self._file.read(size)
