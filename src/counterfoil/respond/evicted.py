"""Is the intruder out? Judged from what the evidence shows since the block: out, not out, or cannot tell. Pure.

*Out* is said only where nothing speaks against it, every log that showed him covers the time since, and the longest
life of anything that he may hold is over. One sign of his is enough for *not out*. All else is *cannot tell*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# Longest lives of what an intruder may hold (docs/respond.md has the sources).
REFRESH_LIFE = timedelta(days=90)
ACCESS_LIFE = timedelta(hours=28)
# A log is quiet for no longer than this, or than half as long again as it ever was before the block.
LEAST_QUIET, QUIET_FACTOR = timedelta(hours=12), 1.5
# The share of tokens used since the block that may be left open, as in an all-clear (model.clearance).
MAX_OPEN_SHARE = 0.1
MAX_NAMED = 10


class Eviction(StrEnum):
    """What is said of an intruder."""

    OUT = "out"
    NOT_OUT = "not out"
    CANNOT_TELL = "cannot tell"


class Why(StrEnum):
    """Why. What each means is on docs/respond.md."""

    ACCEPTED_UNDER_KEY = "accepted-under-key"
    INTRUSION_GOES_ON = "intrusion-goes-on"
    LINEAGE_RENEWED = "lineage-renewed"
    PARTY_ACCEPTS = "party-still-accepts"
    PERSISTENCE_LEFT = "persistence-left"
    PERSISTENCE_OPEN = "persistence-open"
    TRAITS_AGAIN = "traits-again"
    LIFE_NOT_OVER = "life-not-over"
    REVOCATION_DENIED = "revocation-not-in-log"
    LOG_ENDS = "log-ends"
    LOG_HOLE = "log-hole"
    LOG_THROTTLED = "log-throttled"
    LOG_LOST = "log-lost"
    LEFT_OPEN = "left-open-since"
    PARTY_UNKNOWN = "party-cannot-tell"
    REFUSED_UNDER_KEY = "refused-under-key"
    REVOKED_BY_WORD = "revoked-by-word"


@dataclass(frozen=True)
class Signs:
    """Records of one kind since the block: how many, between when, and some of the addresses (at most MAX_NAMED)."""

    records: int = 0
    first: datetime | None = None
    last: datetime | None = None
    addresses: tuple[str, ...] = ()
    new_addresses: int = 0  # those that he was not seen at before the block
    subjects: int = 0


@dataclass(frozen=True)
class Left:
    """One hold that he may have left. `his`: made with his token, at his address or in his session."""

    what: str
    operation: str
    time: datetime
    target: str
    his: bool


@dataclass(frozen=True)
class LogSince:
    """One part of a log that showed him. `quiet_before`, `quiet_since`: its longest silence, hours; None: no records.

    `last`: its last record; `throttled`: records since the block after which it stopped.
    """

    name: str
    first: datetime | None
    last: datetime | None
    quiet_before: float | None
    quiet_since: float | None
    records_since: int
    throttled: int = 0


@dataclass(frozen=True)
class PartySaid:
    """What the last probes of a relying party say: `accepts`, `blocked`, or neither."""

    name: str
    accepts: bool
    blocked: bool
    why: str


@dataclass(frozen=True)
class Revoked:
    """When all refresh tokens and sessions that he may hold were revoked; None if nobody says so, or a log denies it.

    `by_word`: the journal alone says so; `denied`: some of the victims of whom it says so and the log does not.
    """

    at: datetime | None = None
    by_word: bool = False
    denied: tuple[str, ...] = ()
    denied_count: int = 0


@dataclass(frozen=True)
class After:
    """What evidence and journal say of the time from the block (`since`) until `until`. Times are naive UTC.

    `renewed`: tokens issued to him for others of his; `traits`: what has marks of his, by the mark, in words.
    `open_tokens` of `used_tokens`: those used since that could not be judged.
    """

    since: datetime
    until: datetime
    accepted: Signs
    intrusion: Signs
    renewed: Signs
    traits: Mapping[str, Signs]
    refused: Signs
    left: tuple[Left, ...]
    logs: tuple[LogSince, ...]
    parties: tuple[PartySaid, ...]
    revoked: Revoked
    refresh_life: timedelta = REFRESH_LIFE
    access_life: timedelta = ACCESS_LIFE
    open_tokens: int = 0
    used_tokens: int = 0
    lost_records: int = 0


@dataclass(frozen=True)
class Reason:
    """One thing that speaks. `says`: what it alone would make of the verdict; None for what is only worth knowing."""

    why: Why
    says: Eviction | None
    words: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """The verdict with all its reasons, those that decide first."""

    verdict: Eviction
    reasons: tuple[Reason, ...]


def judge(after: After) -> Judgement:
    """Return whether he is out."""
    reasons = (*_his(after), *_parties(after), *_holds(after), *_unsure(after), *_logs(after), *_known(after))
    order: dict[Eviction | None, int] = {Eviction.NOT_OUT: 0, Eviction.CANNOT_TELL: 1, None: 2}
    ranked = tuple(sorted(reasons, key=lambda reason: order[reason.says]))
    said = {reason.says for reason in ranked}
    verdict = next((each for each in (Eviction.NOT_OUT, Eviction.CANNOT_TELL) if each in said), Eviction.OUT)
    return Judgement(verdict, ranked)


def quiet_until(after: After) -> datetime:
    """Return when nothing that he may hold lives any more, if he is given nothing new."""
    at = after.revoked.at
    return _by_age(after) if at is None else min(_by_age(after), max(at, after.since) + after.access_life)


def _by_age(after: After) -> datetime:
    return after.since + max(after.refresh_life, after.access_life)


def _his(after: After) -> Iterator[Reason]:
    for why, signs, what in (
        (Why.ACCEPTED_UNDER_KEY, after.accepted, "under the blocked key were accepted"),
        (Why.INTRUSION_GOES_ON, after.intrusion, "of the intrusion, or of its lineage, were accepted"),
        (Why.LINEAGE_RENEWED, after.renewed, "to renew or exchange a token of his lineage were granted"),
    ):
        if signs.records:
            yield Reason(why, Eviction.NOT_OUT, f"{_requests(signs)} {what}{_when(signs)}", signs.addresses)


def _parties(after: After) -> Iterator[Reason]:
    for party in after.parties:
        if party.accepts:
            yield Reason(Why.PARTY_ACCEPTS, Eviction.NOT_OUT, f"{party.name} still accepts the key: {party.why}")
        elif not party.blocked:
            yield Reason(Why.PARTY_UNKNOWN, Eviction.CANNOT_TELL, f"{party.name}: {party.why}")


def _holds(after: After) -> Iterator[Reason]:
    for his, why, says, whose in (
        (True, Why.PERSISTENCE_LEFT, Eviction.NOT_OUT, "made by the intruder and not undone"),
        (False, Why.PERSISTENCE_OPEN, Eviction.CANNOT_TELL, "made under a victim's name, and not looked at"),
    ):
        found = [left for left in after.left if left.his is his]
        for left in found[:MAX_NAMED]:
            yield Reason(why, says, f"{left.what}, {whose}: {left.operation} {left.target} at {_minute(left.time)}")
        if len(found) > MAX_NAMED:
            yield Reason(why, says, f"and {len(found) - MAX_NAMED:,} more of this kind")


def _unsure(after: After) -> Iterator[Reason]:
    for mark, signs in after.traits.items():
        if signs.records:
            words = f"{_requests(signs)} with other tokens {mark}{_when(signs)}"
            yield Reason(Why.TRAITS_AGAIN, Eviction.CANNOT_TELL, words, signs.addresses)
    end = quiet_until(after)
    if end > after.until:
        revoked = "" if after.revoked.at else "; nothing says that they were revoked"
        words = f"what he may hold lives until {_minute(end)}{revoked}"
        yield Reason(Why.LIFE_NOT_OVER, Eviction.CANNOT_TELL, words)
    if after.revoked.denied and _by_age(after) > after.until:
        words = f"the journal says that all was revoked, the directory's log does not, of {_some(after.revoked)}"
        yield Reason(Why.REVOCATION_DENIED, Eviction.CANNOT_TELL, words)
    if after.open_tokens > MAX_OPEN_SHARE * after.used_tokens:
        words = f"{after.open_tokens:,} of {after.used_tokens:,} tokens used since could not be judged"
        yield Reason(Why.LEFT_OPEN, Eviction.CANNOT_TELL, words)


def _logs(after: After) -> Iterator[Reason]:
    if not after.logs:
        yield Reason(Why.LOG_ENDS, Eviction.CANNOT_TELL, "no log of acceptances is in evidence that showed him")
    for log in after.logs:
        yield from _log(log, after)
    if after.lost_records:
        words = f"{after.lost_records:,} records of acceptances could not be read"
        yield Reason(Why.LOG_LOST, Eviction.CANNOT_TELL, words)


def _log(log: LogSince, after: After) -> Iterator[Reason]:
    usual = timedelta(hours=log.quiet_before or 0.0)
    most = max(LEAST_QUIET, usual * QUIET_FACTOR)
    if log.last is None or log.last < after.since or after.until - log.last > most:
        ends = "has no record" if log.last is None else f"ends at {_minute(log.last)}"
        words = f"{log.name} {ends}, and says nothing until {_minute(after.until)}"
        yield Reason(Why.LOG_ENDS, Eviction.CANNOT_TELL, words)
    if log.quiet_since is not None and timedelta(hours=log.quiet_since) > most:
        words = f"{log.name} is silent for {log.quiet_since:.0f} hours, before it for {log.quiet_before or 0:.0f}"
        yield Reason(Why.LOG_HOLE, Eviction.CANNOT_TELL, words)
    if log.throttled:
        words = f"{log.name} stopped after {log.throttled:,} records since the block (IsThrottled)"
        yield Reason(Why.LOG_THROTTLED, Eviction.CANNOT_TELL, words)


def _known(after: After) -> Iterator[Reason]:
    if after.refused.records:
        words = f"he still tries: {_requests(after.refused)} under the blocked key were refused{_when(after.refused)}"
        yield Reason(Why.REFUSED_UNDER_KEY, None, words, after.refused.addresses)
    if after.revoked.by_word and _by_age(after) > after.until:
        words = "that all was revoked is the journal's word: no log of the directory in evidence covers it"
        yield Reason(Why.REVOKED_BY_WORD, None, words)


def changed(before: Iterable[str], now: Iterable[Reason]) -> tuple[str, ...]:
    """Return in words which reasons are gone and which are new since the last statement (`before`: its codes)."""
    old, new = set(before), {str(reason.why) for reason in now}
    gone = tuple(f"no longer: {code}" for code in sorted(old - new))
    return gone + tuple(f"new: {code}" for code in sorted(new - old))


def _some(revoked: Revoked) -> str:
    more = revoked.denied_count - len(revoked.denied)
    return ", ".join(revoked.denied) + (f" and {more:,} more" if more else "")


def _requests(signs: Signs) -> str:
    return f"{signs.records:,} request{'' if signs.records == 1 else 's'}"


def _when(signs: Signs) -> str:
    span = "" if signs.first is None or signs.last is None else f", {_minute(signs.first)} to {_minute(signs.last)}"
    addresses = "address" if signs.new_addresses == 1 else "addresses"
    return span + (f", {signs.new_addresses} {addresses} not seen before" if signs.new_addresses else "")


def _minute(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def named(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return some of these values, each once, as a statement lists them."""
    return tuple(dict.fromkeys(value for value in values if value))[:MAX_NAMED]
