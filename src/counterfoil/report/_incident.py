"""The first screen where somebody broke in: who was hit, what was reached, since when, how sure, what is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from counterfoil.model.coverage import ATTESTED
from counterfoil.model.dossier import Mailbox
from counterfoil.model.hunt import HuntReport
from counterfoil.model.picture import Picture, Turn
from counterfoil.model.schema import Leg
from counterfoil.model.story import Story
from counterfoil.model.verdict import FindingVerdict, Verdict
from counterfoil.report import _plots
from counterfoil.report.clean import clean
from counterfoil.report.words import minute, number, percent, series, some

# People, objects and turning points that the first screen names.
MAX_NAMES, MAX_NAME, MAX_OBJECTS, MAX_LANES = 6, 64, 2, 3
# The step of the journal that ends an intrusion by forged tokens.
BLOCK = "block"

SERVICES: dict[str, str] = {
    "mailbox": "mail (Exchange)", "file": "files (SharePoint, OneDrive)", "chat": "chats (Teams)", "team": "Teams",
    "api": "Microsoft Graph", "directory": "the directory (Entra ID)", "configuration": "settings",
    "other": "other services",
}
_TURNS = {
    Turn.KEY_READ: "the signing key is read",
    Turn.EXCHANGE: "first renewal: one token is exchanged for another",
    Turn.MAIL: "first mail is read",
    Turn.OTHER: "first access to anything but mail",
    Turn.LAST: "last of his acts in the records",
}
# Why no upper limit can be given (`model.dossier.Mailbox.unbounded`), for who decides.
_MORE = {
    "whole folder": "whole folders were copied, and no log counts what was in them",
    "not logged for a time": "the log stops for a day after 1,000 messages",
    "kind of access not told": "records do not say whether a message or a folder was read",
    "number of messages not told": "records do not say how many messages they stand for",
}


@dataclass(frozen=True)
class Moment:
    """A numbered line under the timeline."""

    number: int
    time: datetime
    words: str


@dataclass(frozen=True)
class Card:
    """A question of who decides, with its answer in sentences."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Incident:
    """The first screen but its headline and what comes next."""

    cards: tuple[Card, ...]
    drawn: _plots.Plot | None
    moments: tuple[Moment, ...]
    lanes_left: int


def incident(report: HuntReport) -> Incident:
    """Return what is told of the report's stories, of which there must be one."""
    stories = report.stories
    moments: list[Moment] = []
    lanes: list[tuple[Picture, list[_plots.Mark]]] = []
    for story in stories[:MAX_LANES]:
        own = [Moment(len(moments) + place, when, words)
               for place, (when, words) in enumerate(_moments(story, report, several=len(stories) > 1), 1)]
        moments += own
        lanes.append((story.picture, [_plots.Mark(each.number, each.time) for each in own]))
    told = "Bars: records of the intrusion over time. The list names what is numbered."
    return Incident(
        cards=(
            Card("Who was hit", tuple(_who(stories))),
            Card("What was reached", tuple(_reached(stories))),
            Card("Since when", tuple(_when(report))),
            Card("How sure", tuple(_sure(report))),
            Card("What is unknown", tuple(_unknown(report))),
        ),
        drawn=_plots.intrusion(lanes, told), moments=tuple(moments), lanes_left=len(stories) - len(lanes),
    )


def headline(report: HuntReport) -> str:
    """Return in one sentence who did what to whom, and when."""
    stories = report.stories
    first, last = _bounds(stories)
    hit = people(stories)
    whom = some(len(hit), "person", "people") if hit else "nobody who is named"
    convicted = any(story.intrusion.claim is not FindingVerdict.PROBABLY_FORGED for story in stories)
    with_what = "forged sign-in tokens" if convicted else "sign-in tokens that are probably forged"
    mail = any(story.whole.mail.mailbox_count for story in stories)
    who = "An intruder" if len(stories) == 1 else f"{number(len(stories))} intruders"
    did = f"read the mail of {whom}" if mail else f"acted in the name of {whom}"
    days = f"on {first:%Y-%m-%d}" if first.date() == last.date() else f"from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    return f"{who} {did} with {with_what}, seen {days}."


def people(stories: Sequence[Story]) -> tuple[str, ...]:
    """Return who was hit, each once: owners of mailboxes, and those in whose name the intruder acted."""
    named = [box.mailbox for story in stories for box in story.whole.mail.mailboxes]
    named += [subject for story in stories for subject in story.intrusion.subjects]
    shown: dict[str, str] = {}
    for name in named:
        if name:
            shown.setdefault(clean(name, MAX_NAME).casefold(), clean(name, MAX_NAME))
    return tuple(shown.values())


def mailboxes(stories: Sequence[Story]) -> tuple[Mailbox, ...]:
    """Return the mailboxes that were read, the fullest of each intrusion first."""
    return tuple(box for story in stories for box in story.whole.mail.mailboxes)


def _bounds(stories: Sequence[Story]) -> tuple[datetime, datetime]:
    return (min(story.intrusion.first_seen for story in stories), max(story.intrusion.last_seen for story in stories))


def _moments(story: Story, report: HuntReport, *, several: bool) -> Iterator[tuple[datetime, str]]:
    """Yield the turning points in time; those of one record are told as one."""
    forged = story.intrusion.claim is FindingVerdict.FORGED
    first = "first token that nobody issued" if forged else "first of the tokens"
    told: dict[tuple[datetime, str, int], list[str]] = {}
    for each in story.picture.moments:
        told.setdefault((each.time, each.path, each.position), []).append(_TURNS.get(each.turn, first))
    whose = f" (intrusion {story.intrusion.id})" if several else ""
    lines = [(key[0], f"{' and '.join(words)}{whose}") for key, words in told.items()]
    lines += [(done.time, "the key is blocked") for done in report.response if done.step == BLOCK]
    yield from sorted(lines)


def _who(stories: Sequence[Story]) -> Iterator[str]:
    hit = people(stories)
    if not hit:
        yield "The records name nobody."
        return
    left = len(hit) - MAX_NAMES
    more = f" and {number(left)} more" if left > 0 else ""
    names = ", ".join(hit[:MAX_NAMES]) if more else series(hit)
    yield f"{some(len(hit), 'person', 'people')}: {names}{more}."


def _reached(stories: Sequence[Story]) -> Iterator[str]:
    sums = [story.whole.mail for story in stories if story.whole.mail.mailbox_count]
    if sums:
        boxes = sum(each.mailbox_count for each in sums)
        least = sum(each.at_least for each in sums)
        unbounded = any(each.at_most is None for each in sums)
        limit = number(sum(each.at_most or 0 for each in sums))
        most = "the upper limit is unknown" if unbounded else f"at most {limit}"
        yield f"Mail (Exchange): {some(least, 'message')} at least, in {some(boxes, 'mailbox', 'mailboxes')}; {most}."
    seen: dict[str, int] = {}
    for story in stories:
        for each in story.whole.objects:
            if each.at_least:
                seen[each.kind] = seen.get(each.kind, 0) + each.at_least
    others = [f"{SERVICES.get(kind, clean(kind, 24))}: {number(count)} at least"
              for kind, count in sorted(seen.items(), key=lambda pair: (-pair[1], pair[0]))]
    if others:
        text = "; ".join(others[:MAX_OBJECTS])
        yield f"{text[:1].upper()}{text[1:]}."
    holds = dict.fromkeys(hold.what for story in stories for hold in story.whole.holds)
    if holds:
        yield f"Left behind, to be undone: {series(list(holds)[:MAX_NAMES])}."
    elif sums or others:
        yield "No rule, consent, secret or device that he left behind is in the records."


def _when(report: HuntReport) -> Iterator[str]:
    first, last = _bounds(report.stories)
    days = (last - first).days
    lasted = f" ({some(days, 'day')})" if days else ""
    yield f"First seen {minute(first)} UTC, last seen {minute(last)} UTC{lasted}."
    blocks = [done.time for done in report.response if done.step == BLOCK]
    if not blocks:
        yield "It may still go on: no block of the signing key is noted in this case."
    elif last > min(blocks):
        yield f"The key was blocked on {minute(min(blocks))} UTC, and tokens were used after that."
    else:
        yield f"The key was blocked on {minute(min(blocks))} UTC; nothing later is in evidence."
    if report.last_event is not None:
        yield f"The evidence ends on {minute(report.last_event)} UTC."


def _sure(report: HuntReport) -> Iterator[str]:
    confidence = {story.intrusion.confidence for story in report.stories}
    level = next((word for word in ("high", "medium", "low") if word in confidence), "low")
    forged, tainted = report.tokens(Verdict.FORGED), report.tokens(Verdict.TAINTED)
    contradicted = report.tokens(Verdict.CONTRADICTED)
    parts = []
    if forged:
        parts.append(f"the issuer's log is relied on for that time, and does not know {some(forged, 'token')} that"
                     f" {'was' if forged == 1 else 'were'} accepted")
    if contradicted:
        parts.append(f"{some(contradicted, 'token contradicts', 'tokens contradict')} what the issuer recorded")
    if tainted:
        parts.append(f"{some(tainted, 'more was', 'more were')} obtained with such ones" if parts else
                     f"{some(tainted, 'token was', 'tokens were')} obtained with tokens that no sign-in stands behind")
    if parts:
        yield f"{level.capitalize()} confidence: {'; '.join(parts)}."
    else:
        yield f"{level.capitalize()} confidence: it points to forging, and would not survive one lost record."
    if any(row.status == ATTESTED for row in report.coverage):
        yield "It rests on logs that verify, and of which another party keeps a checkpoint."
    elif any(row.status == "accepted" for row in report.coverage):
        yield "That these logs are complete was said by whoever ran this; checks found nothing against it."


def _unknown(report: HuntReport) -> Iterator[str]:
    if not any(leg == Leg.KEY_USE and count for leg, count in report.legs):
        yield "Which key signed the tokens, and how he got it: no log of a key store is in evidence."
    why = dict.fromkeys(words for box in mailboxes(report.stories) for words in box.unbounded)
    if why:
        yield f"How much more mail was read: {why_more(why)}."
    blind = max((story.whole.mail.blind_elsewhere for story in report.stories), default=0)
    if blind:
        were = "was" if blind == 1 else "were"
        boxes = some(blind, "other mailbox", "other mailboxes")
        yield f"Whether {boxes} that {were} not logged for a time {were} read."
    dark = report.tokens(Verdict.UNLINKABLE) + report.tokens(Verdict.UNCOVERED)
    if dark:
        yield (f"Whether more is forged: {number(dark)} of {number(report.total)} accepted tokens"
               f" ({percent(dark, report.total)}) could not be judged.")
    yield "Who the intruder is."


def why_more(unbounded: Iterable[str]) -> str:
    """Return why nobody can say how much mail was read at most, for who decides."""
    return series([_MORE.get(words, clean(words, 60)) for words in unbounded])


def certain(box: Mailbox) -> str:
    """Return how certain the numbers of one mailbox are, in words."""
    if box.at_most is None:
        why = ", ".join(clean(words, 60) for words in box.unbounded)
        return f"at least {number(box.at_least)}; at most unknown: {why}"
    if box.at_most == box.at_least:
        return f"{number(box.at_least)}, as far as the log goes"
    return f"at least {number(box.at_least)}, at most {number(box.at_most)}"


def how(box: Mailbox) -> str:
    """Return how the mail of one mailbox was read, as far as records tell."""
    counts = ((box.binds, "bind"), (box.syncs, "sync"), (box.untold, "untold"), (box.aggregated, "aggregated"),
              (box.throttled, "throttled"))
    parts = [f"{number(count)} {words}" for count, words in counts if count]
    if box.attachments:
        parts.append(some(box.attachments, "attachment"))
    return ", ".join(parts)
