"""The axis of time: it fits the findings, and names what lies years away instead of drawing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from counterfoil.model.dossier import Dossier
from counterfoil.model.hunt import HuntReport
from counterfoil.model.verdict import FAIL_ON_DEFAULT
from counterfoil.report.words import series, some

# Columns that a page holds; longer times are told in steps of several days.
MAX_COLUMNS = 42
# Around what was found so many days are shown: where a token that was used there may have been issued.
MARGIN = timedelta(days=7)
# What lies further from the rest than this, and is so small a share of it, is stray.
STRAY_DAYS, STRAY_SHARE = 60, 0.05

_GRAVE = frozenset(map(str, FAIL_ON_DEFAULT))


@dataclass(frozen=True)
class Axis:
    """The columns: the first day of each, how many days each stands for, and in words what is not drawn."""

    days: tuple[date, ...]
    step: int
    left: str = ""

    @property
    def months(self) -> tuple[tuple[str, int], ...]:
        """Each month with the number of its columns."""
        return tuple(Counter(f"{day:%Y-%m}" for day in self.days).items())

    def place(self, day: date) -> int | None:
        """Return the column of a day, None if it has none."""
        if not self.days or not self.days[0] <= day <= self.days[-1] + timedelta(days=self.step - 1):
            return None
        return (day - self.days[0]).days // self.step


def axis(report: HuntReport) -> Axis:
    """Return at most MAX_COLUMNS columns: all days if they fit, else those around what was found."""
    if report.first_event is None or report.last_event is None:
        return Axis((), 1)
    first, last = report.first_event.date(), report.last_event.date()
    if (last - first).days >= MAX_COLUMNS and report.dossier is not None:
        first, last = _window(report.dossier, first, last)
    return replace(fitted(first, last), left=_left(report, first, last))


def fitted(first: date, last: date) -> Axis:
    """Return at most MAX_COLUMNS columns from one day to another."""
    step = -(-((last - first).days + 1) // MAX_COLUMNS)
    count = (last - first).days // step + 1
    return Axis(tuple(first + timedelta(days=step * n) for n in range(count)), step)


def _window(dossier: Dossier, first: date, last: date) -> tuple[date, date]:
    """Return the days of what was found with a margin; without findings, those of all records but stray ones."""
    found: Counter[date] = Counter()
    for judged in dossier.judged:
        if judged.answer in _GRAVE:
            found[judged.day] += judged.acceptances
    if found:
        begin, end = _bulk(found)
        return max(first, begin - MARGIN), min(last, end + MARGIN)
    for log in dossier.logs:
        found[log.day] += log.records
    return _bulk(found) if found else (first, last)


def _bulk(counts: Mapping[date, int]) -> tuple[date, date]:
    """Return the first and last day without what is stray."""
    clumps: list[list[date]] = []
    for day in sorted(counts):
        if clumps and (day - clumps[-1][-1]).days <= STRAY_DAYS:
            clumps[-1].append(day)
        else:
            clumps.append([day])
    least = STRAY_SHARE * sum(counts.values())
    kept = [clump for clump in clumps if sum(counts[day] for day in clump) >= least]
    return kept[0][0], kept[-1][-1]


def _left(report: HuntReport, first: date, last: date) -> str:
    """Return in words what is not drawn."""
    logs = report.dossier.logs if report.dossier else ()
    judged = report.dossier.judged if report.dossier else ()
    days: list[tuple[date, int]] = [(log.day, log.records) for log in logs]
    hit = [(each.day, each.acceptances) for each in judged if each.answer in _GRAVE]
    parts = [
        f"{some(sum(count for _, count in outside), noun)} {words}"
        for counted, noun in ((days, "record"), (hit, "use of tokens of findings"))
        for words, outside in _outside(counted, first, last)
    ]
    return f"Not drawn: {series(parts)}." if parts else ""


def _outside(
    counted: Sequence[tuple[date, int]], first: date, last: date
) -> Iterable[tuple[str, list[tuple[date, int]]]]:
    before = [(day, count) for day, count in counted if day < first]
    after = [(day, count) for day, count in counted if day > last]
    if before:
        yield f"before, from {min(before)[0]} on", before
    if after:
        yield f"after, to {max(after)[0]}", after


def ticks(first: datetime, last: datetime, most: int, *, whole_days: bool) -> tuple[datetime, ...]:
    """Return at most so many round times between two."""
    for step in _STEPS[4:] if whole_days else _STEPS:
        found = _each(first, last, step)
        if len(found) <= most:
            return found
    return _each(first, last, timedelta(days=366 * (1 + (last - first).days // (366 * most))))


_STEPS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 28 * 24, 91 * 24, 182 * 24))


def _each(first: datetime, last: datetime, step: timedelta) -> tuple[datetime, ...]:
    begin = first.replace(hour=0, minute=0, second=0, microsecond=0)
    count = int((last - begin) / step) + 1
    return tuple(when for n in range(count) if first <= (when := begin + step * n) <= last)
