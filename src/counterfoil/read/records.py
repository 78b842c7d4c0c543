"""Files to a stream of records: column batches of (file, position, text, refused).

The text of a record is one JSON value: a line, an element of a document, or a CSV row as an object. What
cannot be a record (too long, not UTF-8, a broken CSV row) has no text and says why in `refused`, so that it
ends in the rejects with its position. Bytes go to the engine as they stand in the file: lines are found with
vector operations and shared, not copied.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

import msgspec
import numpy as np
import pyarrow as pa

from counterfoil.errors import InputError
from counterfoil.read import columns, documents, messages, windows
from counterfoil.read.documents import Notes
from counterfoil.read.encoding import Encoding, utf8
from counterfoil.read.sniff import Container
from counterfoil.read.texts import Limits, Texts, TextStream, one_by_one, refused, shared
from counterfoil.unpack.walk import Member

BATCH_ROWS = 4_096
MAX_NAME_CHARS = 100  # of a column, in a reason

SCHEMA = pa.schema(
    [("file", pa.int32()), ("position", pa.int64()), ("text", pa.large_string()), ("refused", pa.string())]
)


@dataclass(frozen=True)
class InputText:
    """One file to stream: `number` stands for it in the batches.

    `shortfall`: the members of a record that hold its number in the result set, and the set's size.
    `date_columns`: columns of a CSV whose dates may have the exporter's locale.
    """

    number: int
    member: Member
    container: Container
    json_columns: frozenset[str] = frozenset()
    shortfall: tuple[str, str] | None = None
    date_columns: frozenset[str] = frozenset()
    encoding: Encoding = Encoding.UTF_8


@dataclass
class Counter:
    """What the stream tells of each file, by its number. The only mutable value here: the stream fills it.

    `records` counts them; `cut` says how a file shows that its export was cut off; `linked` are pages that name one
    that follows; `failure` is what ended the stream, since the engine that pulls it has its own words for it.
    """

    records: dict[int, int] = field(default_factory=dict)
    cut: dict[int, str] = field(default_factory=dict)
    linked: set[int] = field(default_factory=set)
    failure: InputError | None = None


@dataclass(frozen=True)
class _Job:
    """One file being read."""

    file: InputText
    handle: IO[bytes]
    counter: Counter
    advance: Callable[[int], None]
    limits: Limits


def stream(
    files: Iterable[InputText], counter: Counter, advance: Callable[[int], None], limits: Limits | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the records of the files in batches of at most BATCH_ROWS; `advance` is told the bytes read.

    Raises InputError for a file that cannot be read to its end, and notes it in the counter.
    """
    for file in files:
        try:
            with file.member.open() as handle:
                text = utf8(handle, file.encoding)
                yield from _file(_Job(file, text, counter, advance, limits or Limits()))
        except InputError as error:
            counter.failure = error
            raise


def date_order(file: InputText) -> columns.Order | None:
    """Return how a CSV writes day and month in its date columns, None where it need not be told."""
    if file.container is not Container.CSV or not file.date_columns:
        return None
    with file.member.open() as handle:
        return columns.order(utf8(handle, file.encoding), file.date_columns)


def _file(job: _Job) -> Iterator[pa.RecordBatch]:
    """Yield the records of one file."""
    number, counter = job.file.number, job.counter
    shown = Shown(*job.file.shortfall) if job.file.shortfall else None
    for texts, refusals in _READERS[job.file.container](job):
        start = counter.records.get(number, 0)
        counter.records[number] = start + len(texts)
        if shown is not None:
            shown.add(texts.to_pylist())
        yield from _batches(number, start, texts, refusals)
    if shown is not None and shown.cut():
        counter.cut[number] = shown.cut()


def _batches(number: int, start: int, texts: pa.Array, refusals: pa.Array) -> Iterator[pa.RecordBatch]:
    rows = len(texts)
    positions = pa.array(np.arange(start + 1, start + rows + 1, dtype=np.int64))
    files = pa.array(np.full(rows, number, dtype=np.int32))
    batch = pa.RecordBatch.from_arrays([files, positions, texts, refusals], schema=SCHEMA)
    for offset in range(0, rows, BATCH_ROWS):
        yield batch.slice(offset, BATCH_ROWS)


def _lines(job: _Job) -> TextStream:
    """Yield the lines of JSON lines. A line over the limit is skipped without being held."""
    limits = job.limits
    rest, skipping = b"", False
    while chunk := job.handle.read(limits.chunk):
        job.advance(len(chunk))
        data = rest + chunk
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if cut and skipping:
            end = data.index(b"\n") + 1
            yield refused(limits.too_long)
            data, cut, skipping = data[end:], cut - end, False
        if cut:
            yield _split(memoryview(data)[:cut], limits)
        if len(rest) > limits.record:
            rest, skipping = b"", True
        elif skipping:
            rest = b""
    if skipping:
        yield refused(limits.too_long)
    elif rest:
        yield _split(memoryview(rest + b"\n"), limits)


def _split(data: memoryview, limits: Limits) -> Texts:
    """Return the lines of `data`, which ends with a newline, as one array that shares its bytes."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    offsets = np.empty(len(ends) + 1, dtype=np.int64)
    offsets[0] = 0
    offsets[1:] = ends + 1
    return shared(data, offsets, limits)


def _document(job: _Job) -> TextStream:
    """Yield the records of JSON documents."""
    notes = Notes()

    def read() -> bytes:
        chunk = job.handle.read(job.limits.chunk)
        job.advance(len(chunk))
        return chunk

    yield from documents.records(read, notes, job.limits)
    _note(job, notes.cut)
    if notes.linked:
        job.counter.linked.add(job.file.number)


def _csv(job: _Job) -> TextStream:
    """Yield the rows of a CSV as JSON objects; cells of `json_columns` are embedded as they stand."""
    lines = columns.Lines(job.handle, job.advance, job.limits.record)
    header, rows = columns.rows_of(lines)
    keys = [(name, json.dumps(name), name in job.file.json_columns) for name in header]
    texts: list[bytes | str] = []
    try:
        for row in rows:
            texts.append(_row(keys, row))
            if len(texts) > BATCH_ROWS:  # the last one is kept back: the file may end in it
                yield one_by_one(texts[:-1], job.limits)
                texts = texts[-1:]
    except csv.Error as error:
        texts.append(f"broken CSV from here on: {error}")
        _note(job, f"broken CSV after row {job.counter.records.get(job.file.number, 0) + len(texts) - 1:,}")
    else:
        if texts and lines.torn(short=len(row) < len(header)):
            texts[-1] = "the file ends in the middle of this row"
            _note(job, "the file ends in the middle of a row")
    yield one_by_one(texts, job.limits)


def _note(job: _Job, cut: str) -> None:
    if cut:
        job.counter.cut[job.file.number] = cut


def _row(keys: list[tuple[str, str, bool]], row: list[str]) -> bytes | str:
    """Return the row as a JSON object, a blank line as nothing, or why it is refused.

    Cells beyond the header mean that something in the row was taken for a separator: who knows which cell is which.
    """
    if not row:
        return b""
    if len(row) > len(keys) and any(row[len(keys) :]):
        return f"{len(row)} cells under {len(keys)} columns"
    members = []
    for (name, key, embedded), cell in zip(keys, row, strict=False):
        if not embedded or not cell.strip():
            members.append(f"{key}:{_quoted(cell)}")
        elif _is_json(cell):
            members.append(f"{key}:{cell}")
        else:
            return f"not JSON in the column {name[:MAX_NAME_CHARS]}"
    return ("{" + ",".join(members) + "}").encode("utf-8", "surrogateescape")


def _is_json(cell: str) -> bool:
    """Tell whether the cell is one JSON value: it must not end the object and go on with members of its own."""
    try:
        msgspec.json.decode(cell.encode("utf-8", "surrogateescape"), type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _quoted(cell: str) -> str:
    return json.dumps(cell, ensure_ascii=False)


class Shown:
    """Which part of its result sets a file shows, by the members `index` and `count` of its records."""

    def __init__(self, index: str, count: str) -> None:
        """Look at these members."""
        members = [(name, int | str | None, None) for name in ("index", "count")]
        kind = msgspec.defstruct("_Row", members, rename={"index": index, "count": count})
        self._decoder = msgspec.json.Decoder(kind)
        self._names = f"{index}/{count}"
        self._highest: dict[int, int] = {}  # size of a result set -> highest row number seen of it

    def add(self, texts: Iterable[str | None]) -> None:
        """Take in these records; one that does not have both numbers says nothing."""
        for text in texts:
            with suppress(msgspec.DecodeError, RecursionError, ValueError, TypeError):
                row: Any = self._decoder.decode(text or "")
                index, count = int(row.index), int(row.count)
                self._highest[count] = max(index, self._highest.get(count, index))

    def cut(self) -> str:
        """Return how the sets were cut off, the worst of them; empty if none was."""
        short = [(count - index, index, count) for count, index in self._highest.items() if index < max(count, 1)]
        if not short:
            return ""
        _, index, count = max(short)
        return f"rows 1..{index:,} of {count:,} ({self._names})" if index > 0 else f"row {index} ({self._names})"


def _events(job: _Job) -> TextStream:
    """Yield Windows events, each as the JSON object that its source maps."""
    found = windows.events(job.file.container, job.handle, job.advance, job.limits.chunk, job.limits.record)
    try:
        while batch := list(islice(found, BATCH_ROWS)):
            texts = pa.array([text for text, _ in batch], pa.large_string())
            yield texts, pa.array([why for _, why in batch], pa.string())
    except OSError as error:
        raise InputError(f"cannot read {job.file.member.name}: {error}") from error


def _messages(job: _Job) -> TextStream:
    """Yield the messages of a collecting tool, each as a JSON object."""
    found = messages.messages(job.handle, job.advance, job.limits)
    while batch := list(islice(found, BATCH_ROWS)):
        texts = pa.array([text for text, _ in batch], pa.large_string())
        yield texts, pa.array([why for _, why in batch], pa.string())


_READERS: dict[Container, Callable[[_Job], TextStream]] = {
    Container.LINES: _lines,
    Container.DOCUMENT: _document,
    Container.CSV: _csv,
    Container.EVENT_XML: _events,
    Container.EVENT_TEXT: _events,
    Container.EVTX: _events,
    Container.MESSAGES: _messages,
}
