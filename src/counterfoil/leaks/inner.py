"""A stream of what is inside of a file, and how much of it is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from counterfoil.leaks.chunks import Readable

# Values, attachments and objects are given on up to this size each; longer ones are cut, and so is a row's say of them.
MOST_VALUE_BYTES = 64 << 20
CUT = f"what is in it is longer than {MOST_VALUE_BYTES >> 20} MiB: the rest was not looked at"
BETWEEN = b"\n\0\n"  # so that two values never read as one


@dataclass(frozen=True, repr=False)
class Inner:
    """A stream of what was inside, or why there is none."""

    name: str
    stream: Readable
    trouble: str = ""


class Pieces:
    """A stream of pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Take over the pieces."""
        self._pieces, self._held = pieces, b""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = piece
        part, self._held = self._held[:size], self._held[size:]
        return part


def untold(name: str, why: str) -> Inner:
    """Return what was not looked at, and why."""
    return Inner(name, Pieces(iter(())), why)
