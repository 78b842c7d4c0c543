"""Lists ar archives (ar(5)), as Debian's packages and static libraries are. Members are slices of the file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from counterfoil.errors import InputError
from counterfoil.unpack.place import Disk, Entry
from counterfoil.unpack.streams import BROKEN, disk, unreadable

_MAGIC, _HEADER, _END = 8, 60, b"`\n"


def entries(place: Disk) -> Iterator[Entry]:
    """Yield the entries of the archive; raises InputError where it is damaged."""
    at = _MAGIC
    try:
        with place.path.open("rb") as file:
            while at < place.stamp.size:
                file.seek(at)
                head, at = file.read(_HEADER), at + _HEADER
                digits = head[48:58].strip()
                if not (head.endswith(_END) and len(head) == _HEADER and digits.isdigit()):
                    raise InputError(f"cannot read {place.name} from byte {at - _HEADER} on: it is damaged there")
                size, written = int(digits), head[16:28].strip()
                yield Entry(
                    head[:16].decode("latin-1").rstrip().removesuffix("/"),
                    partial(disk, place.path, place.name, place.stamp, at, size),
                    modified=float(written) if written.isdigit() else None,
                    span=(at, at + size),
                )
                at += size + size % 2
    except BROKEN as error:
        raise unreadable(place.name, error) from error
