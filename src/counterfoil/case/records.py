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
from typing import IO, Any

import msgspec
import numpy as np
import pyarrow as pa

from counterfoil.case import columns
from counterfoil.case.sniff import BOM, LISTS, Container
from counterfoil.errors import InputError
from counterfoil.unpack.walk import Member

CHUNK_BYTES = 8 << 20
BATCH_ROWS = 4_096
MAX_RECORD_BYTES = 16 << 20  # the largest real record seen is below 1 MB
MAX_DOCUMENT_BYTES = 1 << 30  # one JSON document is decoded as a whole
NOT_UTF8 = "not UTF-8"

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
class Limits:
    """Bytes of one read, and of the longest record that is taken."""

    chunk: int = CHUNK_BYTES
    record: int = MAX_RECORD_BYTES

    @property
    def too_long(self) -> str:
        """Why a longer record is refused."""
        return f"record longer than {self.record >> 20} MiB"


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
                yield from _file(_Job(file, handle, counter, advance, limits or Limits()))
        except InputError as error:
            counter.failure = error
            raise


def date_order(file: InputText) -> columns.Order | None:
    """Return how a CSV writes day and month in its date columns, None where it need not be told."""
    if file.container is not Container.CSV or not file.date_columns:
        return None
    csv.field_size_limit(MAX_RECORD_BYTES)
    with file.member.open() as handle:
        return columns.order(handle, file.date_columns)


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


_Texts = Iterator[tuple[pa.Array, pa.Array]]


def _lines(job: _Job) -> _Texts:
    """Yield the lines of JSON lines. A line over the limit is skipped without being held."""
    limits = job.limits
    rest, skipping = job.handle.read(len(BOM)).removeprefix(BOM), False
    while chunk := job.handle.read(limits.chunk):
        job.advance(len(chunk))
        data = rest + chunk
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if cut and skipping:
            end = data.index(b"\n") + 1
            yield _refused(limits.too_long)
            data, cut, skipping = data[end:], cut - end, False
        if cut:
            yield _split(data[:cut], limits)
        if len(rest) > limits.record:
            rest, skipping = b"", True
        elif skipping:
            rest = b""
    if skipping:
        yield _refused(limits.too_long)
    elif rest:
        yield _split(rest + b"\n", limits)


def _split(data: bytes, limits: Limits) -> tuple[pa.Array, pa.Array]:
    """Return the lines of `data`, which ends with a newline, as one array that shares its bytes."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    offsets = np.empty(len(ends) + 1, dtype=np.int64)
    offsets[0] = 0
    offsets[1:] = ends + 1
    texts = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    if len(data) <= limits.record or np.diff(offsets).max() <= limits.record:
        with suppress(pa.ArrowInvalid):
            texts.validate(full=True)
            return texts, pa.nulls(len(ends), pa.string())
    return _texts((data[offsets[i] : offsets[i + 1]] for i in range(len(ends))), limits)


def _texts(records: Iterable[bytes], limits: Limits) -> tuple[pa.Array, pa.Array]:
    """Return the records one by one, refusing those that are too long or not UTF-8."""
    texts: list[str | None] = []
    refusals: list[str | None] = []
    for record in records:
        text, why = _text(record, limits)
        texts.append(text)
        refusals.append(why)
    return pa.array(texts, pa.large_string()), pa.array(refusals, pa.string())


def _text(record: bytes, limits: Limits) -> tuple[str | None, str | None]:
    if len(record) > limits.record:
        return None, limits.too_long
    try:
        return record.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, NOT_UTF8


def _refused(why: str) -> tuple[pa.Array, pa.Array]:
    return pa.array([None], pa.large_string()), pa.array([why], pa.string())


class _Listed(msgspec.Struct):
    """A document that holds its records in one of the known lists; other members are left alone."""

    value: list[msgspec.Raw] | None = None
    records: list[msgspec.Raw] | None = None
    Records: list[msgspec.Raw] | None = None
    next_page: Any = msgspec.field(default=None, name="@odata.nextLink")


def _document(job: _Job) -> _Texts:
    """Yield the elements of one JSON document, undecoded."""
    file = job.file
    data = job.handle.read(MAX_DOCUMENT_BYTES + 1)
    job.advance(len(data))
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InputError(
            f"{file.member.name} is one JSON document of over {MAX_DOCUMENT_BYTES >> 20} MiB",
            hint="write it as JSON lines, one record a line (jq -c '.[]')",
        )
    data = data.removeprefix(BOM)
    try:
        found, next_page = _elements(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"{file.member.name} is damaged: {str(error)[:160]}", hint="export it again") from error
    if next_page:
        job.counter.linked.add(file.number)
    for offset in range(0, len(found), BATCH_ROWS):
        yield _texts((bytes(raw) for raw in found[offset : offset + BATCH_ROWS]), job.limits)


def _elements(data: bytes) -> tuple[list[msgspec.Raw], Any]:
    """Return the records of the document, and its link to the page that follows."""
    if data.lstrip()[:1] == b"[":
        return msgspec.json.decode(data, type=list[msgspec.Raw]), None
    listed = msgspec.json.decode(data, type=_Listed)
    for name in LISTS:
        found: list[msgspec.Raw] | None = getattr(listed, name)
        if found is not None:
            return found, listed.next_page
    return [msgspec.Raw(data)], None


def _csv(job: _Job) -> _Texts:
    """Yield the rows of a CSV as JSON objects; cells of `json_columns` are embedded as they stand."""
    csv.field_size_limit(job.limits.record)
    header, rows = columns.rows_of(job.handle, job.advance)
    keys = [(json.dumps(name), name in job.file.json_columns) for name in header]
    texts: list[bytes] = []
    try:
        for row in rows:
            texts.append(_row(keys, row).encode("utf-8", "surrogateescape"))
            if len(texts) == BATCH_ROWS:
                yield _texts(texts, job.limits)
                texts = []
    except csv.Error as error:
        yield _texts(texts, job.limits)
        yield _refused(f"broken CSV from here on: {error}")
        return
    yield _texts(texts, job.limits)


def _row(keys: list[tuple[str, bool]], row: list[str]) -> str:
    """Return the row as a JSON object, a blank line as nothing.

    An embedded cell that is no JSON makes the whole no JSON: a reject.
    """
    if not row:
        return ""
    members = [
        f"{key}:{cell if embedded and cell.strip() else _quoted(cell)}"
        for (key, embedded), cell in zip(keys, row, strict=False)
    ]
    return "{" + ",".join(members) + "}"


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


_READERS: dict[Container, Callable[[_Job], _Texts]] = {
    Container.LINES: _lines,
    Container.DOCUMENT: _document,
    Container.CSV: _csv,
}
