"""Intrusions in words: sections of a heading, sentences and tables, which text and Markdown lay out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from counterfoil.model.blast import Blast, Reachable
from counterfoil.model.dossier import MailSum
from counterfoil.model.habits import Act, Change, Hours, Used
from counterfoil.model.story import Story
from counterfoil.model.timeline import BESIDE, Line
from counterfoil.report._intruders import intruder_words
from counterfoil.report.clean import clean
from counterfoil.report.words import brief, client, listed, minute, number, series, some, span

# How much of each list words hold; JSON has all.
MAX_ROWS, MAX_LINES, MAX_NAMES, MAX_TEXT, MAX_REASONS = 8, 40, 3, 120, 3


@dataclass(frozen=True)
class Grid:
    """A table: names of columns, and rows of cells. `more`: rows that are left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True)
class Section:
    """A heading with sentences, then tables."""

    heading: str
    sentences: tuple[str, ...]
    grids: tuple[Grid, ...] = ()


def sections(story: Story, *, lines: int = MAX_LINES) -> Iterator[Section]:
    """Yield the sections of one intrusion; its timeline has at most so many lines."""
    entry = story.intrusion
    why = [f"one intruder, because: {brief(clean(reason, 400))}" for reason in entry.joined[:MAX_REASONS]]
    claim = "indicators alone" if entry.claim is None else f"{entry.claim}, {entry.confidence} confidence"
    yield Section("who", (f"{intruder_words(entry)} ({claim})", *why))
    yield Section("habits", tuple(_habits(story)), tuple(_places(story)))
    yield Section("reached", tuple(_reached(story.whole)), tuple(_mail(story.whole.mail)))
    if story.reachable:
        yield Section("reachable", tuple(_reachable(story.reachable)), tuple(map(_parties, story.reachable)))
    yield Section("techniques (ATT&CK v19)", (), (_techniques(story),))
    yield Section("timeline (UTC)", tuple(_beside(story)), (_timeline(story, lines),))


def hours_words(hours: Hours) -> str:
    """Return the working hours in a sentence."""
    busy = [hour for hour, count in enumerate(hours.by_hour) if count]
    if not busy:
        return "hours: none"
    days = [name for name, count in zip(_DAYS, hours.by_day, strict=True) if count]
    told = f"active in {some(hours.active, 'hour')}, {_ranges(busy)} UTC, {', '.join(days)}"
    if not hours.zones:
        return f"{told}; too few or too spread to tell a time zone"
    zones = ", ".join(f"UTC{zone.offset:+d}" for zone in hours.zones)
    return f"{told}; office hours in {zones} ({hours.zones[0].share:.0%} of them)"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _ranges(hours: Sequence[int]) -> str:
    """Return hours as ranges, each to the end of its last hour.

    >>> _ranges([0, 1, 2, 9])
    '00-03, 09-10'
    """
    parts: list[tuple[int, int]] = []
    for hour in hours:
        if parts and parts[-1][1] == hour:
            parts[-1] = (parts[-1][0], hour + 1)
        else:
            parts.append((hour, hour + 1))
    return ", ".join(f"{first:02}-{last:02}" for first, last in parts)


def _habits(story: Story) -> Iterator[str]:
    habits = story.habits
    yield f"here for {_duration(habits.dwell)}"
    yield hours_words(habits.hours)
    at_once = f", up to {habits.most_at_once} within one hour" if habits.most_at_once > 1 else ""
    yield f"{some(len(habits.addresses), 'address', 'addresses')} in {some(len(habits.networks), 'network')}{at_once}"
    yield f"did, in this order: {_acts(habits.acts)}"
    if habits.refused:
        yield f"tried in vain: {_acts(habits.refused)}"
    yield from (_change(change) for change in habits.changes)


def _duration(dwell: timedelta) -> str:
    hours = dwell.total_seconds() / 3600
    return some(dwell.days, "day") if hours >= 48 else f"{hours:.1f} hours"


def _acts(acts: Sequence[Act]) -> str:
    shown = [f"{clean(act.operation, 60)} ({number(act.records)}{_unless(act.outcome)})" for act in acts[:MAX_ROWS]]
    more = f", {number(len(acts) - MAX_ROWS)} more" if len(acts) > MAX_ROWS else ""
    return ", ".join(shown) + more if shown else "nothing that is in evidence"


def _unless(outcome: str) -> str:
    return "" if outcome == "success" else f", {clean(outcome, 20)}"


def _change(change: Change) -> str:
    kind = change.kind
    before, after = (listed([clean(value, 48) for value in values], MAX_NAMES, 48)
                     for values in (change.before, change.after))
    return f"changed on {minute(change.at)}: {kind} {before} before, {after} since"


def _places(story: Story) -> Iterator[Grid]:
    habits = story.habits
    named = (("address", habits.addresses), ("agent", habits.agents), ("application", habits.applications))
    for name, used in named:
        if used:
            yield _used(name, used)


def _used(name: str, used: Sequence[Used]) -> Grid:
    rows = tuple(
        (client(each.name) if name == "application" else clean(each.name, MAX_TEXT),
         span(each.first_seen, each.last_seen), number(each.records), number(each.days), number(each.people))
        for each in used[:MAX_ROWS]
    )
    return Grid((name, "used", "records", "days", "people of the estate"), rows, len(used) - len(rows))


def _reached(whole: Blast) -> Iterator[str]:
    for each in whole.objects:
        most = "unknown: " + ", ".join(each.unbounded) if each.at_most is None else number(each.at_most)
        denied = f"; {some(each.denied, 'record')} of what was denied" if each.denied else ""
        names = f": {listed([clean(name, 80) for name in each.names], MAX_NAMES, 80)}" if each.names else ""
        yield f"{each.kind}: seen {number(each.seen)}, at least {number(each.at_least)}, at most {most}{names}{denied}"
    for hold in whole.holds:
        who = clean(hold.by, 60) or "somebody without a name"
        target = clean(hold.target, 80) or "target not logged"
        yield f"left behind: {hold.what}, {minute(hold.event_time)}, by {who}: {target}"
    if not whole.holds:
        yield "left behind: nothing that its own records show"
    named = [message for message in whole.messages if message.subject]
    if named:
        subjects = series([f'"{clean(each.subject, 60)}"' for each in named[:MAX_NAMES]])
        yield f"subjects of {number(len(named))} messages are known: {subjects}"


def _mail(mail: MailSum) -> Iterator[Grid]:
    if not mail.mailboxes:
        return
    rows = [
        (clean(box.mailbox, 96) or "not named", number(box.seen), number(box.at_least),
         f"unknown: {', '.join(box.unbounded)}" if box.at_most is None else number(box.at_most),
         span(box.first_seen, box.last_seen))
        for box in mail.mailboxes[:MAX_ROWS]
    ]
    if mail.mailbox_count > 1:
        most = "unknown" if mail.at_most is None else number(mail.at_most)
        boxes = some(mail.mailbox_count, "mailbox", "mailboxes")
        rows.append((boxes, number(mail.seen), number(mail.at_least), most, ""))
    yield Grid(("mailbox", "messages seen", "at least", "at most", "when"), tuple(rows),
               max(0, mail.mailbox_count - MAX_ROWS))


def _reachable(keys: Iterable[Reachable]) -> Iterator[str]:
    for each in keys:
        yield from (f"key {clean(each.key, 64)}: {words}" for words in each.unknown)


def _parties(each: Reachable) -> Grid:
    rows = tuple((clean(party.name, 80), clean(party.issuer, 80), party.door.value, number(party.tokens))
                 for party in each.parties[:MAX_ROWS])
    return Grid((f"opened by {clean(each.key, 40)}", "issuer", "why", "tokens"), rows, len(each.parties) - len(rows))


def _techniques(story: Story) -> Grid:
    rows = tuple((each.id, each.name, ", ".join(clean(why, 48) for why in each.why[:MAX_NAMES]), number(each.records),
                  span(each.first_seen, each.last_seen)) for each in story.habits.techniques)
    return Grid(("id", "technique", "shown by", "records", "when"), rows)


def _beside(story: Story) -> Iterator[str]:
    if any(line.basis in BESIDE for line in story.lines):
        yield "~ stands beside the intrusion: joined by an address, an actor or the time alone"


def _timeline(story: Story, lines: int) -> Grid:
    shown = story.lines[:lines]
    rows = tuple((minute(line.time), _act(line), _whom(line), line.basis.value, "; ".join(line.absent))
                 for line in shown)
    return Grid(("time", "what", "who, from, by", "joined by", "not in evidence"), rows,
                story.lines_left + len(story.lines) - len(shown))


def _act(line: Line) -> str:
    mark = "~ " if line.basis in BESIDE else ""
    many = f", {number(line.records)} times" if line.records > 1 else ""
    outcome = f" ({clean(line.outcome, 20)})" if line.outcome else ""
    return f"{mark}{clean(line.what, 80)}{outcome}{many}{f': {clean(line.reached, 60)}' if line.reached else ''}"


def _whom(line: Line) -> str:
    return ", ".join(filter(None, (clean(line.who, 60), clean(line.where, 48), brief(clean(line.by, 48)))))
