"""Drawings of the page: an intrusion over time, acceptances by answer, hours of the week, tokens by lineage.

Only counts, times and our own words are drawn. Each is drawn for two widths of screen; a table beside it, or the words
that it carries, say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from markupsafe import Markup

from counterfoil.model.dossier import HourCount, JudgedDay
from counterfoil.model.picture import Kin, Picture
from counterfoil.model.verdict import ACCUSING, FindingVerdict, Verdict
from counterfoil.report._axis import Axis, ticks
from counterfoil.report._svg import Drawing

WIDE, WIDE_HOURS, NARROW = 900, 460, 340
# What is drawn from top to bottom: an answer, its name, its look. Each has a panel of its own, so that no colour has
# to be told from another, and three forged among thousands can be seen.
PANELS: tuple[tuple[str, str, str], ...] = (
    (FindingVerdict.FORGED, "forged", "bad"),
    (FindingVerdict.CONTRADICTED, "contradicted", "bad"),
    (FindingVerdict.TAINTED, "tainted", "bad"),
    (FindingVerdict.PROBABLY_FORGED, "probably forged", "warn"),
    (FindingVerdict.SUSPICION, "suspicious", "warn"),
    ("open", "cannot be judged", "dim"),
    (Verdict.MINTED, "minted", "ink"),
)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PANEL, _TITLE, _FOOT = 46, 16, 20
_LEFT, _RIGHT = 46, 8
_LANE = 26


@dataclass(frozen=True)
class Plot:
    """One drawing for two widths of screen. `words` say what it shows, for who does not see it."""

    wide: Markup
    narrow: Markup
    words: str


@dataclass(frozen=True)
class Mark:
    """A numbered turning point of a timeline."""

    number: int
    time: datetime


@dataclass(frozen=True)
class _Scale:
    """Places of times between two edges."""

    first: datetime
    last: datetime
    left: float
    right: float

    def __call__(self, when: datetime) -> float:
        whole = (self.last - self.first).total_seconds()
        return self.left + (self.right - self.left) * ((when - self.first).total_seconds() / whole if whole else 0.5)


def _both(draw: Callable[[float], Drawing], wide: float, words: str) -> Plot:
    return Plot(draw(wide).markup(), draw(NARROW).markup(), words)


def _foot(drawing: Drawing, scale: _Scale, y: float) -> None:
    """Draw the axis of time: every name of a time has its year."""
    drawing.line("d-axis", scale.left, y, scale.right, y)
    hours = scale.last - scale.first < timedelta(days=2)
    room = 110 if hours else 84
    for when in ticks(scale.first, scale.last, max(1, int((scale.right - scale.left) // room)), whole_days=not hours):
        x = scale(when)
        drawing.line("d-axis", x, y, x, y + 4)
        at = "start" if x - scale.left < room / 2 else "end" if scale.right - x < room / 2 else "middle"
        drawing.words("d-words", x, y + 15, when.strftime("%Y-%m-%d %H:%M" if hours else "%Y-%m-%d"), at=at)


def intrusion(lanes: Sequence[tuple[Picture, Sequence[Mark]]], words: str) -> Plot | None:
    """Return intrusions over time, a lane each: bars are records, numbers turning points that a list beside names."""
    times = [mark.time for _, marks in lanes for mark in marks] + [
        edge for picture, _ in lanes for busy in picture.busy for edge in (busy.start, busy.start + _unit(picture))]
    if not times:
        return None
    margin = max((max(times) - min(times)) / 50, timedelta(minutes=30))
    first, last = min(times) - margin, max(times) + margin

    def draw(width: float) -> Drawing:
        height = 54
        drawing = Drawing(width, height * len(lanes) + _FOOT)
        scale = _Scale(first, last, 2, width - 2)
        for place, (picture, marks) in enumerate(lanes):
            floor = height * (place + 1) - 2
            most = max((busy.records for busy in picture.busy), default=1)
            for busy in picture.busy:
                x = scale(busy.start)
                tall = max(2.0, 24 * busy.records / most)
                drawing.bar("d-bad", x, floor - tall, max(1.5, scale(busy.start + _unit(picture)) - x - 0.5), tall)
            if place < len(lanes) - 1:
                drawing.line("d-axis", scale.left, floor, scale.right, floor)
            _numbered(drawing, scale, marks, floor)
        _foot(drawing, scale, height * len(lanes) - 2)
        return drawing

    return _both(draw, WIDE, words)


def _numbered(drawing: Drawing, scale: _Scale, marks: Sequence[Mark], floor: float) -> None:
    """Draw the numbers side by side where their times are too near, each with a line to its time."""
    taken = -100.0
    right = scale.right - 9
    for left, mark in enumerate(sorted(marks, key=lambda mark: (mark.time, mark.number))):
        x = max(scale(mark.time), taken + 20, scale.left + 9)
        x = min(x, right - 20 * (len(marks) - 1 - left))
        taken = x
        drawing.line("d-pin", x, floor - 34, scale(mark.time), floor)
        drawing.dot("d-mark", x, floor - 42, 9)
        drawing.words("d-number", x, floor - 38, str(mark.number), at="middle")


def _unit(picture: Picture) -> timedelta:
    return timedelta(days=1) if picture.day_long else timedelta(hours=1)


def days(rows: Sequence[JudgedDay], over: Axis) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return (name of an answer, acceptances per column) of the answers that occur."""
    counted: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        place = over.place(row.day)
        if place is not None:
            counted[row.answer][place] += row.acceptances
    return tuple(
        (name, tuple(counted[answer][n] for n in range(len(over.days))))
        for answer, name, _ in PANELS
        if counted[answer]
    )


def timeline(shown: Sequence[tuple[str, tuple[int, ...]]], over: Axis) -> Plot | None:
    """Return acceptances over time, a panel per answer; None without anything to plot."""
    if not shown or not over.days:
        return None
    looks = {name: look for _, name, look in PANELS}
    begin = datetime.combine(over.days[0], time())
    end = datetime.combine(over.days[-1], time()) + timedelta(days=over.step)

    def draw(width: float) -> Drawing:
        drawing = Drawing(width, len(shown) * (_PANEL + _TITLE) + _FOOT)
        scale = _Scale(begin, end, _LEFT, width - _RIGHT)
        column = (scale.right - scale.left) / len(over.days)
        for place, (name, counts) in enumerate(shown):
            floor, most = (place + 1) * (_PANEL + _TITLE), max(counts)
            drawing.words("d-title", _LEFT, floor - _PANEL - 4, name)
            drawing.words("d-words", _LEFT - 4, floor - _PANEL + 9, _thousands(most), at="end")
            for n, count in enumerate(counts):
                tall = _PANEL * count / most if most else 0
                if count:
                    drawing.bar(f"d-{looks[name]}", scale.left + n * column + 0.5, floor - max(tall, 2),
                                max(column - 1, 1), max(tall, 2))
            drawing.line("d-axis", scale.left, floor, scale.right, floor)
        _foot(drawing, scale, len(shown) * (_PANEL + _TITLE))
        return drawing

    names = ", ".join(name for name, _ in shown)
    span = f"from {over.days[0]} to {over.days[-1]}"
    return _both(draw, 700, f"Acceptances {span}, one panel each: {names}. The table below has the numbers.")


def _thousands(count: int) -> str:
    """Return a number that fits beside a drawing.

    >>> _thousands(950), _thousands(12_400)
    ('950', '12k')
    """
    return str(count) if count < 10_000 else f"{count / 1000:.0f}k"


def hours(rows: Sequence[HourCount]) -> Plot | None:
    """Return the hours at which tokens of findings were used; None where none were."""
    if not rows:
        return None
    most = max(row.acceptances for row in rows)

    def draw(width: float) -> Drawing:
        drawing = Drawing(width, 7 * 22 + _FOOT)
        column = (width - _LEFT - _RIGHT) / 24
        for place, name in enumerate(_WEEKDAYS):
            y = 11 + 22 * place
            drawing.words("d-words", _LEFT - 6, y + 4, name, at="end")
            drawing.line("d-grid", _LEFT, y, width - _RIGHT, y)
        for row in rows:
            size = 2 + 8 * (row.acceptances / most) ** 0.5
            drawing.dot("d-ink", _LEFT + column * (row.hour + 0.5), 11 + 22 * (row.weekday - 1), size)
        for hour in range(0, 24, 3):
            drawing.words("d-words", _LEFT + column * (hour + 0.5), 7 * 22 + 15, f"{hour:02}", at="middle")
        return drawing

    return _both(draw, WIDE_HOURS, "Uses of tokens of findings by weekday and hour, UTC.")


@dataclass(frozen=True)
class Lane:
    """The tokens of one person in time. `name`: a person's, from a log; `words`: what is drawn, in numbers."""

    name: str
    drawn: Plot
    words: str


def lineage(kin: Sequence[Kin]) -> tuple[Lane, ...]:
    """Return a lane per person, the earliest first: which token was obtained with which."""
    if not kin:
        return ()
    people: dict[str, list[Kin]] = {}
    for each in kin:
        people.setdefault(each.subject, []).append(each)
    first, last = kin[0].first_seen, max(each.first_seen for each in kin)
    return tuple(Lane(name, _lane(own, first, last), _counted(own)) for name, own in people.items())


def _lane(own: Sequence[Kin], first: datetime, last: datetime) -> Plot:
    def draw(width: float) -> Drawing:
        drawing = Drawing(width, 2 * _LANE)
        scale = _Scale(first, last, 10, width - 10)
        drawing.line("d-grid", 0, 1.5 * _LANE, width, 1.5 * _LANE)
        roots = {each.token_key: scale(each.first_seen) for each in own}
        for each in own:
            x = scale(each.first_seen)
            for parent in each.parents:
                if parent in roots:
                    drawing.line("d-edge", roots[parent], 0.5 * _LANE, x, 1.5 * _LANE)
        for each in own:
            x = scale(each.first_seen)
            if each.parents or each.unrooted:
                drawing.dot("d-unrooted" if each.unrooted else "d-child", x, 1.5 * _LANE, 5)
            else:
                drawing.diamond("d-bad" if each.verdict in ACCUSING else "d-warn", x, 0.5 * _LANE, 7)
        return drawing

    return _both(draw, 640, _counted(own))


def _counted(own: Sequence[Kin]) -> str:
    obtained = sum(bool(each.parents) for each in own)
    unrooted = sum(each.unrooted for each in own)
    parts = ((len(own) - obtained - unrooted, "by himself"), (obtained, "with one of these"),
             (unrooted, "with one that no record names"))
    return ", ".join(f"{count} {words}" for count, words in parts if count)
