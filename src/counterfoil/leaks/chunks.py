"""A stream in chunks that overlap, so that nothing is lost at their borders."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from counterfoil.leaks.forms.found import AHEAD, BACK

# Bytes that one chunk answers for. Memory is some three chunks for each worker.
CHUNK_BYTES = 4 << 20


class Readable(Protocol):
    """What gives bytes in order."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many of the next bytes; none at the end."""


@dataclass(frozen=True, repr=False)
class Chunk:
    """Bytes of a stream: `data` starts at `offset` of it; what starts in data[begin:end] is this chunk's to find."""

    data: bytes
    offset: int
    begin: int
    end: int


@dataclass(frozen=True)
class Hole:
    """Bytes of a sparse file that are not there."""

    size: int


def of_stream(stream: Readable, size: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield the chunks of a stream to its end; raises what reading it raises, after the chunks before."""
    back, offset = b"", 0
    current, trouble = _read(stream, size)
    while current:
        following: bytes = b""
        if trouble is None:
            following, trouble = _read(stream, size)
        data = back + current + following[:AHEAD]
        yield Chunk(data, offset - len(back), len(back), len(back) + len(current))
        offset += len(current)
        back, current = current[-BACK:], following
    if trouble is not None:
        raise trouble


def of_file(handle: int, start: int = 0, size: int = CHUNK_BYTES) -> Iterator[Chunk | Hole]:
    """Yield the chunks of an open file from `start`, a multiple of `size`, without the holes of a sparse one."""
    offset = start
    while True:
        here = _data_from(handle, offset)
        if here is None:
            end = os.lseek(handle, 0, os.SEEK_END)
            if end > offset:
                yield Hole(end - offset)
            return
        first = here // size * size
        if first > offset:
            yield Hole(first - offset)
            offset = first
        before = min(offset, BACK)
        data = _pread(handle, before + size + AHEAD, offset - before)
        own = min(size, len(data) - before)
        if own <= 0:
            return
        yield Chunk(data, offset - before, before, before + own)
        offset += own


def _read(stream: Readable, size: int) -> tuple[bytes, Exception | None]:
    parts: list[bytes] = []
    left = size
    try:
        while left and (part := stream.read(left)):
            parts.append(part)
            left -= len(part)
    except Exception as error:  # noqa: BLE001  # raised again once what came before it is scanned
        return b"".join(parts), error
    return b"".join(parts), None


def _pread(handle: int, size: int, offset: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := os.pread(handle, size, offset)):
        parts.append(part)
        size, offset = size - len(part), offset + len(part)
    return b"".join(parts)


def _data_from(handle: int, offset: int) -> int | None:
    """Return where data begins at or after the offset, None at the end."""
    try:
        return os.lseek(handle, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        return offset  # a device, or a file system that does not tell
