"""What one file may cost: seconds of reading the marks in it, and bytes that are decoded from it.

Bytes are scanned at a pace that no content slows down. What is written in them is read, and that an attacker can make
slow; where it gets too slow, the file is not scanned to its end, and the report says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from counterfoil.leaks.finding import Unread

# Processor seconds for any file, and for each of its bytes: a file of nothing but keys takes a tenth of it.
FILE_SECONDS = 60.0
_SECONDS_A_BYTE = 1e-6
# Bytes decoded for any file, and for each of its bytes: layer upon layer gives three at most, compressed ones more.
_FREE_BYTES, _RATIO = 256 << 20, 16


class Effort:
    """The effort for one file on disk, with all that is inside of it; threads share it."""

    def __init__(self, seconds: float = FILE_SECONDS) -> None:
        """Allow so many seconds, and some for each byte that is scanned."""
        self._lock = threading.Lock()
        self._seconds, self._bytes = seconds, float(_FREE_BYTES)
        self._allowed = seconds
        self._told: dict[tuple[str, str], None] = {}

    def begin(self, size: int) -> None:
        """Allow for `size` more bytes."""
        with self._lock:
            self._seconds += size * _SECONDS_A_BYTE
            self._bytes += size * _RATIO

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Count the processor time that this thread takes."""
        begun = time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self._seconds -= time.thread_time() - begun

    def decoded(self, size: int) -> None:
        """Count bytes that were decoded."""
        with self._lock:
            self._bytes -= size

    def tell(self, path: str, why: str) -> None:
        """Note that something in a file or member is not read."""
        with self._lock:
            self._told.setdefault((path, why))

    def told(self) -> list[Unread]:
        """Return what was noted, each once."""
        return [Unread(path, why) for path, why in self._told]

    def is_spent(self, path: str) -> bool:
        """Tell whether no more is read, and note it."""
        if self._seconds < 0:
            self.tell(path, f"not scanned to its end: what is written in it takes over {self._allowed:,.0f} s to read")
        elif self._bytes < 0:
            self.tell(path, f"not scanned to its end: over {_FREE_BYTES >> 20} MiB are packed into its text")
        else:
            return False
        return True
