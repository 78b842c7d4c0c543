"""The estate's clock: all its processes tell this time, and only its runner moves it, so that hours pass in seconds."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

FILE = "clock"
_OFFSET = struct.Struct("<d")


@dataclass(frozen=True)
class Clock:
    """The real time and an offset, in seconds, which stands in a file."""

    path: Path

    @classmethod
    def started(cls, folder: Path, offset: float) -> Clock:
        """Return a clock for the estate in a folder that begins with this offset."""
        (folder / FILE).write_bytes(_OFFSET.pack(offset))
        return cls(folder / FILE)

    def seconds(self) -> float:
        """Return the time, as Unix seconds."""
        return time.time() + self._offset()

    def now(self) -> datetime:
        """Return the time."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        whole = _OFFSET.pack(self._offset() + seconds)
        with self.path.open("r+b", buffering=0) as file:
            file.write(whole)  # one write of eight bytes: nobody reads half of it

    def _offset(self) -> float:
        offset: float = _OFFSET.unpack(self.path.read_bytes())[0]
        return offset
