"""Every constant of reconciliation, in one place, with its source. Times are in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from counterfoil.model.schema import TokenClass

HOUR = 3600


def _life() -> Mapping[str, int]:
    return {TokenClass.ASSERTION: 65 * 60}


@dataclass(frozen=True)
class Policy:
    """The constants that docs/reference/reconciliation.md lists.

    `life`: longest life by token class; `default_life` for all others (28 h: continuous access evaluation).
    `default_lag`: longest delay between event and log, where the source says no other.
    """

    life: Mapping[str, int] = field(default_factory=_life)
    default_life: int = 28 * HOUR
    backdate: int = 300  # Entra issues tokens with an issued-at 300 s in the past
    skew: int = 300
    event_lag: int = 600
    mint_lag: int = 10  # an own ledger's entry and its token's issued-at are of one clock, a signature apart
    log_lag: int = 600  # the same of a log that an issuer writes by whatever means
    default_lag: int = 24 * HOUR
    law_pairs: int = 200
    law_tolerance: int = 2
    law_share: float = 0.99
    habit_days: int = 3
    device_days: int = 7
    rooted_pairs: int = 20
    rooted_share: float = 0.9
    silent_days: int = 3
    silent_subjects: int = 5
    refuting_subjects: int = 2
    proving_links: int = 200  # before a log of which nothing is published convicts: at 1 % lost, 2 own would be missing
    spread: int = 8
    spread_share: float = 0.25
    new_client_hours: int = 24
    raise_nats: float = 13.8
    raise_misses: int = 3
    thin: int = 50
    gap_hours: int = 24
    gap_records: int = 20
