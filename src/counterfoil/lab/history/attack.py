"""What every acted-out intrusion is: something that adds the records of a day before the day is lived."""

from __future__ import annotations

from datetime import date
from typing import Protocol


class Attack(Protocol):
    """An intrusion at work. It draws from its own numbers, so genuine life is the same with and without it."""

    def plan(self, day: date) -> None:
        """Put the records of `day` into the world; they may lie at any time from that day's midnight on."""
