"""One call at a time for what is not thread-safe, without handing the turn from thread to thread for each of them.

Whoever finds nobody at work works for all who wait, as in the log's group commit. With a lock, each call would wait for
its own thread to be woken, and a device would stand still meanwhile: on a busy machine that costs more than signing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from counterfoil.errors import KeyStoreError

T = TypeVar("T")
# Calls that one thread makes for others in a row.
MAX_BATCH = 256


@dataclass
class _Waiting:
    """A call that waits for its result, or for its turn to work."""

    call: Callable[[], Any]
    value: Any = None
    error: Exception | None = None
    done: bool = False
    gate: threading.Lock = field(default_factory=threading.Lock)


class Turns:
    """Runs calls of many threads one after the other."""

    def __init__(self) -> None:
        """Begin with nobody at work."""
        self._mutex, self._queue, self._busy = threading.Lock(), list[_Waiting](), False

    def run(self, call: Callable[[], T]) -> T:
        """Return what the call returns, or raise what it raises; it may run in another thread."""
        mine = _Waiting(call)
        mine.gate.acquire()
        with self._mutex:
            self._queue.append(mine)
            leads = not self._busy
            self._busy = True
        if leads:
            self._lead()
        else:
            try:
                self._follow(mine)
            except KeyboardInterrupt:  # the turn may still come, and others wait behind it
                threading.Thread(target=self._follow, args=(mine,)).start()
                raise
        if mine.error is not None:
            raise mine.error
        value: T = mine.value
        return value

    def _follow(self, mine: _Waiting) -> None:
        mine.gate.acquire()
        if not mine.done:
            self._lead()

    def _lead(self) -> None:
        """Make the calls that wait (one's own is among them), then give the turn to the first who came meanwhile."""
        with self._mutex:
            batch = self._queue[:MAX_BATCH]
            del self._queue[: len(batch)]
        try:
            for waiting in batch:
                try:
                    waiting.value = waiting.call()
                except Exception as error:  # noqa: BLE001  # raised where it belongs, in the thread that called
                    waiting.error = error
                waiting.done = True
                waiting.gate.release()
        finally:
            for waiting in batch:
                if not waiting.done:  # Ctrl-C in this thread
                    waiting.error, waiting.done = KeyStoreError("interrupted"), True
                    waiting.gate.release()
            with self._mutex:
                following = self._queue[0] if self._queue else None
                self._busy = following is not None
            if following is not None:
                following.gate.release()
