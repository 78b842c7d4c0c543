"""How long the issuer went without a new key."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import Span, day, days, realms, spans
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    expected = f"a new key at least every {days(baseline.key_age)} ({baseline.key_class})"
    if not issuer.keys:
        return cannot_tell("no key set", expected)
    slow, short, rhythms = [], [], []
    for realm, mine in realms(spans(issuer, baseline)).items():
        came = [span.first for span in mine if span.new and span.key.signs]
        length, begin, end = _longest(issuer, mine, came)
        of = f"{realm}: " if realm else ""
        if length > baseline.key_age:
            slow.append((length, f"{of}no new key from {day(begin)} to {day(end)}"))
        elif len(came) < 2 and issuer.observed < baseline.key_age:
            short.append(f"{of}{some(len(came), 'new key')}; none from {day(begin)} to {day(end)}")
        rhythms.append(length)
    if slow:
        return Answer(
            Verdict.FAIL, f"{days(max(slow)[0])} without a new key", expected, where=tuple(line for _, line in slow)
        )
    if short:
        seen = f"fewer than two new keys in {days(issuer.observed)}"
        return Answer(Verdict.CANNOT_TELL, seen, expected, where=tuple(short))
    return Answer(Verdict.PASS, f"never longer than {days(max(rhythms))} without a new key", expected)


def _longest(issuer: Issuer, mine: list[Span], came: list[datetime]) -> tuple[timedelta, datetime, datetime]:
    """Return the longest time without a new key, and from when to when. What was there at first may be older still."""
    stated = [span.key.born for span in mine if not span.new and span.key.born is not None]
    begin = min(max(stated), issuer.samples[0].time) if stated else issuer.samples[0].time
    moments = [begin, *came, issuer.samples[-1].time]
    return max((after - before, before, after) for before, after in pairwise(moments))


CHECK = Check(
    id="issuer-rotation",
    question="Does a new signing key come as often as it should?",
    why="Rotation of the consumer keys was by hand and rare, and stopped in 2021 after it had broken production. What "
    "is not done often is not dared when it matters.",
    sources=("CSRB 2024, recommendation 6", "NIST IR 8587 (draft of 2025-12-22)", "OpenID Connect Core 1.0, 10.1.1"),
    reads=Issuer,
    needs="a history of the key set",
    gain=8,
    fix=(
        "Rehearse a rotation where nothing depends on it: counterfoil respond rehearse.",
        "Publish each new key a day before it signs, so that no verifier meets it unprepared.",
        "Put rotation on a timer, and an alarm on the age of the signing key.",
    ),
    breaks="The first rotation finds the verifiers that hold a copy of the key; have the old key published meanwhile.",
    judge=_judge,
)
