"""JSON documents to records, as a stream: arrays, pages, objects one after another, in any mixture and layout.

A document is an array of records, an object that holds them in a known list, or a record. However long a file is, no
more of it is held than one chunk and one record. What is broken costs as little as can be told apart: an element whose
brackets pair is rejected alone; where they do not, the rest is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from counterfoil.read.structure import Found, Positions, State, values
from counterfoil.read.texts import Limits, Texts, TextStream, one_by_one, refused, shared

BATCH_RECORDS = 4_096
# The members of a JSON document that hold its records (Graph: value; Azure storage and Event Hubs: records; advanced
# hunting: results).
LISTS = ("value", "records", "Records", "results")
NOT_JSON = "not JSON"

# Each costs a look at all that was read ahead. No export holds more documents, and what is broken in more places is
# no export.
MAX_ARRAYS, MAX_GAPS = 10_000, 256
NEAR_BYTES = 1 << 16

_BLANK = b" \t\r\n"
_BETWEEN = _BLANK + b","
_LIST_NAMES = tuple(f'"{name}"'.encode() for name in LISTS)
_LIST = rb'"(?:value|records|Records|results)"\s*:\s*'
_A_LIST = re.compile(_LIST + rb"\[")
_THE_LIST = re.compile(_LIST + rb"$")
_BEFORE_LIST = 128  # bytes in which a list's name and the blanks after it must stand
_NEXT_PAGE = re.compile(rb'"@odata\.nextLink"\s*:\s*"')
# Values that are neither objects nor arrays, with quotes as `structure` reads them; and all up to the last comma.
_QUOTED = rb'"(?:[^"\\]|\\.)*+"|\\.?'
_VALUE = re.compile(rb"(?:" + _QUOTED + rb'|[^\s,"\\])++', re.DOTALL)
_SETTLED = re.compile(rb"(?:(?:" + _QUOTED + rb'|[^,"\\])*+,)*+', re.DOTALL)
_RECORD_BEGINS = re.compile(rb"[\[{]")


@dataclass
class Notes:
    """What a file tells of itself beside its records: how it shows that it was cut off, and that a page follows."""

    cut: str = ""
    linked: bool = False


class _Listed(msgspec.Struct):
    """A document that holds its records in one of the known lists; other members are left alone."""

    value: list[msgspec.Raw] | None = None
    records: list[msgspec.Raw] | None = None
    Records: list[msgspec.Raw] | None = None
    results: list[msgspec.Raw] | None = None
    next_page: Any = msgspec.field(default=None, name="@odata.nextLink")


def records(read: Callable[[], bytes], notes: Notes, limits: Limits) -> TextStream:
    """Yield the records of the documents that `read` gives chunk by chunk, UTF-8 without a byte order mark."""
    return _Documents(read, notes, limits).texts()


def sample(head: bytes, count: int) -> tuple[Any, ...]:
    """Return the first `count` records of the head of a file, decoded; what is broken or cut off is left out."""
    found: list[Any] = []
    chunks = iter((head,))
    for texts, _ in records(lambda: next(chunks, b""), Notes(), Limits(record=len(head) + 1)):
        for text in texts.to_pylist():
            try:
                found.append(msgspec.json.decode(text or ""))
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                continue
            if len(found) == count:
                return tuple(found)
    return tuple(found)


class _Documents:
    """The state of the stream: what was read and not yet used."""

    def __init__(self, read: Callable[[], bytes], notes: Notes, limits: Limits) -> None:
        self._read, self._notes, self._limits = read, notes, limits
        self._rest = b""
        self._at = 0  # where in the file the rest begins
        self._arrays = self._gaps = 0  # how many arrays, and how much that is no JSON, stood side by side

    def texts(self) -> TextStream:
        """Yield everything that stands on its own: records, and the records of arrays and lists."""
        while True:
            self._drop(len(self._rest) - len(self._rest.lstrip(_BETWEEN)))
            if not self._rest:
                if self._more():
                    continue
                return
            if self._arrays > MAX_ARRAYS or self._gaps > MAX_GAPS:
                yield self._broken_off(f"over {MAX_ARRAYS:,} arrays side by side, or broken in over {MAX_GAPS} places")
                self._drain()
                return
            if self._rest.startswith(b"["):
                self._arrays += 1
                self._drop(1)
                yield from self._array()
            elif self._rest.startswith(b"{"):
                yield from self._objects()
            else:
                self._gaps += 1
                yield from self._garbage()

    def _more(self) -> bool:
        chunk = self._read()
        self._rest += chunk
        return bool(chunk)

    def _drop(self, count: int) -> None:
        self._rest = self._rest[count:]
        self._at += count

    def _objects(self) -> TextStream:
        """Yield the whole objects that the rest begins with; of one that is not whole, what can be had."""
        rest = self._rest
        # where objects, arrays and rubbish alternate, the next of them is near
        found = values(rest[:NEAR_BYTES]) if self._gaps or self._arrays else values(rest)
        if not len(found.ends):
            found = values(rest)
        whole = len(found.ends)
        for index, start in enumerate(found.starts[:whole]):
            gap_begin = int(found.ends[index - 1]) + 1 if index else 0
            if rest[start] != ord("{") or rest[gap_begin:start].strip(_BETWEEN):
                whole = index
                break
        if whole:
            yield from self._batches(rest[s : e + 1] for s, e in zip(found.starts[:whole], found.ends, strict=False))
            self._drop(int(found.ends[whole - 1]) + 1)
        elif len(rest) > self._limits.record or not self._more():
            yield from self._endless(ended=len(rest) <= self._limits.record)

    def _endless(self, *, ended: bool) -> TextStream:
        """Yield what can be had of an object that is longer than a record, or that the file ends in."""
        inside = _list_begin(self._rest)
        if inside:
            self._notes.linked |= bool(_NEXT_PAGE.search(self._rest, 0, inside))
            self._drop(inside)
            if (yield from self._array()):
                yield from self._past_list()
        elif ended:
            yield self._broken_off()
        else:
            yield from self._too_long()

    def _past_list(self) -> TextStream:
        """Read on to the end of the object whose list has ended."""
        state, tail = State(), b""
        while True:
            found = values(self._rest, state)
            end = found.close if found.close >= 0 else len(self._rest)
            tail = (tail + self._rest[:end])[: self._limits.record]
            self._drop(end)
            if found.close >= 0:
                self._drop(1)
                break
            state = found.state
            if not self._more():
                yield self._broken_off()
                break
        self._notes.linked |= bool(_NEXT_PAGE.search(tail))

    def _array(self) -> Generator[Texts, None, bool]:
        """Yield the elements of the array that the rest begins inside of; return whether it ended as it should.

        Its first element tells whether they are pages: to look into each costs as much as to find them.
        """
        pages: bool | None = None
        while True:
            found = values(self._rest)
            if pages is None and len(found.ends):
                pages = _holds_list(self._rest[found.starts[0] : found.ends[0]])
            yield from self._elements(found, pages is True)
            if found.close >= 0:
                yield from self._loose(self._rest[self._used(found) : found.close])
                self._drop(found.close + 1)
                return True
            begun = len(found.starts) > len(found.ends)
            if begun:
                start = int(found.starts[-1])
                yield from self._loose(self._rest[self._used(found) : start])
                self._drop(start)
            else:
                self._drop(self._used(found))
                yield from self._settled()
            if len(self._rest) > self._limits.record:
                if not begun:
                    yield self._broken_off("a value that is no record, and no end of it")
                    self._drain()
                    return False
                yield from self._too_long()
            elif not self._more():
                yield self._broken_off()
                return False

    @staticmethod
    def _used(found: Found) -> int:
        return int(found.ends[-1]) + 1 if len(found.ends) else 0

    def _elements(self, found: Found, pages: bool) -> TextStream:
        """Yield the objects and arrays of an array that are whole, and what else stands between them."""
        whole = len(found.ends)
        if not whole:
            return
        starts, ends = found.starts[:whole], found.ends + 1
        gaps = zip([0, *ends[:-1].tolist()], starts.tolist(), strict=True)
        loose = [index for index, (end, start) in enumerate(gaps) if self._rest[end:start].strip(_BETWEEN)]
        if not loose and not pages:
            yield _joined(self._rest, starts, ends, self._limits)
            return
        inside = self._in_order(starts.tolist(), ends.tolist(), set(loose))
        yield from self._batches(inside, opened=pages)

    def _in_order(self, starts: list[int], ends: list[int], loose: set[int]) -> Iterator[bytes]:
        before = 0
        for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if index in loose:
                yield from _VALUE.findall(self._rest, before, start)
            yield self._rest[start:end]
            before = end

    def _loose(self, gap: bytes) -> TextStream:
        """Yield the values that are neither objects nor arrays: none of them can be a record."""
        if gap.strip(_BETWEEN):
            yield from self._batches(iter(_VALUE.findall(gap)))

    def _settled(self) -> TextStream:
        """Yield such values from the rest, up to the last comma: the one after it may not be whole."""
        settled = _SETTLED.match(self._rest)
        cut = settled.end() if settled else 0
        yield from self._loose(self._rest[:cut])
        self._drop(cut)

    def _batches(self, found: Iterator[bytes], *, opened: bool = True) -> TextStream:
        """Yield the records, and the records of those that are pages if they are to be `opened`."""
        batch: list[bytes] = []
        for record in found:
            batch += self._opened(record) if opened else [record]
            if len(batch) >= BATCH_RECORDS:
                yield one_by_one(batch, self._limits)
                batch = []
        if batch:
            yield one_by_one(batch, self._limits)

    def _opened(self, record: bytes) -> list[bytes]:
        """Return the records of a known list, else the record."""
        if not record.startswith(b"{") or not _holds_list(record):
            return [record]
        try:
            listed = msgspec.json.decode(record, type=_Listed)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return self._torn(record)
        for name in LISTS:
            inside: list[msgspec.Raw] | None = getattr(listed, name)
            if inside is not None:
                self._notes.linked |= bool(listed.next_page)
                return [bytes(raw) for raw in inside]
        return [record]

    def _torn(self, record: bytes) -> list[bytes]:
        """Return what brackets tell apart in a list that holds broken JSON, else the record: it will be rejected."""
        begin = _list_begin(record)
        if not begin:
            return [record]
        self._notes.linked |= bool(_NEXT_PAGE.search(record))
        found = values(record[begin:])
        return [record[begin + s : begin + e + 1] for s, e in zip(found.starts, found.ends, strict=False)]

    def _too_long(self) -> TextStream:
        """Skip the value that the rest begins with, without holding it."""
        state = State()
        while True:
            found = values(self._rest, state)
            if len(found.ends) or found.close >= 0:
                self._drop(int(found.ends[0]) + 1 if len(found.ends) else found.close)
                yield refused(self._limits.too_long)
                return
            state = found.state
            self._drop(len(self._rest))
            if not self._more():
                yield self._broken_off()
                return

    def _garbage(self) -> TextStream:
        """Skip what is no JSON, up to where a record may begin."""
        while True:
            begin = _RECORD_BEGINS.search(self._rest)
            self._drop(begin.start() if begin else len(self._rest))
            if begin or not self._more():
                yield refused(NOT_JSON)
                return

    def _drain(self) -> None:
        while self._more():
            self._drop(len(self._rest))

    def _broken_off(self, why: str = "the file ends before its brackets close") -> Texts:
        """Return the reject for what follows, and note that the file is not all that it was."""
        at = self._at + len(self._rest) - len(self._rest.lstrip(_BETWEEN))
        self._notes.cut = self._notes.cut or f"broken off at byte {at + 1:,}: {why}"
        self._drop(len(self._rest))
        return refused(f"{self._notes.cut}; the rest is not read")


def _holds_list(data: bytes) -> bool:
    """Tell whether a list of a known name may be in the data; to look for the names alone is the fastest."""
    return any(name in data for name in _LIST_NAMES) and _A_LIST.search(data) is not None


def _list_begin(data: bytes) -> int:
    """Return where the records of the known list begin in the object, which need not be whole; 0 if there is none."""
    for start in values(data[1:]).starts:
        at = int(start) + 1
        if data[at] == ord("[") and _THE_LIST.search(data[max(0, at - _BEFORE_LIST) : at]):
            return at + 1
    return 0


def _joined(data: bytes, starts: Positions, ends: Positions, limits: Limits) -> Texts:
    """Return the pieces of the data between the positions as records, copied at once."""
    offsets = np.zeros(len(starts) + 1, dtype=np.int64)
    np.cumsum(ends - starts, out=offsets[1:])
    pieces = map(slice, starts.tolist(), ends.tolist())
    return shared(b"".join(map(data.__getitem__, pieces)), offsets, limits)
