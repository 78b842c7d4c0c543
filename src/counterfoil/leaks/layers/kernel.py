"""What the layers ask of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from counterfoil.leaks.hits import Anchor, Place, Run


class Kernel(Protocol):
    """Finds runs of text; `_native` and `_portable` do."""

    def anchors(self, data: bytes, begin: int, end: int, literals: Sequence[bytes]) -> list[Anchor]:
        """Return where literals (of at least four bytes) start in data[begin:end], in order of offset."""

    def runs(self, data: bytes, end: int, members: bytes, least: int, *, first: int = 0, unit: int = 1) -> list[Run]:
        """Return the runs of at least `least` units of a class of bytes that start in data[first:end]."""

    def undo_base64(self, data: bytes, end: int, *, continued: bool) -> tuple[bytes, list[Place]]:
        """Return what the runs of Base64 that start in data[:end] hold, and where each stands."""

    def redo_base64(self, data: bytes, run: Run, *, skip: int = 0, alone: bool = False) -> tuple[bytes, list[Place]]:
        """Return what one run holds, read in another way."""


def members(text: bytes) -> bytes:
    """Return a class of bytes as kernels take it."""
    held = frozenset(text)
    return bytes(byte in held for byte in range(256))
