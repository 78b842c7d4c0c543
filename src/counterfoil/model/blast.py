"""Blast radius: what was reached, in three numbers each; what was left behind; what a key opened and could have opened.

`seen`: named by records. `at_least`: what the records prove. `at_most`: None where no number can be given, and then
`unbounded` says why. Times are naive UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.model.dossier import MailSum

# Objects that are named of each kind, holds, parties; messages of one mailbox, and in all.
MAX_OBJECTS, MAX_HOLDS, MAX_PARTIES, MAX_MESSAGES, MAX_ALL_MESSAGES = 50, 200, 200, 200, 2_000


class Of(StrEnum):
    """Whose blast radius it is."""

    INTRUSION = "intrusion"
    KEY = "key"
    VICTIM = "victim"


@dataclass(frozen=True)
class Objects:
    """Objects of one kind (file, chat, api, directory...) that were reached; `names`: those used most.

    `denied`: records of what was asked for and not given.
    """

    kind: str
    seen: int
    at_least: int
    at_most: int | None
    unbounded: tuple[str, ...]
    records: int
    denied: int
    names: tuple[str, ...]
    operations: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """A message that was opened, by its id, with what other records of the case know of it."""

    mailbox: str
    message_id: str
    folder: str
    subject: str
    sender: str
    first_seen: datetime


@dataclass(frozen=True)
class HoldLeft:
    """A hold that was given (`model.persistence`); `basis`: how it is joined with the intrusion."""

    what: str
    operation: str
    event_time: datetime
    by: str
    target: str
    basis: str


@dataclass(frozen=True)
class Blast:
    """What one intruder, one key, or what was done in one victim's name reached."""

    of: Of
    name: str
    records: int
    first_seen: datetime | None
    last_seen: datetime | None
    mail: MailSum
    objects: tuple[Objects, ...]
    messages: tuple[Message, ...]
    holds: tuple[HoldLeft, ...]


class Door(StrEnum):
    """Why a party is taken for one that a key opens."""

    TOOK_FORGED = "took a token of the intrusion"
    TOOK = "took other tokens under the key"
    REFUSED = "refused tokens under the key"
    POLICY = "the token policy lets the key sign for it"
    JWKS = "its key set holds the key"


@dataclass(frozen=True)
class Party:
    """A relying party, resource, audience or key set. `tokens` is 0 where a policy or key set alone tells of it."""

    name: str
    issuer: str
    tenant: str
    door: Door
    tokens: int
    first_seen: datetime | None
    last_seen: datetime | None


@dataclass(frozen=True)
class Reachable:
    """What would have taken a token under the key, whether it did or not; `unknown`: what cannot be told, and why."""

    key: str
    parties: tuple[Party, ...]
    unknown: tuple[str, ...]
