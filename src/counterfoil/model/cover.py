"""What stands on the cover of a report: whose it is, from when, and to whom it may be given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

MAX_TEXT = 200


class Tlp(StrEnum):
    """The Traffic Light Protocol 2.0 of FIRST (first.org/tlp): to whom a reader may pass on what he reads."""

    RED = "TLP:RED"
    AMBER_STRICT = "TLP:AMBER+STRICT"
    AMBER = "TLP:AMBER"
    GREEN = "TLP:GREEN"
    CLEAR = "TLP:CLEAR"

    @property
    def meaning(self) -> str:
        """What a reader may do."""
        return _MEANINGS[self]


_MEANINGS = {
    Tlp.RED: "for the eyes of those named here only",
    Tlp.AMBER_STRICT: "within your organisation, to those who need to know",
    Tlp.AMBER: "within your organisation and to its clients, to those who need to know",
    Tlp.GREEN: "within your community, not in public",
    Tlp.CLEAR: "may be passed on to everybody",
}


@dataclass(frozen=True)
class Cover:
    """Each is empty, or None, where nobody said it. `date`: of the report, not of the evidence."""

    title: str = ""
    organisation: str = ""
    author: str = ""
    date: date | None = None
    tlp: Tlp | None = None
