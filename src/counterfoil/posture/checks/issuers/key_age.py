"""The oldest key that verifiers are told to trust."""

from __future__ import annotations

from datetime import datetime, timedelta

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import Span, day, days, spans
from counterfoil.posture.issuer import Issuer


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    expected = f"no key published for longer than {days(baseline.published_age)} ({baseline.key_class})"
    published = {key.id for key in issuer.lately(baseline.window) if key.signs}
    mine = [span for span in spans(issuer, baseline) if span.key.id in published]
    if not mine:
        return cannot_tell("no key set", expected)
    last = issuer.samples[-1].time
    aged = sorted(((last - _since(span), span) for span in mine), key=lambda pair: pair[0], reverse=True)
    over = [(age, span) for age, span in aged if age > baseline.published_age]
    if over:
        told = tuple(f"key {span.key.name}: since {day(_since(span))} at the latest" for _, span in over)
        return Answer(Verdict.FAIL, f"a key of {days(over[0][0])}, at least", expected, where=told)
    unknown = [span for span in mine if not span.new and span.key.born is None]
    if unknown:
        seen = f"{len(unknown)} of {len(mine)} keys say nothing of their age, and were there when the fetches began"
        told = tuple(f"key {span.key.name}: published since {day(span.first)} at the latest" for span in unknown)
        return Answer(Verdict.CANNOT_TELL, seen, expected, where=told)
    return Answer(Verdict.PASS, f"the oldest key is {days(max(aged[0][0], timedelta()))} old", expected)


def _since(span: Span) -> datetime:
    born = span.key.born
    return span.first if born is None else min(span.first, born)


CHECK = Check(
    id="issuer-key-age",
    question="Is every published signing key younger than the limit?",
    why="The key stolen before 2023 was seven years old and its certificate two years over; nobody was told. The older "
    "a key, the more copies and crash dumps it may lie in.",
    sources=("CSRB 2024, page 17", "NIST IR 8587 (draft of 2025-12-22)", "SP 800-57 part 1, 5.3.6"),
    reads=Issuer,
    needs="a history of the key set, or keys that state when they began (iat, nbf, x5c)",
    gain=9,
    fix=(
        "Publish a new key, and wait a day: relying parties refresh once a day.",
        "Let it sign; keep the old key published for as long as its longest token lives.",
        "Take the old key out, and destroy it.",
        "Let this happen by itself: counterfoil keys rotate, or the key store's own rotation.",
    ),
    breaks="Verifiers that pin the key, or never fetch the set again, refuse genuine tokens from the second step on.",
    judge=_judge,
)
