"""Tables of expectations: a sentence, a record of a sample, and the evidence columns that it must give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .reading import SAMPLES, Read, read

Rows = Mapping[tuple[str, int], Mapping[str, Any]]


@dataclass(frozen=True)
class Promise:
    """`columns` of the record at `position` (1-based) of the sample `name`."""

    sentence: str
    name: str
    position: int
    columns: Mapping[str, Any]

    def hold(self, rows: Rows) -> None:
        """Compare each promised column with the evidence."""
        row = rows[self.name, self.position]
        assert {name: row[name] for name in self.columns} == dict(self.columns)


def at(text: str) -> datetime:
    """Return an ISO time as the engine gives it: UTC without a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).replace(tzinfo=None)


def read_samples(folder: str, names: Iterable[str], work: Path) -> dict[str, Read]:
    """Read samples of a folder by name."""
    listed = list(names)
    return dict(zip(listed, read([SAMPLES / folder / name for name in listed], work), strict=True))


def by_position(found: Mapping[str, Read]) -> Rows:
    """Return all rows, rejects too, by sample and position."""
    return {
        (name, row["raw_position"]): row for name, one in found.items() for row in (*one.rows, *one.rejects)
    }
