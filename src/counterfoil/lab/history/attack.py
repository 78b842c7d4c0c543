"""What an intrusion is: a value that can be planted, and at work adds the records of a day before the day is lived."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from counterfoil.lab.history.habits import Habits
from counterfoil.lab.history.life import Life
from counterfoil.lab.history.world import World


class Attack(Protocol):
    """An intrusion at work. It draws from its own numbers, so genuine life is the same with and without it."""

    def plan(self, day: date) -> None:
        """Put the records of `day` into the world; they may lie at any time from that day's midnight on."""


class Intrusion(Protocol):
    """An intrusion that can be planted."""

    def at_work(self, world: World, habits: Habits, life: Life) -> Attack:
        """Return it at work in a world; some watch genuine life to imitate it."""
