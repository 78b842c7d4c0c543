"""Rules 5.2 and 5.3: which stretches of which logs are relied on. Pure: facts and declarations in, intervals out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

from counterfoil.model.coverage import CoverageRow, Declaration
from counterfoil.reconcile.policy import Policy

DAY = timedelta(days=1)
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
class LogFacts:
    """What the evidence shows of its own logs.

    `own`: issuers whose log this is; others appear in it (guests elsewhere) but their log is not here.
    `truncated`: source -> how an export of it shows that it was cut off.
    `breaks`: (source, kind) -> (from, to, words): where its record numbers jump, or it was cleared.
    """

    extents: Mapping[Part, Extent]
    own: frozenset[str]
    truncated: Mapping[str, str] = field(default_factory=dict)
    breaks: Mapping[tuple[str, str], tuple[tuple[datetime, datetime, str], ...]] = field(default_factory=dict)


def coverage(
    declarations: Sequence[Declaration], exported_at: datetime | None, facts: LogFacts, policy: Policy
) -> tuple[CoverageRow, ...]:
    """Return a row for every part: accepted stretches, holes, refusals, and what nobody declared."""
    rows: list[CoverageRow] = []
    declared: set[Part] = set()
    for declaration in declarations:
        parts = [p for p in facts.extents if (p.source, p.kind) == (declaration.source, declaration.kind)]
        owned = [part for part in parts if part.issuer in facts.own]
        if not owned:
            why = (
                "no record of this kind is in evidence" if not parts else "only other tenants' records are in evidence"
            )
            rows.append(_row(Part("", declaration.source, declaration.kind), "refused", declaration.start,
                             declaration.end, 0, why))  # fmt: skip
        for issuer in sorted(_lacking(declaration, owned, facts) if owned else ()):
            rows.append(_row(Part(issuer, declaration.source, declaration.kind), "refused", declaration.start,
                             declaration.end, 0, "no record of this kind is in evidence"))  # fmt: skip
        for part in sorted(owned, key=str):
            declared.add(part)
            rows += _one(part, declaration, exported_at, facts, policy)
    for part in sorted(facts.extents.keys() - declared, key=str):
        extent = facts.extents[part]
        total = sum(extent.daily.values())
        rows.append(_row(part, "seen", extent.first, extent.last, total, "not declared complete"))
    return tuple(rows)


def _lacking(declaration: Declaration, owned: Sequence[Part], facts: LogFacts) -> set[str]:
    """Return own issuers that have records of the source but none of the kind."""
    kinds = {part.issuer for part in facts.extents if part.source == declaration.source} & facts.own
    # a kind of AD FS is a host, and no farm has another's hosts
    return set() if declaration.source == "adfs" else kinds - {part.issuer for part in owned}


def _one(
    part: Part, declaration: Declaration, exported_at: datetime | None, facts: LogFacts, policy: Policy
) -> list[CoverageRow]:
    extent = facts.extents[part]
    start = max(declaration.start or extent.first, extent.first)
    asked = declaration.end or extent.last
    lag = timedelta(seconds=policy.max_lag.get(part.source, policy.default_lag))
    end = min(asked, (exported_at or asked) - lag, extent.last + timedelta(hours=policy.gap_hours))
    why = _refusal(part, start, asked, end, extent, facts)
    if why:
        return [_row(part, "refused", start, asked, _records(extent, start, asked), why)]
    holes = list(_holes(start, end, extent, policy))
    rows = [_row(part, "hole", *hole, 0, "no record where this log usually has many") for hole in holes]
    rows += [
        _row(part, "accepted", *piece, _records(extent, *piece), "declared complete")
        for piece in _without(start, end, holes)
    ]
    return rows


def _records(extent: Extent, start: datetime, end: datetime) -> int:
    """Return the records of the days that the stretch touches."""
    return sum(count for day, count in extent.daily.items() if start.date() <= day <= end.date())


def _refusal(part: Part, start: datetime, asked: datetime, end: datetime, extent: Extent, facts: LogFacts) -> str:
    """Return why the declaration is refused; empty if it is not."""
    before, after = start - DAY, end + DAY
    if extent.last < before or extent.first > after or any(a < before and b > after for a, b in extent.gaps):
        return "no record of this kind around the interval"
    if part.source in facts.truncated:
        return f"the export was cut off: {facts.truncated[part.source]}"
    for begin, stop, what in facts.breaks.get((part.source, part.kind), ()):
        if begin.replace(microsecond=0) <= asked and stop >= start.replace(microsecond=0):
            return f"{what} at {stop:%Y-%m-%d %H:%M:%S}Z"
    if end <= start:
        return "nothing is left once late records are allowed for; say when it was exported with --exported-at"
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
    others = [day + week * 7 * DAY for week in weeks if week]
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
