"""Standard input and pipes as files: an archive, a database or a repository's pack is opened by seeking in it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from counterfoil.leaks.chunks import Readable

# What a stream may take of the temporary folder. What is longer, as a dump of a machine's memory, is scanned as it is.
MOST_SPOOLED_BYTES = 16 << 30
TOO_LONG = (
    f"a stream of over {MOST_SPOOLED_BYTES >> 30} GiB: it was scanned as it is, and not unpacked; "
    "write it to a file, and scan that"
)
_COPY_BYTES = 4 << 20


@dataclass(frozen=True)
class Spooled:
    """What a stream gave, as a file of mode 0600; `whole`: there is no more of it."""

    path: Path
    size: int
    whole: bool


def spooled(stream: Readable, folder: Path, most: int = MOST_SPOOLED_BYTES) -> Spooled:
    """Copy a stream into a new file of the folder, as far as `most` allows; raises OSError."""
    handle, name = tempfile.mkstemp(dir=folder)
    size = 0
    with os.fdopen(handle, "wb") as target:
        while size < most and (data := stream.read(min(_COPY_BYTES, most - size))):
            target.write(data)
            size += len(data)
    return Spooled(Path(name), size, size < most)


class Joined:
    """One stream behind another."""

    def __init__(self, *streams: Readable) -> None:
        """Take over the streams, in order."""
        self._streams = list(streams)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`."""
        while self._streams:
            if part := self._streams[0].read(size):
                return part
            self._streams.pop(0)
        return b""
