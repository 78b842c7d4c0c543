"""Where bytes are: a file on disk, or an entry of an archive that can be opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from counterfoil.unpack.streams import Stamp


@dataclass(frozen=True)
class Disk:
    """A file on disk and the name under which it is shown; it must stay as it was when stamped."""

    path: Path
    name: str
    stamp: Stamp


@dataclass(frozen=True)
class Entry:
    """One entry of an archive by the archive's own name for it; `trouble` says why it cannot be opened.

    `link`: it holds nothing but the name of another file. `span`: where its bytes lie, (0, 0) if unknown.
    `modified`: when the archive says that the file was written, at the latest (Unix seconds); None if it does not say.
    `open` returns its bytes as they are stored (decompressed by the archive) and raises InputError.
    """

    name: str
    open: Callable[[], IO[bytes]]
    trouble: str = ""
    modified: float | None = None
    link: bool = False
    span: tuple[int, int] = (0, 0)


LINK = "a link, which is not followed"


def closed() -> IO[bytes]:
    """Stand in for the bytes of an entry in trouble: nobody asks for them."""
    raise AssertionError("an entry in trouble was opened")
