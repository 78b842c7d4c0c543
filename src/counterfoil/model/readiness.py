"""Readiness: could a forged token be judged with these logs, what is missing, and when would 2023 have been seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from counterfoil.model.verdict import FindingVerdict


class Judged(StrEnum):
    """Whether a forged token would be judged at a service."""

    YES = "yes"
    ONCE_DECLARED = "once-declared"
    IN_PART = "in-part"
    RANKED = "ranked-only"
    NO = "no"

    @property
    def words(self) -> str:
        """The answer as a report gives it."""
        return {
            Judged.YES: "yes: a token that nobody issued is convicted",
            Judged.ONCE_DECLARED: "yes, once somebody who knows the logs declares them complete",
            Judged.IN_PART: "in part: logs are missing that some tokens wait for",
            Judged.RANKED: "no verdict, only suspicion: most records carry no token id",
            Judged.NO: "no: nothing of its issuer is in evidence",
        }[self]


READY = (Judged.YES, Judged.ONCE_DECLARED)


class Why(StrEnum):
    """Why something is missing."""

    NOT_DECLARED = "not-declared"
    NOT_EXPORTED = "not-exported"
    NOT_LICENSED = "not-licensed"
    NOT_AUDITED = "not-audited"
    RETENTION = "retention"
    IDS_NOT_WRITTEN = "ids-not-written"
    IDS_DROPPED = "ids-dropped"

    @property
    def words(self) -> str:
        """The reason as a report gives it."""
        return {
            Why.NOT_DECLARED: "nobody said that these logs are complete",
            Why.NOT_EXPORTED: "not exported, or there is none",
            Why.NOT_LICENSED: "the licence does not include it",
            Why.NOT_AUDITED: "not audited",
            Why.RETENTION: "the log begins later than its tokens",
            Why.IDS_NOT_WRITTEN: "the service wrote no token ids into these records then",
            Why.IDS_DROPPED: "this form of export drops the token ids",
        }[self]


@dataclass(frozen=True)
class ServiceReadiness:
    """One service's tokens of one issuer. `strength`: what most of its records can be linked by.

    `tokens` = `judged` + `waiting` (an id, and a log not relied on) + `missing` (an id, and a log not there) +
    `nameless` (no id) + `apart` (calls that leave no record at their issuer). `first`, `last`: UTC.
    """

    issuer: str
    service: str
    answer: Judged
    strength: str
    tokens: int
    judged: int
    waiting: int
    missing: int
    nameless: int
    apart: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class LegReadiness:
    """One part of a log that is in evidence. `days`: how far back it reaches from the last record of the case."""

    leg: str
    issuer: str
    part: str
    records: int
    first: datetime | None
    days: int


@dataclass(frozen=True)
class Gap:
    """One thing to turn on or to export. `tokens`: how many of the case could be judged with it, at most.

    `first`: without it nothing of an intrusion like that of 2023 is in evidence, whatever the numbers say.
    `how`: commands and steps, each to be copied; `note`: what speaks for it.
    """

    what: str
    why: Why
    tokens: int
    how: tuple[str, ...]
    note: str = ""
    first: bool = False


@dataclass(frozen=True)
class Seen:
    """When the replayed intrusion was first seen. `day` counts from its first one; None: not within `days`.

    `declared`: what was declared complete. `rank`: place of the finding among all; `found` of `planted` tokens were in
    findings as grave, up to that day.
    """

    declared: tuple[str, ...]
    days: int
    day: int | None = None
    claim: FindingVerdict | None = None
    rule: str = ""
    rank: int = 0
    found: int = 0
    planted: int = 0


@dataclass(frozen=True)
class Replay:
    """The intrusion of 2023, replayed in logs like these. `logs`: what was kept of the replay, in words."""

    logs: tuple[str, ...]
    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class Shape:
    """What logs the case shows that the tenant exports, as far as a replay needs to know.

    `audit` and `sign_ins`: sources in evidence; `kinds`: of sign-ins; `mail`: mail access is recorded, `ids`: with the
    ids of tokens; `graph`: requests to Graph are.
    """

    audit: tuple[str, ...]
    sign_ins: tuple[str, ...]
    kinds: tuple[str, ...]
    mail: bool
    ids: bool
    graph: bool


@dataclass(frozen=True)
class Readiness:
    """The whole answer; `gaps` in the order in which they should be closed."""

    case: str
    services: tuple[ServiceReadiness, ...]
    legs: tuple[LegReadiness, ...]
    gaps: tuple[Gap, ...]
    mailboxes: int
    shape: Shape
    replay: Replay | None = None

    @property
    def ready(self) -> bool:
        """Whether a forged token would be judged at every service in evidence."""
        return bool(self.services) and all(each.answer in READY for each in self.services)
