"""Rules 5.2 and 5.3: which stretches of which logs are relied on. Pure: facts and declarations in, intervals out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any

from counterfoil.expressions.values import bound
from counterfoil.model.coverage import ATTESTED, NOT_DECLARED, PARTIAL, AttestedLog, CoverageRow, Declaration
from counterfoil.model.logs import Logs
from counterfoil.reconcile.policy import Policy

DAY = timedelta(days=1)
NO_ISSUER = ""  # stands for the issuer of a log that is no issuer's: of key uses
DECLARED = "declared complete"
VERIFIED = "verified, without a gap, and extends a checkpoint that another party keeps"
# Of a farm's servers, any of which may have issued an assertion (rule 5.3).
NODE_MISSING = "not declared complete: while one server of a farm is missing, no assertion of the farm can be judged"
ABSENT_NODE = "nothing of this server is in evidence: until it is, no assertion of the farm can be judged"
MAX_NAMED = 3  # servers in a reason
MAX_WEEKS = 8  # how far around a stretch its usual weekdays are looked for


@dataclass(frozen=True)
class Part:
    """One part of one issuer's log: what `SOURCE/KIND` names."""

    issuer: str
    source: str
    kind: str


@dataclass(frozen=True)
class Extent:
    """What is in evidence of a part: first and last event, records by day, stretches without a record."""

    first: datetime
    last: datetime
    daily: Mapping[date, int]
    gaps: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class Stretch:
    """How many records of one part of a log could not be read, and between which times they lie (UTC)."""

    records: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class Keepers:
    """Issuers that write down each of their tokens themselves (rule 4.1), by what their logs hold.

    `issuers`: all of them; `loose`: those whose log is no ledger, so that its times are not those of issued-at;
    `undigested`: those with a record that has no digest; `sound`: the kinds of ids that their logs hold of each token.
    """

    issuers: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()
    undigested: frozenset[str] = frozenset()
    sound: tuple[str, ...] = ()

    @property
    def named(self) -> Any:
        """All of them, as `isin` takes them."""
        return bound("keepers", sorted(self.issuers))


@dataclass(frozen=True)
class LogFacts:
    """What the evidence shows of its own logs.

    `own`: issuers whose log this is; others appear in it (guests elsewhere) but their log is not here.
    `truncated`: source -> how an export of it shows that it was cut off; `unread`: what of each part could not be read.
    `breaks`: (source, kind) -> (from, to, words): where its record numbers jump, it was cleared, full or switched off.
    `hosts`: farm -> its servers (source, kind) that are known, whether or not they issued something in evidence.
    `notes`: (source, kind) -> what its records show of how it was audited and exported, in words.
    `nameless`: server of a farm -> its issuances, and how many of them name nobody who is known.
    `unclaimed`: farms of which nobody named a domain whose assertions they issue.
    `anonymous`: (source, kind) of an own log -> its issuances that name no issuer.
    `begins`: (source, kind) -> time and number of the first record of the log, whatever it is about.
    `keepers`: issuers that keep a log of their own, of which issuances are in evidence. `logs`: what logs mean.
    """

    extents: Mapping[Part, Extent]
    own: frozenset[str]
    truncated: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[Part, Stretch] = field(default_factory=dict)
    breaks: Mapping[tuple[str, str], tuple[tuple[datetime, datetime, str], ...]] = field(default_factory=dict)
    hosts: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    notes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    begins: Mapping[tuple[str, str], tuple[datetime, int | None]] = field(default_factory=dict)
    nameless: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    unclaimed: frozenset[str] = frozenset()
    anonymous: Mapping[tuple[str, str], int] = field(default_factory=dict)
    keepers: Keepers = field(default_factory=Keepers)
    logs: Logs = field(default_factory=Logs)


def coverage(
    declarations: Sequence[Declaration], exported_at: datetime | None, facts: LogFacts, policy: Policy,
    attested: Sequence[AttestedLog] = (),
) -> tuple[CoverageRow, ...]:
    """Return a row for every part: attested and accepted stretches, holes, refusals, and what nobody declared."""
    checked = {(log.log, log.origin): log for log in sorted(attested, key=lambda log: log.status != ATTESTED)}
    rows = [row for log in checked.values() for row in _checked(log, facts)]  # a refusal stands before any other word
    declared = {part for part in facts.extents if (part.source, part.kind) in checked}
    for declaration in declarations:
        if (declaration.source, declaration.kind) in checked:
            continue
        parts = [p for p in facts.extents if (p.source, p.kind) == (declaration.source, declaration.kind)]
        owned = [part for part in parts if part.issuer in facts.own]
        if not owned:
            rows += _nothing_of(declaration, bool(parts), facts)
        for issuer in sorted(_lacking(declaration, owned, facts) if owned else ()):
            rows.append(_row(Part(issuer, declaration.source, declaration.kind), "refused", declaration.start,
                             declaration.end, 0, "no record of this kind is in evidence"))
        for part in sorted(owned, key=str):
            declared.add(part)
            rows += _one(part, declaration, exported_at, facts, policy)
    spoken_of, servers = {row.issuer for row in rows}, facts.logs.hosts
    for part in sorted(facts.extents.keys() - declared, key=str):
        extent = facts.extents[part]
        total = sum(extent.daily.values())
        why = NODE_MISSING if part.source in servers and part.issuer in spoken_of else (
            NOT_DECLARED if part.source in facts.logs.declarable else PARTIAL
        )
        words = "; ".join([why, *_wanting(part, facts)])
        rows.append(_row(part, "seen", extent.first, extent.last, total, words))
    rows += [
        _row(Part(NO_ISSUER, *part), "seen", None, None, records, _anonymous(records))
        for part, records in sorted(facts.anonymous.items())
        if not any((row.source, row.kind) == part and row.issuer == NO_ISSUER for row in rows)
    ]
    told = {Part(row.issuer, row.source, row.kind) for row in rows}
    silent = [Part(farm, *host) for farm, hosts in sorted(facts.hosts.items()) for host in sorted(hosts)]
    rows += [_row(part, "seen", None, None, 0, servers[part.source].silent) for part in silent if part not in told]
    return tuple(_with_missing_nodes(rows, facts))


def _checked(log: AttestedLog, facts: LogFacts) -> Iterable[CoverageRow]:
    """Yield the rows of a log that was checked against a checkpoint of another party's: one for each issuer in it.

    An issuer may have begun to write this ledger later than the ledger begins; what it issued before is not in it.
    """
    parts = sorted((part for part in facts.extents if (part.source, part.kind) == (log.log, log.origin)), key=str)
    status = ATTESTED if log.status == ATTESTED else "refused"
    words = log.reason or (VERIFIED if status == ATTESTED else "it could not be verified")
    if not parts:
        yield _row(Part("", log.log, log.origin), status, log.start, log.end, log.entries, words)
    last = max((facts.extents[part].last for part in parts), default=None)
    for part in parts:
        extent = facts.extents[part]
        start, end = max(log.start or extent.first, extent.first), log.end or last
        yield _row(part, status, start, end, sum(extent.daily.values()), words)


def _with_missing_nodes(rows: Sequence[CoverageRow], facts: LogFacts) -> Iterable[CoverageRow]:
    """Yield the rows; an accepted one of a farm's server names the servers for want of which it is no use."""
    relied = {(row.issuer, row.source, row.kind) for row in rows if row.status == "accepted"}
    told: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        if row.source in facts.logs.hosts:
            told[row.issuer].add((row.source, row.kind))
    for row in rows:
        missing = [host for source, host in sorted(told[row.issuer]) if (row.issuer, source, host) not in relied]
        if row.status == "accepted" and missing:
            more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
            names = ", ".join(missing[:MAX_NAMED]) + more
            yield replace(row, reason=f"{row.reason}; of no use while {names} is not relied on")
        else:
            yield row


def _nothing_of(declaration: Declaration, elsewhere: bool, facts: LogFacts) -> list[CoverageRow]:
    """Return the refusal of a declaration of which no issuance is in evidence: for its farm, if it is a server's."""
    why = "only other tenants' records are in evidence" if elsewhere else "no record of this kind is in evidence"
    records = facts.anonymous.get((declaration.source, declaration.kind), 0)
    if records:
        why = _anonymous(records)
    farms: list[str] = []
    if servers := facts.logs.hosts.get(declaration.source):
        host = (declaration.source, declaration.kind)
        known = [farm for farm, hosts in facts.hosts.items() if host in hosts]
        by_name = facts.logs.farms[declaration.source] + declaration.kind.partition(".")[2]
        farms = known or sorted(facts.hosts.keys() & {by_name})
        why = (servers.silent if known else ABSENT_NODE) if farms else why
    start, end = declaration.start, declaration.end
    return [
        _row(Part(farm, declaration.source, declaration.kind), "refused", start, end, records, why)
        for farm in farms or [NO_ISSUER]
    ]


def _anonymous(records: int) -> str:
    return f"{records:,} of its issuances name no issuer: whose tokens they are, nothing tells"


def _lacking(declaration: Declaration, owned: Sequence[Part], facts: LogFacts) -> set[str]:
    """Return own issuers that have records of the source but none of the kind."""
    kinds = {part.issuer for part in facts.extents if part.source == declaration.source} & facts.own
    return set() if declaration.source in facts.logs.named else kinds - {part.issuer for part in owned}


def _one(
    part: Part, declaration: Declaration, exported_at: datetime | None, facts: LogFacts, policy: Policy
) -> list[CoverageRow]:
    extent = facts.extents[part]
    start = max(declaration.start or extent.first, extent.first)
    asked = declaration.end or extent.last
    lag = timedelta(seconds=facts.logs.lag(part.source, policy.default_lag))
    end = min(asked, (exported_at or asked) - lag, extent.last + timedelta(hours=policy.gap_hours))
    why = _refusal(part, start, asked, end, extent, facts)
    if not why and end.replace(microsecond=0) <= start.replace(microsecond=0):
        hours = lag // timedelta(hours=1)
        why = f"records may come {hours} h late, and nothing is left before that: say --exported-at if it was later"
    if why:
        return [_row(part, "refused", start, asked, _records(extent, start, asked), why)]
    holes = list(_holes(start, end, extent, policy))
    rows = [_row(part, "hole", *hole, 0, "no record where this log usually has many") for hole in holes]
    words = "; ".join([DECLARED, *_noted(part, declaration, facts)])
    rows += [
        _row(part, "accepted", *piece, _records(extent, *piece), words) for piece in _without(start, end, holes)
    ]
    return rows


def _noted(part: Part, declaration: Declaration, facts: LogFacts) -> Iterable[str]:
    """Yield what an analyst must know of a log that is relied on: when it begins, how it was audited and exported."""
    yield from _wanting(part, facts)
    key = (part.source, part.kind)
    if key in facts.begins and declaration.start:
        first, number = facts.begins[key]
        if first > declaration.start:
            record = f" with record {number:,}" if number is not None else ""
            lost = ": what came before was overwritten or left out" if number != 1 else ""
            yield f"the log begins {first:%Y-%m-%d %H:%M}Z{record}{lost}"
    if key in facts.notes:
        yield facts.notes[key]


def _wanting(part: Part, facts: LogFacts) -> Iterable[str]:
    """Yield what keeps a log from telling all that it could, and the remedy."""
    if part in facts.unread:
        yield _unread(facts.unread[part])
    issued, unknown = facts.nameless.get((part.issuer, part.kind), (0, 0))
    if unknown:
        yield f"{unknown:,} of {issued:,} issuances name nobody who is known: say who they are (--identities)"
    if part.issuer in facts.unclaimed:
        yield "nobody said whose assertions it issues (--federated)"


def _unread(lost: Stretch) -> str:
    """Return how many records could not be read, and which time that costs."""
    one = lost.records == 1
    when = " at an unknown time" if lost.first is None or lost.last is None else (
        f" between {lost.first:%Y-%m-%d %H:%M}Z and {lost.last:%Y-%m-%d %H:%M}Z")
    return (
        f"{'1 record' if one else f'{lost.records:,} records'}{when} could not be read: what is missing there may be"
        f" {'that one' if one else 'among them'} (table rejects)"
    )


def _records(extent: Extent, start: datetime, end: datetime) -> int:
    """Return the records of the days that the stretch touches."""
    return sum(count for day, count in extent.daily.items() if start.date() <= day <= end.date())


def _refusal(part: Part, start: datetime, asked: datetime, end: datetime, extent: Extent, facts: LogFacts) -> str:
    """Return why the declaration is refused; empty if it is not."""
    before, after = start - DAY, end + DAY
    without = ((before - DAY, extent.first), *extent.gaps, (extent.last, after + DAY))
    if any(a < before and b > after for a, b in without):
        return "no record of this kind around the interval"
    if part.source in facts.truncated:
        return f"the export was cut off: {facts.truncated[part.source]}"
    broken = [
        what
        for begin, stop, what in facts.breaks.get((part.source, part.kind), ())
        if begin.replace(microsecond=0) <= asked and stop >= start.replace(microsecond=0)
    ]
    if broken:
        return broken[0] + (f"; and {len(broken) - 1:,} more such breaks" if broken[1:] else "")
    return ""


def _holes(start: datetime, end: datetime, extent: Extent, policy: Policy) -> Iterable[tuple[datetime, datetime]]:
    """Yield silent stretches of the interval in which this log usually holds records (rule 5.3)."""
    edges = [(start, extent.first), (extent.last, end)]
    for begin, stop in sorted([*extent.gaps, *edges]):
        begin, stop = max(begin, start), min(stop, end)
        if stop - begin >= timedelta(hours=policy.gap_hours) and _expected(begin, stop, extent) >= policy.gap_records:
            yield begin, stop


def _expected(begin: datetime, stop: datetime, extent: Extent) -> float:
    """Return how many records such a stretch usually holds: by weekday, since logs sleep on weekends."""
    total = 0.0
    day = begin.date()
    while day <= stop.date():
        midnight = datetime.combine(day, time())
        share = (min(stop, midnight + DAY) - max(begin, midnight)) / DAY
        total += share * _usual(day, begin.date(), stop.date(), extent)
        day += DAY
    return total


def _usual(day: date, first: date, last: date, extent: Extent) -> float:
    """Return the median of the other days of this weekday, outside the stretch; of all days if there is none."""
    known = (extent.first.date(), extent.last.date())
    weeks = range(-MAX_WEEKS, MAX_WEEKS + 1)
    others = [day + week * 7 * DAY for week in weeks]
    counts = [extent.daily.get(d, 0) for d in others if known[0] <= d <= known[1] and not first <= d <= last]
    return median(counts or list(extent.daily.values()))


def _without(
    start: datetime, end: datetime, holes: Sequence[tuple[datetime, datetime]]
) -> Iterable[tuple[datetime, datetime]]:
    """Yield what is left of the interval without the holes, in order."""
    for begin, stop in holes:
        if begin > start:
            yield start, begin
        start = max(start, stop)
    if end > start:
        yield start, end


def _row(
    part: Part, status: str, start: datetime | None, end: datetime | None, records: int, reason: str
) -> CoverageRow:
    return CoverageRow(part.issuer, part.source, part.kind, status, start, end, records, reason)


def seconds(when: datetime) -> int:
    """Return whole seconds since 1970 of a naive UTC time (rounded down)."""
    return int(when.replace(tzinfo=UTC).timestamp() // 1)
