"""Looks at the head of a file: compression, container, and a sample of records."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import IO, Any

import msgspec

from counterfoil.read import columns, messages, windows
from counterfoil.read.documents import LISTS, sample
from counterfoil.read.encoding import Encoding, encoding_of, is_windows_1252, utf8
from counterfoil.read.texts import Limits
from counterfoil.unpack.walk import Member

HEAD_BYTES = 4 << 20  # enough for a few records of the largest kind
SAMPLE_RECORDS = 50
MAX_COLUMNS = 1_000

# Binary forms in which event hubs and workspaces store what they capture or export.
_BINARY = ((b"PAR1", "a Parquet file"), (b"Obj\x01", "an Avro file"), (b"ORC", "an ORC file"))
_IN_STRINGS = re.compile(rb'"\s*\{\s*\\')

# What decoding raises for a text that is no JSON, is nested too deeply, or is not UTF-8.
_BROKEN = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Container(StrEnum):
    """How a file holds its records."""

    LINES = "json-lines"
    DOCUMENT = "json-document"
    CSV = "csv"
    EVENT_XML = "windows-event-xml"
    EVENT_TEXT = "windows-event-text"
    EVTX = "windows-evtx"
    MESSAGES = "messages"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Head:
    """What the first bytes show. `header` is a CSV's; `why` says why the container is unknown.

    `encoding` is that of the text; a reader of bytes takes them as they are, which is UTF_8.
    """

    container: Container
    header: tuple[str, ...] = ()
    records: tuple[Any, ...] = ()
    why: str = ""
    encoding: Encoding = Encoding.UTF_8


def sniff(member: Member) -> Head:
    """Return what the head of the file shows; raises InputError if it cannot be opened."""
    with member.open() as file:
        data = file.read(HEAD_BYTES)
    whole = len(data) < HEAD_BYTES
    encoding = encoding_of(data)
    head = _told(utf8(_stream(data), encoding).read(), whole)
    if head.container is not Container.CSV:
        return replace(head, encoding=encoding)
    lines = data if whole else data[: data.rfind(b"\n") + 1]
    if encoding is Encoding.UTF_8 and is_windows_1252(lines):
        encoding = Encoding.WINDOWS_1252
        head = _told(utf8(_stream(data), encoding).read(), whole)
    return replace(head, encoding=encoding)


def _stream(data: bytes) -> IO[bytes]:
    return io.BufferedReader(io.BytesIO(data))


def _told(data: bytes, whole: bool) -> Head:
    """Return what UTF-8 text shows."""
    events = windows.sniffed(data, SAMPLE_RECORDS)
    if events is not None:
        return Head(Container(events.container), records=events.records, why=events.why)
    text = data.lstrip()
    if not text:
        return Head(Container.EMPTY, why="empty file")
    for magic, what in _BINARY:
        if text.startswith(magic):
            return Head(Container.UNKNOWN, why=f"{what}: convert it to JSON lines")
    if _IN_STRINGS.match(text):
        return Head(Container.UNKNOWN, why="JSON records inside of strings: write them as objects (jq -c fromjson)")
    if b"\x00" in text[:1024]:
        return Head(Container.UNKNOWN, why="binary file, not a log export in text")
    if messages.looks_like(text):
        return _messages(data)
    if text[:1] == b"[":
        return _document(data)
    if text[:1] == b"{":
        return _lines(data, whole) or _document(data)
    return _lines(data, whole) or _csv(data, whole)


def _messages(data: bytes) -> Head:
    """Return the first messages of a collecting tool."""
    found = messages.messages(_stream(data), lambda _: None, Limits())
    texts = [text for text, _ in islice(found, SAMPLE_RECORDS) if text is not None]
    return Head(Container.MESSAGES, records=(*map(json.loads, texts),) or (messages.NOTHING,))


def _lines(data: bytes, whole: bool) -> Head | None:
    """Return JSON lines, None if the first line is no record of its own and most others are not, either."""
    lines = data.splitlines()
    if not whole and len(lines) > 1:
        lines.pop()  # the last one may be cut
    records: list[Any] = []
    broken, begins = 0, False
    for line in lines:
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line)
        except _BROKEN:
            broken += 1
            continue
        begins = begins or (isinstance(record, dict) and not records and not broken)
        records.append(record)
        if len(records) == SAMPLE_RECORDS:
            break
    if not begins and sum(isinstance(record, dict) for record in records) <= broken:
        return None
    if records and all(map(_is_page, records)):
        return None
    return Head(Container.LINES, records=tuple(records)) if records else None


def _is_page(record: Any) -> bool:
    return isinstance(record, dict) and any(isinstance(record.get(name), list) for name in LISTS)


def _document(data: bytes) -> Head:
    """Return JSON documents with the first records that the head holds."""
    records = sample(data, SAMPLE_RECORDS)
    if records:
        return Head(Container.DOCUMENT, records=records)
    try:
        msgspec.json.decode(data)
        why = "no record in it"
    except _BROKEN as error:
        why = str(error)[:120]
    return Head(Container.UNKNOWN, why=f"neither JSON lines nor JSON documents: {why}")


def _csv(data: bytes, whole: bool) -> Head:
    lines = data if whole else data[: data.rfind(b"\n") + 1]
    try:
        names, rows = columns.rows_of(columns.Lines(_stream(lines)))
        first = [row for row, _ in zip(rows, range(SAMPLE_RECORDS), strict=False)]
    except csv.Error as error:
        return Head(Container.UNKNOWN, why=f"neither JSON nor CSV: {error}")
    if len(names) < 2:
        return Head(Container.UNKNOWN, why="neither JSON nor CSV: the first line has no known form")
    if len(names) > MAX_COLUMNS:
        return Head(Container.UNKNOWN, why=f"a table of {len(names):,} columns: at most {MAX_COLUMNS:,} are read")
    records = tuple(dict(zip(names, row, strict=False)) for row in first)
    return Head(Container.CSV, header=tuple(names), records=records)
