"""What was fetched, kept for a while: one fetch at a time for each thing, and none more often than it may be."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from counterfoil.errors import CounterfoilError

T = TypeVar("T")
Fetch = Callable[[], tuple[T, float | None]]


@dataclass(frozen=True)
class Ages:
    """Seconds. `least`, `most`: what is fetched is kept so long, whatever the server says; `usual`: if it says nothing.

    `stale`: while nothing good can be had, what was fetched last is used for so long after its fetch.
    `pause`: so long from one fetch to the next that somebody asks for early. `retry`: after a fetch that failed.
    """

    least: float = 60.0
    usual: float = 3_600.0
    most: float = 86_400.0
    stale: float = 86_400.0
    pause: float = 60.0
    retry: float = 30.0


@dataclass
class _Held(Generic[T]):
    value: T
    fetched: float
    until: float


@dataclass
class _Slot(Generic[T]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    held: _Held[T] | None = None
    tried: float = float("-inf")
    error: CounterfoilError | None = None


class Cached(Generic[T]):
    """Values by name, at most `room` of them."""

    def __init__(self, ages: Ages, room: int = 256, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep values for these ages."""
        self._ages, self._room, self._clock = ages, room, clock
        self._slots: OrderedDict[str, _Slot[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str, fetch: Fetch[T], *, newer: bool = False) -> T:
        """Return the value, fetched if need be. `newer`: a caller missed something in it; once in `pause` that counts.

        `fetch` returns the value and how long it may be kept (None: not said), or raises CounterfoilError, which is
        raised here if there is nothing that may be used. Whoever comes while another fetches waits for him, unless
        there is a value that is still good, or the last fetch failed and another is only tried after a while.
        """
        slot = self._slot(name)
        now = self._clock()
        held = slot.held
        if held is not None and now < held.until and not newer and slot.error is None:
            return held.value
        usable = held is not None and now < held.fetched + self._ages.stale
        failed = slot.error if self._ages.retry else None
        if not slot.lock.acquire(blocking=not usable and failed is None):
            if held is not None and usable:
                return held.value
            raise _again(failed, name)
        try:
            return self._fetched(slot, name, fetch, newer=newer, seen=held)
        finally:
            slot.lock.release()

    def now(self) -> float:
        """Return the time, for whoever asks several things of one moment."""
        return self._clock()

    def fresh(self, name: str, at: float | None = None) -> bool:
        """Tell whether there is a value that need not be fetched again yet (`at` a moment; None: now)."""
        slot = self._slots.get(name)
        if slot is None or slot.held is None or slot.error is not None:
            return False
        return (self._clock() if at is None else at) < slot.held.until

    def held(self, name: str, at: float | None = None) -> T | None:
        """Return the value as it was fetched last, while it may be used at all; nobody is asked."""
        slot = self._slots.get(name)
        held = None if slot is None else slot.held
        moment = self._clock() if at is None else at
        good = held is not None and moment < max(held.until, held.fetched + self._ages.stale)
        return held.value if held is not None and good else None

    def failed(self, name: str) -> CounterfoilError | None:
        """Return why the last fetch failed; None if it did not."""
        slot = self._slots.get(name)
        return None if slot is None else slot.error

    def retry(self, name: str, fetch: Fetch[T]) -> None:
        """Try again what failed, not oftener than it may be, in a thread of its own: nobody waits for it."""
        slot = self._slot(name)
        if self._clock() >= slot.tried + self._ages.retry and not slot.lock.locked():
            threading.Thread(target=self._quietly, args=(name, fetch), name="retry", daemon=True).start()

    def _quietly(self, name: str, fetch: Fetch[T]) -> None:
        with contextlib.suppress(CounterfoilError):  # it is kept, and told to whoever asks
            self.get(name, fetch)

    def _fetched(self, slot: _Slot[T], name: str, fetch: Fetch[T], *, newer: bool, seen: _Held[T] | None) -> T:
        now, held = self._clock(), slot.held
        if held is not None and held is not seen and now < held.until:
            return held.value  # somebody fetched it while this one waited
        failed = slot.error is not None
        due = held is None or now >= held.until or newer or failed
        if due and now >= slot.tried + (self._ages.retry if failed else self._ages.pause if newer else 0.0):
            try:
                value, age = fetch()
            except CounterfoilError as error:
                slot.error = error
            else:
                kept = min(max(self._ages.usual if age is None else age, self._ages.least), self._ages.most)
                slot.held, slot.error = _Held(value, now, now + kept), None
                return value
            finally:
                slot.tried = self._clock()  # a server that takes its time is not asked again at once
        held = slot.held
        if held is not None and now < held.fetched + self._ages.stale:
            return held.value
        raise _again(slot.error, name)

    def _slot(self, name: str) -> _Slot[T]:
        with self._lock:
            slot = self._slots.get(name)
            if slot is None:
                slot = self._slots[name] = _Slot()
                if len(self._slots) > self._room:
                    self._slots.popitem(last=False)
            else:
                self._slots.move_to_end(name)
            return slot


def _again(error: CounterfoilError | None, name: str) -> CounterfoilError:
    """Return the error to raise once more; without the frames of those who met it before, and their tokens."""
    return CounterfoilError(f"{name}: asked for again too soon") if error is None else error.with_traceback(None)
