"""Coverage per log and day, as rows of cells: each cell has a sign and words, so that it can be told without colour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from counterfoil.model.coverage import RELIED, CoverageRow
from counterfoil.model.dossier import Dossier, JudgedDay
from counterfoil.model.hunt import HuntReport
from counterfoil.model.picture import MailDay
from counterfoil.model.verdict import CONVICTING, Verdict
from counterfoil.report._axis import Axis
from counterfoil.report._coverage import issuer_name
from counterfoil.report.clean import clean
from counterfoil.report.words import brief, number

# Rows of each table; the page says how many more there are.
MAX_STRIPS = 24
MAX_NAME = 64

_ACCUSED = {str(claim) for claim in CONVICTING}
_JUDGED = _ACCUSED | {str(Verdict.MINTED)}


@dataclass(frozen=True)
class Cell:
    """One stretch of days of one log. `look` is a class of the style sheet, `words` what a screen reader says."""

    look: str
    sign: str
    words: str


@dataclass(frozen=True)
class Strip:
    """One log over time; `total` counts its records."""

    name: str
    total: int
    cells: tuple[Cell, ...]


def issuing(report: HuntReport, dossier: Dossier, over: Axis) -> tuple[Strip, ...]:
    """Return one strip per part of a log of issuance: where absence convicts, where it proves nothing."""
    grouped: dict[tuple[str, str, str], list[CoverageRow]] = defaultdict(list)
    for row in report.coverage:
        grouped[row.issuer, row.source, row.kind].append(row)
    records: dict[tuple[str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for day in dossier.logs:
        place = over.place(day.day)
        if day.issuing and place is not None:
            records[day.source, day.kind][place] += day.records
    several = len({issuer for issuer, _, _ in grouped}) > 1
    strips = []
    for (issuer, source, kind), rows in grouped.items():
        name = clean(f"{source}/{kind}" if kind else source, MAX_NAME)
        if several:
            name = f"{name}, {brief(clean(issuer_name(issuer, source), MAX_NAME))}"
        cells = tuple(_issued(rows, records[source, kind].get(n, 0), *_bounds(over, n)) for n in range(len(over.days)))
        strips.append(Strip(name, sum(row.records for row in rows), cells))
    return tuple(strips)


def accepting(dossier: Dossier, over: Axis) -> tuple[Strip, ...]:
    """Return one strip per log of acceptances: which share of its records could be judged."""
    by_source: dict[str, dict[int, list[JudgedDay]]] = defaultdict(lambda: defaultdict(list))
    for row in dossier.judged:
        place = over.place(row.day)
        if place is not None:
            by_source[row.source][place].append(row)
    return tuple(
        Strip(
            clean(source, MAX_NAME),
            sum(row.acceptances for rows in places.values() for row in rows),
            tuple(_judged(places.get(n, ())) for n in range(len(over.days))),
        )
        for source, places in sorted(by_source.items())
    )


def mail(days: Sequence[MailDay], over: Axis) -> tuple[Strip, ...]:
    """Return one strip per mailbox: how many messages its records name on each day, the fullest mailbox first."""
    boxes: dict[str, dict[int, list[MailDay]]] = defaultdict(lambda: defaultdict(list))
    for day in days:
        place = over.place(day.day)
        if place is not None:
            boxes[day.mailbox][place].append(day)
    most = max((_messages(each) for places in boxes.values() for each in places.values()), default=0)
    strips = [
        Strip(clean(name, MAX_NAME) or "not named", sum(map(_messages, places.values())),
              tuple(_read(places.get(n, ()), most) for n in range(len(over.days))))
        for name, places in boxes.items()
    ]
    return tuple(sorted(strips, key=lambda strip: (-strip.total, strip.name)))


def _messages(days: Sequence[MailDay]) -> int:
    return sum(day.messages for day in days)


def _read(days: Sequence[MailDay], most: int) -> Cell:
    if not days:
        return Cell("none", "", "no mail read")
    count, copied = _messages(days), any(day.synced for day in days)
    words = f"{number(count)} messages named by {number(sum(day.records for day in days))} records"
    shade = f"q{min(4, 4 * count // most if most else 0)}"
    return Cell(shade, f"{count}{'+' if copied else ''}", words + (", a folder copied as a whole" if copied else ""))


def _bounds(over: Axis, place: int) -> tuple[datetime, datetime]:
    start = datetime.combine(over.days[place], time())
    return start, start + timedelta(days=over.step)


def _issued(rows: Sequence[CoverageRow], records: int, start: datetime, end: datetime) -> Cell:
    doubted = [row for row in rows if row.status in ("refused", "refuted") and _seconds([row], start, end)]
    whole = (end - start).total_seconds()
    complete = _seconds([row for row in rows if row.status in RELIED], start, end)
    # the first and last day of an export are cut by its bounds: a quarter of an hour is no hole
    if complete >= whole - 900:
        return Cell("full", "■", "complete")
    if complete:
        return Cell("part", "◧", f"complete for {100 * complete / whole:.0f} %")
    if doubted:
        return Cell("doubt", "!", "declared complete, and not believed")
    if records:
        return Cell("seen", "○", "records, not declared complete")
    return Cell("hole", "✕", "no record")


def _seconds(rows: Iterable[CoverageRow], start: datetime, end: datetime) -> float:
    """Return how much of the stretch the rows cover together, in seconds."""
    pieces = sorted((max(row.start or start, start), min(row.end or end, end)) for row in rows)
    total, reached = 0.0, start
    for begin, stop in pieces:
        if stop > max(begin, reached):
            total += (stop - max(begin, reached)).total_seconds()
            reached = stop
    return total


def _judged(rows: Sequence[JudgedDay]) -> Cell:
    by_answer: Mapping[str, int] = {row.answer: 0 for row in rows}
    by_answer = {name: sum(row.acceptances for row in rows if row.answer == name) for name in by_answer}
    total = sum(by_answer.values())
    if not total:
        return Cell("none", "", "no acceptance")
    judged = sum(count for name, count in by_answer.items() if name in _JUDGED)
    accused = sum(count for name, count in by_answer.items() if name in _ACCUSED)
    share = 100 * judged // total
    words = f"{share} % of {number(total)} judged" + (f", {number(accused)} accused" if accused else "")
    return Cell(f"q{min(share // 25, 3) if share < 100 else 4}" + (" hit" if accused else ""), f"{share}", words)
