"""A key that took over without having been announced."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import Span, day, days, realms, spans
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    expected = f"a key is published {days(baseline.prepublish)} before it is needed"
    if not issuer.keys:
        return cannot_tell("no key set", expected)
    parted = realms([span for span in spans(issuer, baseline) if span.key.signs]).values()
    unannounced = [line for mine in parted for line in (*_abrupt(mine, baseline), *_used_early(mine, issuer, baseline))]
    if unannounced:
        seen = f"{some(len(unannounced), 'key')} needed at once"
        return Answer(Verdict.FAIL, seen, expected, where=tuple(unannounced))
    passing = [line for mine in parted for line in _passing(mine, baseline)]
    if passing:
        return Answer(Verdict.PARTIAL, "a key stood in the set only for a moment", expected, where=tuple(passing))
    changes = sum(span.new for mine in parted for span in mine)
    if not changes or not any(span.gone for mine in parted for span in mine):
        return cannot_tell(f"no whole change of keys in {days(issuer.observed)}", expected)
    return Answer(Verdict.PASS, f"each of {changes} new keys stood beside the one that it replaced", expected)


def _abrupt(mine: list[Span], baseline: Baseline) -> Iterator[str]:
    """Yield what happened where a key left, and none that was known for long enough was there to follow it.

    Which of the keys published beside each other signs, nobody outside sees: only the last one's leaving tells.
    """
    for span in mine:
        left = next((absence.left for absence in span.absences if absence.back is None), None)
        if left is None:
            continue
        followers = [other for other in mine if other is not span and other.last > left]
        if followers and all(other.first > left - baseline.prepublish for other in followers):
            follower = min(followers, key=lambda other: other.first)
            yield f"key {follower.key.name}: first seen {day(follower.first)}; {span.key.name} last seen {day(left)}"


def _used_early(mine: list[Span], issuer: Issuer, baseline: Baseline) -> Iterator[str]:
    """Yield the keys that signed, by the records of a case, before verifiers could know them."""
    used = {use.kid: use for use in issuer.uses}
    for span in mine:
        use = used.get(span.key.kid or "")
        if use is not None and span.new and use.first < span.first + baseline.prepublish:
            yield f"key {span.key.name}: published {day(span.first)}, signed a token of {day(use.first)} ({use.record})"


def _passing(mine: list[Span], baseline: Baseline) -> Iterator[str]:
    """Yield keys that came and left sooner than any announced key could have signed."""
    for span in mine:
        if span.new and span.gone and len(mine) > 1 and span.last - span.first < baseline.prepublish:
            yield f"key {span.key.name}: in the set from {day(span.first)} to {day(span.last)} only"


CHECK = Check(
    id="issuer-pre-publication",
    question="Is every new key published before verifiers need it?",
    why="A key that signs before verifiers could fetch it breaks them, and so rotations are undone. And a key that "
    "nobody announced is what somebody who can write the key set would add.",
    sources=("Microsoft identity platform, signing key rollover", "Logto, post-mortem of 2026-01-08",
             "OpenID Connect Core 1.0, 10.1.1"),
    reads=Issuer,
    needs="a history of the key set with a change of keys; records of a case tell when a key first signed",
    gain=7,
    fix=(
        "Ask the owner of the issuer whether the key is theirs. If nobody knows it: counterfoil respond plan.",
        "Publish the next key a day before it signs, and keep it there.",
        "Keep the old key published until its longest token has ended.",
    ),
    breaks="Nothing: an additional key in the set is ignored until a token names it.",
    judge=_judge,
)
