"""Text in UTF-16, of either order: what it says in ASCII."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.leaks.layers.kernel import Kernel, members
from counterfoil.leaks.layers.layer import Layer, Pieces

# So many characters in a row: a seed in Base64 has 43.
_LEAST = 24
_TEXT = members(bytes(range(32, 127)) + b"\t\r\n")


def layers(kernel: Kernel, data: bytes, end: int) -> Iterator[Layer]:
    """Yield the runs of such text that start in data[:end]."""
    pieces = Pieces()
    for first in (0, 1):
        for run in kernel.runs(data, end, _TEXT, _LEAST, first=first, unit=2):
            pieces.add(data[run.start : run.end : 2], run.start, run.end)
    yield from pieces.layer("{}-utf16")
