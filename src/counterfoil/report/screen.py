"""What a format may know of the place it is shown at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Screen:
    """Width in columns, whether colour is wanted, and how many rows of a table are shown at most (None: all)."""

    width: int = 100
    colour: bool = False
    rows: int | None = None
