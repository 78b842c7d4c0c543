"""What is drawn of one intrusion: its turning points, its acts over time, mail by mailbox and day, tokens by lineage.

Times are naive UTC. Every list is cut at a named length.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from counterfoil.model.verdict import Verdict

MAX_BUSY, MAX_MAIL_DAYS, MAX_KIN = 2_000, 5_000, 500


class Turn(StrEnum):
    """A turning point of an intrusion, in the order in which they usually come."""

    KEY_READ = "signing key read"
    FIRST = "first token"
    EXCHANGE = "first exchange"
    MAIL = "first mail"
    OTHER = "first access to anything else"
    LAST = "last act"


@dataclass(frozen=True)
class Moment:
    """When a turning point was, in whose name, and the first record that shows it."""

    turn: Turn
    time: datetime
    who: str
    path: str
    position: int


@dataclass(frozen=True)
class Busy:
    """Records of an hour, or of a day where the intrusion lasted longer; `start` is its beginning."""

    start: datetime
    records: int


@dataclass(frozen=True)
class MailDay:
    """Records of mail access in one mailbox on one day, and how many different messages they name."""

    mailbox: str
    day: date
    records: int
    messages: int
    synced: bool


@dataclass(frozen=True)
class Kin:
    """A token with the tokens that it was obtained with, by their keys; `unrooted`: some must be, and none is known."""

    token_key: str
    subject: str
    verdict: Verdict
    first_seen: datetime
    parents: tuple[str, ...]
    unrooted: bool


@dataclass(frozen=True)
class Picture:
    """All of it. `day_long`: `busy` counts days, not hours. `kin_left`: tokens beyond those here."""

    moments: tuple[Moment, ...]
    busy: tuple[Busy, ...]
    day_long: bool
    mail: tuple[MailDay, ...]
    kin: tuple[Kin, ...]
    kin_left: int
