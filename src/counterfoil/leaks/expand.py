"""What lies inside a file in pieces or in another code: SQLite values, packed git objects, mail, network captures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Inner:
    """A stream of what was inside, or why there is none."""

    name: str
    stream: IO[bytes]
    trouble: str = ""


def streams(name: str, open_file: Callable[[], IO[bytes]], path: Path | None) -> Iterator[Inner]:
    """Yield what is inside a file; `path` is where it lies on disk, if it does."""
    del name, open_file, path
    yield from ()
