"""Group commit: whoever finds nobody writing writes for all who wait. One write makes all of them durable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from counterfoil.errors import LogError
from counterfoil.tlog import tiles
from counterfoil.tlog.merkle import leaf_hash

# Entries and bytes that one write makes durable at most.
MAX_BATCH = 4_096
MAX_BATCH_BYTES = 16 * 1024 * 1024


@dataclass
class Waiting:
    """An entry that waits to become durable; its lock is held until it is, or until its turn to write has come."""

    entry: bytes
    leaf: bytes
    index: int = -1
    error: LogError | None = None
    done: bool = False
    gate: threading.Lock = field(default_factory=threading.Lock)


class Group:
    """Collects the entries of many threads into writes, one after another."""

    def __init__(self, write: Callable[[list[Waiting]], None], what: str) -> None:
        """`write` makes entries durable and sets their indexes, or raises LogError; `what` is written to."""
        self._write, self._what = write, what
        self._mutex, self._queue, self._writing = threading.Lock(), list[Waiting](), False

    def append(self, entry: bytes) -> int:
        """Return the index of an entry when it is durable; LogError if it could not be made durable."""
        tiles.checked([entry])
        mine = Waiting(entry, leaf_hash(entry))
        mine.gate.acquire()
        with self._mutex:
            self._queue.append(mine)
            leads = not self._writing
            self._writing = True
        if leads:
            self._lead()
        else:
            try:
                self._follow(mine)
            except BaseException:  # interrupted (Ctrl-C): the turn may still come, and others wait behind it
                threading.Thread(target=self._follow, args=(mine,)).start()
                raise
        if mine.error is not None:
            raise LogError(str(mine.error), hint=mine.error.hint) from mine.error
        return mine.index

    def _follow(self, mine: Waiting) -> None:
        """Wait until an entry is written, or until its turn to write has come."""
        mine.gate.acquire()
        if not mine.done:
            self._lead()

    def _lead(self) -> None:
        """Write what waits (one's own entry is among it), then give the turn to the first who came meanwhile."""
        with self._mutex:
            batch = _batch(self._queue)
            del self._queue[: len(batch)]
        failure: LogError | None = LogError(f"{self._what}: a write was interrupted")
        try:
            self._write(batch)
            failure = None
        except LogError as error:
            failure = error
        finally:
            with self._mutex:
                following = self._queue[0] if self._queue else None
                self._writing = following is not None
            for waiting in batch:
                waiting.done, waiting.error = True, failure
                waiting.gate.release()
            if following is not None:
                following.gate.release()


def _batch(queue: list[Waiting]) -> list[Waiting]:
    """Return as many of the first as one write may hold; never none."""
    total, count = 0, 0
    for waiting in queue[:MAX_BATCH]:
        total += len(waiting.entry)
        if count and total > MAX_BATCH_BYTES:
            break
        count += 1
    return queue[:count]
