"""The bytes of an archive that belong to no member: headers, comments, padding, and whatever else lies between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from counterfoil.unpack.place import Disk

_READ_BYTES = 1 << 20


class Between:
    """Reads a file without the spans of its members."""

    def __init__(self, archive: Disk, spans: Iterable[tuple[int, int]]) -> None:
        """Open the file; raises OSError."""
        self._file = archive.path.open("rb")
        self._spans = sorted(span for span in spans if span[1] > span[0])
        self._at = 0

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer."""
        while self._spans and self._at >= self._spans[0][0]:
            self._at = max(self._at, self._spans.pop(0)[1])
        left = self._spans[0][0] - self._at if self._spans else _READ_BYTES
        self._file.seek(self._at)
        data = self._file.read(min(left, len(buffer), _READ_BYTES))
        self._at += len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
