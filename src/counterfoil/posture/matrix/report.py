"""What a matrix says: cell by cell, what is declared beside what was answered. Values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.posture.matrix.cells import Cell


class Declared(StrEnum):
    """What should be done with a token. `either`: its key has left so lately that the party may still hold it."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    EITHER = "either"


class Answered(StrEnum):
    """What was done with it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "cannot tell"


class Held(StrEnum):
    """How the two compare, worst first."""

    HOLE = "accepted, should be refused"
    BREAK = "refused, should be accepted"
    UNKNOWN = "cannot tell"
    RIGHT = "as declared"


@dataclass(frozen=True)
class CellResult:
    """One cell of one party. `rule`: by which the policy refuses it, such as "V4 key-not-entitled"; empty for none.

    `why`: what was answered, in words. `left`: minutes since its key left the key set, None for one that did not.
    """

    party: str
    cell: Cell
    declared: Declared
    answered: Answered
    rule: str = ""
    why: str = ""
    left: int | None = None

    @property
    def held(self) -> Held:
        """Return how the answer compares."""
        if self.answered is Answered.UNKNOWN:
            return Held.UNKNOWN
        if self.declared is Declared.EITHER:
            return Held.RIGHT
        if (self.answered is Answered.ACCEPTED) == (self.declared is Declared.ACCEPT):
            return Held.RIGHT
        return Held.HOLE if self.answered is Answered.ACCEPTED else Held.BREAK


@dataclass(frozen=True)
class Drift:
    """A cell whose answer compares otherwise than in an earlier run. `before`, `after`: empty if it was not there."""

    party: str
    cell: str
    before: str
    after: str


@dataclass(frozen=True)
class MatrixReport:
    """The whole of it. `policy`: what declares. `drift`: against an earlier run, None for none."""

    made: datetime
    policy: str
    results: tuple[CellResult, ...]
    drift: tuple[Drift, ...] | None = None

    @property
    def parties(self) -> Mapping[str, tuple[CellResult, ...]]:
        """Return the cells of each party."""
        found: dict[str, list[CellResult]] = {}
        for one in self.results:
            found.setdefault(one.party, []).append(one)
        return {name: tuple(cells) for name, cells in found.items()}

    @property
    def counts(self) -> Mapping[Held, int]:
        """How many cells compare how."""
        found = Counter(one.held for one in self.results)
        return {held: found[held] for held in Held}

    def of(self, held: Held) -> tuple[CellResult, ...]:
        """Return the cells that compare so."""
        return tuple(one for one in self.results if one.held is held)
