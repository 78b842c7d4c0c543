"""Finds the formats of intrusions: every module of this folder but this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

from counterfoil import plugins
from counterfoil.model.story import Story
from counterfoil.report import exports as package


@dataclass(frozen=True)
class About:
    """What a format says of where the intrusions are from. `last_event`: the last record of the case, naive UTC.

    `others`: groups of suspicious tokens, and tokens that join nothing, which are not told.
    """

    case: str
    version: str
    last_event: datetime | None
    suspected: int = 0
    single: int = 0


class Format(Protocol):
    """What every module of a format offers."""

    def render(self, stories: Sequence[Story], about: About) -> str:
        """Return the intrusions in this format, the same text for the same values."""


def formats() -> tuple[str, ...]:
    """Return the names of all formats: text first, the others in order."""
    return tuple(sorted(plugins.names(package, but={"registry"}), key=lambda name: name != "text"))


def render(name: str, stories: Sequence[Story], about: About) -> str:
    """Return the intrusions in the format of that name; KeyError if there is none."""
    if name not in formats():
        raise KeyError(name)
    return cast(Format, plugins.load(package, name)).render(stories, about)
