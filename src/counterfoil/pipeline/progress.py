"""How a run tells what it is doing; the command line draws it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told about a run's stages. Every method may do nothing."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage; `total` is in the unit of `advance` (bytes when reading), None if unknown."""

    def advance(self, amount: int) -> None:
        """Report progress within the stage."""

    def note(self, text: str) -> None:
        """Tell one line of interest."""


class Silent:
    """Tells nobody."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Ignore the stage."""

    def advance(self, amount: int) -> None:
        """Ignore the progress."""

    def note(self, text: str) -> None:
        """Ignore the line."""
