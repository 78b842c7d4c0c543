"""What the watch of key stores found, and which stores it saw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# The days of a store's log after which every rule can hold; before, nothing found is no all-clear.
ENOUGH_DAYS = 28


@dataclass(frozen=True)
class KeyClue:
    """Something odd at a key: who, by which process, when, what was done, and what is `usual` there.

    `source` and `part` name the log. Empty texts are unknown. `evidence`: `file:position` of one of the records.
    `finding`: the id of the finding that tells it in a report.
    """

    rule: str
    severity: str
    confidence: str
    source: str
    part: str
    key: str
    principal: str
    process: str
    first_seen: datetime
    last_seen: datetime
    records: int
    what: str
    usual: str
    evidence: str
    finding: str


@dataclass(frozen=True)
class KeyStore:
    """A key store whose log is in evidence: how many keys and records it has, from when to when."""

    source: str
    part: str
    keys: int
    records: int
    first_seen: datetime
    last_seen: datetime

    @property
    def days(self) -> int:
        """How many days its log spans."""
        return (self.last_seen - self.first_seen).days


@dataclass(frozen=True)
class KeyWatch:
    """All clues, the gravest first, and all stores."""

    clues: tuple[KeyClue, ...]
    stores: tuple[KeyStore, ...]

    def no_all_clear(self) -> tuple[str, ...]:
        """Return why it proves nothing that nothing was found; none: it does, as far as rules go."""
        if not self.stores:
            return ("no log of a key store is in evidence",)
        return tuple(
            f"{store.source}/{store.part} is known for {store.days} days, and its habits take {ENOUGH_DAYS}"
            for store in self.stores if store.days < ENOUGH_DAYS
        )
