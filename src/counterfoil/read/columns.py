"""The header of a CSV file, and how the file writes dates.

An exporter writes dates in the locale of the person who exported: 5/6/2026 is the fifth of June or the sixth of
May. The order is decided once for a file, from the whole of it, and never guessed.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import IO

from counterfoil.read.texts import MAX_RECORD_BYTES

# Portals add the zone that they show; other zones stay in the name, so that nothing takes the column for UTC.
_ZONE = re.compile(r"\s*\[UTC\]$")
_LOCAL = re.compile(r"\s*(\d{1,2})([/.-])(\d{1,2})\2\d{4}(?!\d)")
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w\s"]|\t)"?\r?\n?')
_QUOTED = re.compile(r'"[^"]*"')
MAX_LINE_RECORDS = 4  # a row of more than one record's length is refused alone, while it can be held at all
MAX_CELL = 65_536  # of a cell that may hold ISO times, so much is looked at
MAX_WITNESSES = 1_000  # rows whose dates are compared with ISO times


class Order(StrEnum):
    """How a file writes the dates that have no year in front."""

    MONTH = "month"  # 5/18/2026
    DAY = "day"  # 18/5/2026
    TWO_WAYS = "two ways"  # nothing in the file tells


def names(header: Sequence[str]) -> list[str]:
    """Return the column names: without spaces around them and `[UTC]`; one that repeats gets its number, ` (2)`.

    One that is blank is named by its place.
    """
    found: dict[str, int] = {}
    result = []
    for place, text in enumerate(header, start=1):
        readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # a name is told to people
        name = _ZONE.sub("", readable.strip()) or f"column {place}"
        found[name] = found.get(name, 0) + 1
        result.append(name if found[name] == 1 else f"{name} ({found[name]})")
    return result


class Lines:
    """The lines of a CSV file as they are read, and whether the file ends in the middle of a row.

    A line too long to be held, or a cell over the `limit` of characters, raises csv.Error. `advance` is told how many
    characters went by. What is not UTF-8 is escaped, for the reader of the rows to refuse.
    """

    def __init__(
        self, handle: IO[bytes], advance: Callable[[int], None] = lambda _: None, limit: int = MAX_RECORD_BYTES
    ) -> None:
        """Read from the handle."""
        self.limit = limit
        self._text = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._advance = advance
        self._quotes = 0
        self._ended = True

    def __iter__(self) -> Iterator[str]:
        """Yield the lines."""
        longest = self.limit * MAX_LINE_RECORDS
        while line := self._text.readline(longest + 1):
            if len(line) > longest:
                raise csv.Error(f"line longer than {longest >> 20} MiB")
            self._advance(len(line))
            self._quotes += line.count('"')
            self._ended = line.endswith(("\n", "\r"))
            yield line

    def torn(self, *, short: bool) -> bool:
        """Tell whether what was read ends inside of quotes, or in a `short` row without an end of line."""
        return self._quotes % 2 == 1 or (short and not self._ended)


def rows_of(lines: Lines) -> tuple[list[str], Iterator[list[str]]]:
    """Return the column names and the rows of a CSV file, without PowerShell's `#TYPE` line and Excel's `sep=` line.

    The separator is the one that Excel's line names, else the one that divides the header most often.
    Raises csv.Error while rows are drawn.
    """
    csv.field_size_limit(lines.limit)  # one for the whole process; the library's own is 128 KiB
    left = iter(lines)
    first = next(left, "")
    if first.startswith("#TYPE"):
        first = next(left, "")
    if told := _SEPARATOR_LINE.fullmatch(first):
        first, separator = next(left, ""), told[1]
    else:
        separator = _separator(first)
    rows = csv.reader(itertools.chain([first], left), delimiter=separator)
    return names(next(rows, [])), rows


def _separator(line: str) -> str:
    """Return what divides the header: Excel writes semicolons where commas are decimal points, and tabs as text."""
    bare = _QUOTED.sub("", line)
    return max(SEPARATORS, key=bare.count)


def order(handle: IO[bytes], dates: frozenset[str]) -> Order | None:
    """Return the order in which the columns `dates` write day and month, None if they write no such date.

    Three things tell: a part above 12; dots or dashes between the parts, for which the Unicode locale data (CLDR 47)
    knows no locale that puts the month first; and ISO times in other cells of the same row, as long as all of them
    agree. What contradicts itself tells nothing.
    """
    header, rows = rows_of(Lines(handle))
    wanted = [index for index, name in enumerate(header) if name in dates]
    found: set[Order] = set()
    witnesses: list[frozenset[Order]] = []
    seen = False
    try:
        for row in rows:
            for cell in (row[index] for index in wanted if index < len(row)):
                match = _LOCAL.match(cell)
                if match is None or int(match[1]) == int(match[3]):  # 5/5/2026 is one day either way
                    continue
                seen = True
                told = _told(match)
                if told is not None:
                    found.add(told)
                elif not found and len(witnesses) < MAX_WITNESSES:
                    witnesses.append(_witness(match, row))
            if len(found) > 1:
                return Order.TWO_WAYS
    except csv.Error:
        pass  # the reader of the rows tells of it
    if found:
        return found.pop()
    return _agreed(witnesses) if seen else None


def _told(match: re.Match[str]) -> Order | None:
    """Return the order that one date shows by itself."""
    first, last = int(match[1]), int(match[3])
    if match[2] != "/" or first > 12:
        return Order.DAY
    return Order.MONTH if last > 12 else None


def _witness(match: re.Match[str], row: Sequence[str]) -> frozenset[Order]:
    """Return the orders under which an ISO time of the row is of the same day."""
    first, last = int(match[1]), int(match[3])
    days = {(int(iso[2]), int(iso[3])) for cell in row for iso in _ISO.finditer(cell[:MAX_CELL])}
    return frozenset(
        side for side, day in ((Order.MONTH, (first, last)), (Order.DAY, (last, first))) if day in days
    )


def _agreed(witnesses: Sequence[frozenset[Order]]) -> Order:
    """Return what at least half of the witnesses say, if none says otherwise."""
    said = [only for only in witnesses if len(only) == 1]
    sides = set().union(*said) if said else set()
    if len(sides) == 1 and len(said) * 2 >= len(witnesses):
        return next(iter(sides))
    return Order.TWO_WAYS

