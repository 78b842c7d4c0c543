"""What `ready` prints: a screen for people, a document for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from textwrap import wrap

from counterfoil.model.readiness import Gap, Judged, LegReadiness, Readiness, Replay, Seen, ServiceReadiness
from counterfoil.model.schema import Leg
from counterfoil.report import _document
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen
from counterfoil.report.words import brief, some

SCHEMA = "counterfoil.ready/1"
MAX_SERVICES, MAX_LEGS = 12, 16
MAX_TEXT, MAX_COMMAND = 300, 4_000
WIDTH = 100
_LEGS = {Leg.KEY_USE: "key use", Leg.ISSUANCE: "issuance", Leg.SECONDARY_ISSUANCE: "secondary"}
# The intrusion that is replayed began on a Monday, and was told on this day of it.
_THEN = "In 2023 the intruder began on 15 May; a customer saw him on 15 June, day 32."


def render(found: Readiness, form: str, screen: Screen) -> str:  # noqa: ARG001  # every text has this shape
    """Return the readiness in this format."""
    if form == "json":
        return _document.encode(document(found), indent=2) + "\n"
    return "".join(f"{line}\n" for line in _text(found))


def document(found: Readiness) -> _document.Document:
    """Return the readiness as `counterfoil.ready/1`."""
    return {
        "schema": SCHEMA,
        "case": found.case,
        "ready": found.ready,
        "services": [asdict(each) for each in found.services],
        "legs": [asdict(each) for each in found.legs],
        "mailboxes_audited": found.mailboxes,
        "gaps": [asdict(each) for each in found.gaps],
        "shape": asdict(found.shape),
        "replay": asdict(found.replay) if found.replay else None,
    }


def _text(found: Readiness) -> Iterator[str]:
    yield f"{clean(found.case, MAX_TEXT)}: {_headline(found)}"
    yield ""
    yield "COULD A FORGED TOKEN BE JUDGED"
    for service in found.services[:MAX_SERVICES]:
        yield from _service(service)
    yield from _more(len(found.services) - MAX_SERVICES)
    yield ""
    yield "BEFORE THE ACCEPTANCE  what is in evidence, and how far back"
    yield from map(_leg, found.legs[:MAX_LEGS])
    yield from _more(len(found.legs) - MAX_LEGS)
    if not any(leg.leg == Leg.KEY_USE for leg in found.legs):
        yield "  key use: none. Of keys of Entra ID only Microsoft has it; of your own, counterfoil keys keeps it"
    if found.mailboxes:
        yield f"  mail access is proven to be audited in {some(found.mailboxes, 'mailbox', 'mailboxes')}"
    if found.gaps:
        yield ""
        yield "DO FIRST  ordered by gain"
        for place, gap in enumerate(found.gaps, 1):
            yield from _gap(place, gap)
    if found.replay is not None:
        yield from _replay(found.replay)


def _replay(replay: Replay) -> Iterator[str]:
    yield ""
    yield "WOULD 2023 HAVE BEEN SEEN  the intrusion replayed in logs of these kinds, hunted day by day"
    yield from _wrapped(f"replayed: {'; '.join(replay.logs)}", 2)
    for seen in replay.seen:
        yield from _wrapped(_seen(seen), 2)
    if not replay.seen:
        yield "  never: no log of these kinds shows anything of it"
    yield f"  {_THEN}"


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield f"  and {count:,} more: --format json"


def _headline(found: Readiness) -> str:
    if not found.services:
        return "no acceptance of a token is in evidence, so nothing could be judged"
    good = sum(each.answer is Judged.YES for each in found.services)
    later = sum(each.answer is Judged.ONCE_DECLARED for each in found.services)
    rest = len(found.services) - good - later
    parts = [(good, "today"), (later, "once the logs are declared complete"), (rest, "not, or only in part")]
    told = "; ".join(f"{count} of {some(len(found.services), 'service')} {words}" for count, words in parts if count)
    return f"could a forged token be judged? in {told}"


def _service(each: ServiceReadiness) -> Iterator[str]:
    whose = clean(brief(each.issuer) or "issuer not told", 60)
    yield f"  {each.service} of {whose}: {each.answer.words}"
    sums = [
        (each.judged, "judged"), (each.waiting, "of times that no log is relied on for"),
        (each.missing, "wait for a log that is not there"), (each.nameless, "have no id"),
        (each.apart, "leave no record at their issuer"),
    ]
    told = ", ".join(f"{count:,} {words}" for count, words in sums if count)
    when = f"{each.first:%Y-%m-%d} to {each.last:%Y-%m-%d}"
    yield from _wrapped(f"linked by {each.strength} · {when} · {some(each.tokens, 'token')}: {told}", 4)


def _wrapped(text: str, indent: int) -> Iterator[str]:
    """Yield the lines of a sentence; commands stay whole, so that they survive being copied."""
    yield from wrap(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2),
                    break_on_hyphens=False)


def _leg(leg: LegReadiness) -> str:
    whose = f" of {clean(brief(leg.issuer), 60)}" if leg.issuer else ""
    what = f"  {_LEGS.get(Leg(leg.leg), leg.leg):<10}{clean(leg.part, 40):<36}"
    return f"{what}{some(leg.records, 'record'):>16}, {some(leg.days, 'day')}{whose}"


def _gap(place: int, gap: Gap) -> Iterator[str]:
    gain = f"up to {some(gap.tokens, 'token')}" if gap.tokens else "no token of these logs waits for it"
    yield from _wrapped(f"{place} {clean(gap.what, MAX_TEXT)}: {gap.why.words} · {gain}", 2)
    if gap.note:
        yield from _wrapped(clean(gap.note, MAX_TEXT), 4)
    yield from (f"    {clean(step, MAX_COMMAND)}" for step in gap.how)


def _seen(seen: Seen) -> str:
    way = "all sign-ins declared complete" if seen.declared else "nothing declared"
    if seen.day is None or seen.claim is None:
        return f"{way}: not seen within his {seen.days} days"
    share = f"{seen.found} of {some(seen.planted, 'token')} that he used by then"
    rank = f", finding {seen.rank}" if seen.rank > 1 else ""
    return f"{way}: on day {seen.day}, as {seen.claim} by {seen.rule}{rank} ({share})"
