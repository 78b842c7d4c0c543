"""Records that never reached the written logs. Only issuance is lost; the truth stays what it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from counterfoil.lab.history.clock import HOUR, instant
from counterfoil.lab.history.ids import seeded

Kind = Literal["interactive", "non-interactive", "service-principal", "managed-identity", "adfs"]
SIGNIN_KINDS: tuple[Kind, ...] = ("interactive", "non-interactive", "service-principal", "managed-identity")
# An acceptance looks back for its issuance over the longest token life, and forward over the export's lag.
_LOOK_BACK = 28 * HOUR + HOUR
_LOOK_AHEAD = 3 * HOUR


@dataclass(frozen=True, slots=True)
class RandomLoss:
    """Each record of these kinds is lost with the probability `rate`."""

    rate: float
    kinds: tuple[Kind, ...] = SIGNIN_KINDS


@dataclass(frozen=True, slots=True)
class ClientLoss:
    """No sign-in of the application `client_id` was recorded."""

    client_id: str


@dataclass(frozen=True, slots=True)
class IntervalLoss:
    """No record of these kinds was kept from `start` (inclusive) to `end` (exclusive), both aware."""

    start: datetime
    end: datetime
    kinds: tuple[Kind, ...] = SIGNIN_KINDS


@dataclass(frozen=True, slots=True)
class RecordLoss:
    """The successful sign-ins of these request ids (GUIDs) were not recorded, and no other record is missing."""

    ids: frozenset[str]


Loss = RandomLoss | ClientLoss | IntervalLoss | RecordLoss


class LossRule:
    """Decides, record by record, whether an issuance record is lost."""

    def __init__(self, losses: tuple[Loss, ...], seed: int, begins: int) -> None:
        self._rates = [loss for loss in losses if isinstance(loss, RandomLoss)]
        self._clients = {loss.client_id for loss in losses if isinstance(loss, ClientLoss)}
        self._gaps = [
            (instant(loss.start), instant(loss.end), loss.kinds) for loss in losses if isinstance(loss, IntervalLoss)
        ]
        self._ids = {name for loss in losses if isinstance(loss, RecordLoss) for name in loss.ids}
        # Its own generator: losses must not change the life of the tenant, only what is left of its logs.
        self._rng = seeded(seed, "losses")
        self.any = bool(losses)
        # What was issued before the history begins is in no log either.
        self._blind = [(0, begins), *((start, end) for start, end, _ in self._gaps)]

    def loses(self, t: int, kind: Kind, client_id: str, issued: str = "") -> bool:
        """Return whether the issuance record of `kind` at `t` is lost; `issued`: the id, where a token was issued."""
        draws = [self._rng.random() < loss.rate for loss in self._rates if kind in loss.kinds]
        gap = any(start <= t < end and kind in kinds for start, end, kinds in self._gaps)
        return gap or any(draws) or client_id in self._clients or issued in self._ids

    def hides(self, first: int, last: int) -> bool:
        """Return whether issuance records are missing from the time that an acceptance from `first` to `last` needs."""
        if self._rates or self._clients:
            return True  # nowhere can the logs be relied on
        return any(first - _LOOK_BACK < end and start < last + _LOOK_AHEAD for start, end in self._blind)
