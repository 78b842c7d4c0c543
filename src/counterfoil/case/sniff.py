"""Looks at the head of a file: compression, container, and a sample of records."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from counterfoil.case import columns
from counterfoil.unpack.walk import Member

HEAD_BYTES = 4 << 20  # enough for a few records of the largest kind
SAMPLE_RECORDS = 50
MAX_COLUMNS = 1_000
BOM = b"\xef\xbb\xbf"

# The members of a JSON document that hold its records (Graph: value, Azure storage and Event Hubs: records).
LISTS = ("value", "records", "Records")

# What decoding raises for a text that is no JSON, is nested too deeply, or is not UTF-8.
_BROKEN = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Container(StrEnum):
    """How a file holds its records."""

    LINES = "json-lines"
    DOCUMENT = "json-document"
    CSV = "csv"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Head:
    """What the first bytes show. `header` is a CSV's; `why` says why the container is unknown."""

    container: Container
    header: tuple[str, ...] = ()
    records: tuple[Any, ...] = ()
    why: str = ""


def sniff(member: Member) -> Head:
    """Return what the head of the file shows; raises InputError if it cannot be opened."""
    with member.open() as file:
        data = file.read(HEAD_BYTES)
    whole = len(data) < HEAD_BYTES
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Head(Container.UNKNOWN, why="UTF-16 text: save it as UTF-8")
    data = data.removeprefix(BOM)
    text = data.lstrip()
    if not text:
        return Head(Container.EMPTY, why="empty file")
    if b"\x00" in text[:1024]:
        return Head(Container.UNKNOWN, why="binary file, not a log export in text")
    if text[:1] == b"[":
        return _document(data, whole)
    if text[:1] == b"{":
        return _lines(data, whole) or _document(data, whole)
    return _lines(data, whole) or _csv(data, whole)


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
    if len(records) == 1 and isinstance(records[0], dict) and any(isinstance(records[0].get(k), list) for k in LISTS):
        return None
    return Head(Container.LINES, records=tuple(records)) if records else None


def _document(data: bytes, whole: bool) -> Head:
    """Return a JSON document with the first records that its head holds."""
    if whole:
        try:
            value = msgspec.json.decode(data)
        except _BROKEN as error:
            return Head(Container.UNKNOWN, why=f"neither JSON lines nor one JSON document: {str(error)[:120]}")
        return Head(Container.DOCUMENT, records=tuple(records_of(value)[:SAMPLE_RECORDS]))
    return Head(Container.DOCUMENT, records=tuple(_first_elements(data.decode("utf-8", "replace"))))


def records_of(value: Any) -> list[Any]:
    """Return the records of a decoded document: an array's elements, a known list's, else the document itself."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        for key in LISTS:
            if isinstance(value.get(key), list):
                return list(value[key])
    return [value]


def _first_elements(text: str) -> Iterator[Any]:
    """Yield the elements of the first array in the text that are whole."""
    decoder = json.JSONDecoder()
    position = text.find("[") + 1
    for _ in range(SAMPLE_RECORDS):
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        try:
            value, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            return
        yield value


def _csv(data: bytes, whole: bool) -> Head:
    text = data.decode("utf-8", "replace")
    if not whole:
        text = text[: text.rfind("\n") + 1]
    try:
        rows = csv.reader(io.StringIO(without_type_line(text), newline=""))
        header = next(rows, [])
        first = [row for row, _ in zip(rows, range(SAMPLE_RECORDS), strict=False)]
    except csv.Error as error:
        return Head(Container.UNKNOWN, why=f"neither JSON nor CSV: {error}")
    names = tuple(columns.names(header))
    if len(names) < 2 or len(names) > MAX_COLUMNS:
        return Head(Container.UNKNOWN, why="neither JSON nor CSV: the first line has no known form")
    records = tuple(dict(zip(names, row, strict=False)) for row in first)
    return Head(Container.CSV, header=names, records=records)


def without_type_line(text: str) -> str:
    """Return the text without the `#TYPE` line that PowerShell's Export-Csv may put first."""
    return text.partition("\n")[2] if text.startswith("#TYPE") else text
