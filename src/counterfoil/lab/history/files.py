"""Records on their way to files: held by slices of time, rendered, and written with the same bytes on every run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar

import msgspec

from counterfoil.lab.history.clock import SLICE, day_of

_BATCH = 32  # pieces per write: larger buffers cost more in fresh memory than they save in calls
_time = itemgetter(0)
# A record: its time in microseconds, then what its kind needs.
Row = TypeVar("Row", bound="tuple[Any, ...]")
_Row_contra = TypeVar("_Row_contra", bound="tuple[Any, ...]", contravariant=True)
# Turns the records of a slice into pieces of text.
Render = Callable[[list[Row]], list[str]]


class Sink(Protocol[_Row_contra]):
    """One wrapper of records of one kind. `lines`: how many pieces of text were written."""

    lines: int

    def write(self, rows: Sequence[_Row_contra], /) -> None:
        """Write the records of one slice, in their order; slices come in order."""

    def close(self) -> list[Path]:
        """Finish the files and return their paths."""


class Output(Generic[Row]):
    """Writes records under `folder` to NAME.EXTENSION, or to NAME-DATE.EXTENSION where `per_day` is set.

    `opening` and `closing` surround the content of each file; pieces are joined by `between`.
    """

    def __init__(
        self, folder: Path, stem: str, extension: str, render: Render[Row], *, per_day: bool = False,
        opening: str = "", between: str = "", closing: str = "",
    ) -> None:
        self._folder, self._stem, self._extension, self._render = folder, stem, extension, render
        self._per_day, self._opening, self._between, self._closing = per_day, opening, between, closing
        self._file: BinaryIO | None = None
        self._current, self._fresh = "", True
        self._paths: list[Path] = []
        self.lines = 0

    def write(self, rows: Sequence[Row]) -> None:
        """Write the records of one slice, in their order; slices come in order."""
        pieces = self._render(list(rows))
        if not pieces:
            return
        self.lines += len(pieces)
        name = f"{self._stem}-{day_of(rows[0][0])}" if self._per_day else self._stem
        if self._file is None or name != self._current:
            self.close()
            self._file = self._open(name)
        lead = "" if self._fresh else self._between
        self._fresh = False
        for start in range(0, len(pieces), _BATCH):
            text = self._between.join(pieces[start : start + _BATCH])
            self._file.write((lead + text).encode())
            lead = self._between

    def _open(self, name: str) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.{self._extension}"
        self._paths.append(path)
        self._current, self._fresh = name, True
        file = path.open("wb")
        file.write(self._opening.encode())
        return file

    def close(self) -> list[Path]:
        """Finish the file that is open, if any, and return the paths of all."""
        if self._file is not None:
            self._file.write(self._closing.encode())
            self._file.close()
            self._file = None
        return self._paths


class Stream(Generic[Row]):
    """Records of one kind, and all wrappers that they are written in."""

    def __init__(self, sinks: Sequence[Sink[Row]]) -> None:
        self._sinks = sinks
        self._slices: defaultdict[int, list[Row]] = defaultdict(list)

    def add(self, row: Row) -> None:
        """Hold a record until its slice is written."""
        self._slices[row[0] // SLICE].append(row)

    def flush(self, number: int) -> None:
        """Write all records of slice `number` (slices since 1970)."""
        rows = self._slices.pop(number, [])
        rows.sort(key=_time)
        for sink in self._sinks:
            sink.write(rows)

    def close(self) -> tuple[int, list[Path]]:
        """Finish all files; return how many lines they hold, and their paths."""
        paths = [path for sink in self._sinks for path in sink.close()]
        return sum(sink.lines for sink in self._sinks), paths


def quoted(value: object) -> str:
    """Return `value` as JSON text."""
    return msgspec.json.encode(value).decode()
