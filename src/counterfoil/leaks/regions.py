"""Which part of a dump a place lies in: ELF core files and Windows minidumps name the process and its memory.

Headers are hints for people, never trusted: what does not add up gives no regions, and the scan goes on without.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.leaks.finding import Bound, bound

MOST_REGIONS = 100_000
_MOST_NOTE_BYTES = 4 << 20
_ELF, _MINIDUMP = b"\x7fELF", b"MDMP"
_CORE, _LOAD, _NOTE, _PRPSINFO = 4, 1, 4, 3
_MODULES, _MEMORY, _MEMORY64 = 4, 5, 9

# Reads so many bytes at an offset of the file; fewer at its end.
ReadAt = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Region:
    """Bytes [start, end) of a file hold the memory that begins at `address`."""

    start: int
    end: int
    address: int


@dataclass(frozen=True)
class Regions:
    """The regions of a dump in order, and the process it is of, "" if it does not tell.

    `bounds`: when it was written at the latest.
    """

    kind: str = ""
    process: str = ""
    regions: tuple[Region, ...] = ()
    bounds: tuple[Bound, ...] = ()

    def of(self, offset: int) -> str:
        """Return words for the place, "" if nothing is known about it."""
        at = bisect_right(self.regions, offset, key=lambda region: region.start) - 1
        if at < 0 or offset >= self.regions[at].end:
            return f"{self.kind} of {self.process}" if self.process else self.kind
        region = self.regions[at]
        where = f"{self.kind}, address 0x{region.address + offset - region.start:x}"
        return f"{where}, process {self.process}" if self.process else where


def regions(read: ReadAt) -> Regions:
    """Return the regions of a file; none for what is no dump, or a damaged one."""
    head = read(0, 64)
    try:
        if head[:4] == _ELF and len(head) == 64:
            return _core(read, head)
        if head[:4] == _MINIDUMP and len(head) >= 32:
            return _minidump(read, head)
    except (struct.error, ValueError, OverflowError, OSError):
        pass
    return Regions()


def _core(read: ReadAt, head: bytes) -> Regions:
    order = {1: "<", 2: ">"}.get(head[5], "")
    wide = head[4] == 2
    if not order or struct.unpack_from(f"{order}H", head, 16)[0] != _CORE:
        return Regions()
    if wide:
        (table,) = struct.unpack_from(f"{order}Q", head, 32)
        size, count = struct.unpack_from(f"{order}HH", head, 54)
        layout, least = f"{order}IIQQQQQQ", 56
    else:
        (table,) = struct.unpack_from(f"{order}I", head, 28)
        size, count = struct.unpack_from(f"{order}HH", head, 42)
        layout, least = f"{order}IIIIIIII", 32
    if size < least:
        return Regions()
    rows = read(table, size * min(count, MOST_REGIONS))
    found: list[Region] = []
    process = ""
    for at in range(0, len(rows) - size + 1, size):
        fields = struct.unpack_from(layout, rows, at)
        if wide:
            kind, _, offset, address, _, length = fields[:6]
        else:
            kind, offset, address, _, length = fields[:5]
        if kind == _LOAD and length:
            found.append(Region(offset, offset + length, address))
        if kind == _NOTE and not process:
            process = _process(read(offset, min(length, _MOST_NOTE_BYTES)), order, wide)
    return Regions("ELF core", process, tuple(sorted(found, key=lambda region: region.start)))


def _process(notes: bytes, order: str, wide: bool) -> str:
    """Return the name and id of the process that the notes of a core file tell (struct elf_prpsinfo)."""
    at = 0
    while at + 12 <= len(notes):
        name, size, kind = struct.unpack_from(f"{order}III", notes, at)
        body = at + 12 + (name + 3) // 4 * 4
        if kind == _PRPSINFO and size >= (56 if wide else 44) and body + size <= len(notes):
            pid_at, name_at = (24, 40) if wide else (12, 28)
            (pid,) = struct.unpack_from(f"{order}i", notes, body + pid_at)
            text = notes[body + name_at : body + name_at + 16].split(b"\0")[0].decode("ascii", "replace")
            return f"{text} ({pid})"
        at = body + (size + 3) // 4 * 4
    return ""


def _minidump(read: ReadAt, head: bytes) -> Regions:
    _, count, directory = struct.unpack_from("<III", head, 4)
    rows = read(directory, 12 * min(count, 1000))
    found: list[Region] = []
    process = ""
    for at in range(0, len(rows) - 11, 12):
        kind, size, place = struct.unpack_from("<III", rows, at)
        if kind == _MEMORY64:
            found += _memory64(read, place)
        elif kind == _MEMORY:
            (number,) = struct.unpack("<I", read(place, 4))
            ranges = read(place + 4, 16 * min(number, MOST_REGIONS))
            for address, length, offset in struct.iter_unpack("<QII", ranges[: len(ranges) // 16 * 16]):
                found.append(Region(offset, offset + length, address))
        elif kind == _MODULES and size >= 4:
            process = _first_module(read, place)
    taken = bound(struct.unpack_from("<I", head, 20)[0], "header of the minidump")
    return Regions("minidump", process, tuple(sorted(found, key=lambda region: region.start)), taken)


def _memory64(read: ReadAt, place: int) -> list[Region]:
    number, offset = struct.unpack("<QQ", read(place, 16))
    ranges = read(place + 16, 16 * min(number, MOST_REGIONS))
    found: list[Region] = []
    for address, length in struct.iter_unpack("<QQ", ranges[: len(ranges) // 16 * 16]):
        found.append(Region(offset, offset + length, address))
        offset += length
    return found


def _first_module(read: ReadAt, place: int) -> str:
    """Return the file name of the first module, which is the program (MINIDUMP_MODULE)."""
    module = read(place + 4, 24)
    (name_at,) = struct.unpack_from("<I", module, 20)
    (size,) = struct.unpack("<I", read(name_at, 4))
    text = read(name_at + 4, min(size, 1024)).decode("utf-16-le", "replace")
    return text.replace("/", "\\").rsplit("\\", 1)[-1]
