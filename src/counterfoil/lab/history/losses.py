"""Records that never reached the written logs. Only issuance is lost; the truth stays what it is."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from counterfoil.lab.history.clock import HOUR, instant
from counterfoil.lab.history.ids import seeded

Kind = Literal["interactive", "non-interactive", "service-principal", "managed-identity", "adfs"]
SIGNIN_KINDS: tuple[Kind, ...] = ("interactive", "non-interactive", "service-principal", "managed-identity")
# An acceptance looks back for its issuance over the longest token life, and forward over the export's lag.
_LOOK_BACK = 28 * HOUR + HOUR
_LOOK_AHEAD = 3 * HOUR


class Loss(Protocol):
    """What takes records of issuance out of the logs. Times are in microseconds."""

    def takes(self, rng: random.Random, t: int, kind: Kind, client_id: str, issued: str) -> bool:
        """Tell whether it takes the record of `kind` at `t`; `issued`: the id, where a token was issued."""

    def hides(self, first: int, last: int) -> bool:
        """Tell whether it takes records from the time that an acceptance from `first` to `last` needs."""


@dataclass(frozen=True, slots=True)
class IntervalLoss:
    """No record of these kinds was kept from `start` (inclusive) to `end` (exclusive), both aware."""

    start: datetime
    end: datetime
    kinds: tuple[Kind, ...] = SIGNIN_KINDS

    def takes(self, rng: random.Random, t: int, kind: Kind, client_id: str, issued: str) -> bool:  # noqa: ARG002
        """Tell whether it takes the record of `kind` at `t`."""
        return kind in self.kinds and instant(self.start) <= t < instant(self.end)

    def hides(self, first: int, last: int) -> bool:
        """Tell whether it takes records from the time that an acceptance needs."""
        return _needs(first, last, instant(self.start), instant(self.end))


class LossRule:
    """Decides, record by record, whether an issuance record is lost."""

    def __init__(self, losses: tuple[Loss, ...], seed: int, begins: int) -> None:
        # Its own generator: losses must not change the life of the tenant, only what is left of its logs.
        self._losses, self._rng, self._begins = losses, seeded(seed, "losses"), begins

    def loses(self, t: int, kind: Kind, client_id: str, issued: str = "") -> bool:
        """Return whether the issuance record of `kind` at `t` is lost; `issued`: the id, where a token was issued."""
        # all are asked: each draws for itself, whatever the others take
        taken = [loss.takes(self._rng, t, kind, client_id, issued) for loss in self._losses]
        return any(taken)

    def hides(self, first: int, last: int) -> bool:
        """Return whether issuance records are missing from the time that an acceptance from `first` to `last` needs.

        What was issued before the history begins is in no log either.
        """
        return _needs(first, last, 0, self._begins) or any(loss.hides(first, last) for loss in self._losses)


def _needs(first: int, last: int, start: int, end: int) -> bool:
    return first - _LOOK_BACK < end and start < last + _LOOK_AHEAD
