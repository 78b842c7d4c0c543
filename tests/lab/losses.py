"""Losses that nobody who has the logs knows of, so that what is declared complete is not."""

from __future__ import annotations

import random
from dataclasses import dataclass

from counterfoil.lab.history.losses import SIGNIN_KINDS, Kind


@dataclass(frozen=True, slots=True)
class RandomLoss:
    """Each record of these kinds is lost with the probability `rate`."""

    rate: float
    kinds: tuple[Kind, ...] = SIGNIN_KINDS

    def takes(self, rng: random.Random, t: int, kind: Kind, client_id: str, issued: str) -> bool:  # noqa: ARG002
        """Tell whether it takes the record."""
        return kind in self.kinds and rng.random() < self.rate

    def hides(self, first: int, last: int) -> bool:  # noqa: ARG002  # nowhere can the logs be relied on
        """Tell that it may take any."""
        return True


@dataclass(frozen=True, slots=True)
class ClientLoss:
    """No sign-in of the application `client_id` was recorded."""

    client_id: str

    def takes(self, rng: random.Random, t: int, kind: Kind, client_id: str, issued: str) -> bool:  # noqa: ARG002
        """Tell whether it takes the record."""
        return client_id == self.client_id

    def hides(self, first: int, last: int) -> bool:  # noqa: ARG002  # nowhere can the logs be relied on
        """Tell that it may take any."""
        return True


@dataclass(frozen=True, slots=True)
class RecordLoss:
    """The successful sign-ins of these request ids (GUIDs) were not recorded, and no other record is missing."""

    ids: frozenset[str]

    def takes(self, rng: random.Random, t: int, kind: Kind, client_id: str, issued: str) -> bool:  # noqa: ARG002
        """Tell whether it takes the record."""
        return issued in self.ids

    def hides(self, first: int, last: int) -> bool:  # noqa: ARG002  # no other record is missing
        """Tell that it takes none that others need."""
        return False
