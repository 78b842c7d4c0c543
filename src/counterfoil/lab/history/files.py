"""Output files: plain or gzip, one per stream or one per day and stream, with the same bytes on every run."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from counterfoil.lab.history.clock import day_of

_BATCH = 32  # pieces per write: larger buffers cost more in fresh memory than they save in calls


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...

    def close(self) -> None: ...


class Output:
    """Writes pieces of text under `folder` to NAME.EXTENSION, or to NAME-DATE.EXTENSION where `per_day` is set.

    `opening` and `closing` surround the content of each file; pieces are joined by `between`.
    """

    def __init__(
        self,
        folder: Path,
        stem: str,
        extension: str,
        *,
        per_day: bool = False,
        compress: bool = False,
        opening: str = "",
        between: str = "",
        closing: str = "",
    ) -> None:
        self._folder, self._stem = folder, stem
        self._extension = extension + (".gz" if compress else "")
        self._per_day, self._compress = per_day, compress
        self._opening, self._between, self._closing = opening, between, closing
        self._file: _Writable | None = None
        self._current = ""
        self._fresh = True
        self.paths: list[Path] = []

    def write(self, t: int, pieces: list[str]) -> None:
        """Write `pieces`, all of the day of `t`; days come in order."""
        if not pieces:
            return
        name = f"{self._stem}-{day_of(t)}" if self._per_day else self._stem
        if self._file is None or name != self._current:
            self.close()
            self._file = self._open(name)
        lead = "" if self._fresh else self._between
        self._fresh = False
        for start in range(0, len(pieces), _BATCH):
            text = self._between.join(pieces[start : start + _BATCH])
            self._file.write((lead + text).encode())
            lead = self._between

    def _open(self, name: str) -> _Writable:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{name}.{self._extension}"
        self.paths.append(path)
        self._current, self._fresh = name, True
        raw = path.open("wb")
        # No name and no time in the gzip header: equal content gives equal bytes.
        file: _Writable = _Gzip(raw) if self._compress else raw
        file.write(self._opening.encode())
        return file

    def close(self) -> None:
        """Finish the file that is open, if any."""
        if self._file is not None:
            self._file.write(self._closing.encode())
            self._file.close()
            self._file = None
            self._current = ""


def quoted(value: object) -> str:
    """Return `value` as JSON text."""
    return msgspec.json.encode(value).decode()


class _Gzip(gzip.GzipFile):
    """A gzip file without name or time that also closes what it wraps."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)
        self._raw = raw

    def close(self) -> None:
        super().close()
        self._raw.close()
