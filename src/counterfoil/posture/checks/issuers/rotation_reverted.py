"""A key that had left came back."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import day, days, spans
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    expected = "a key that left stays away"
    back = [
        f"key {span.key.name}: away from {day(absence.left)}, back on {day(absence.back)}"
        for span in spans(issuer, baseline) for absence in span.returned if absence.back is not None
    ]
    if back:
        return Answer(Verdict.FAIL, f"{some(len(back), 'key')} came back", expected, where=tuple(back))
    if issuer.observed < 2 * baseline.window or len(issuer.samples) < 2 * baseline.fetches:
        fetched = f"{some(len(issuer.samples), 'fetch', 'fetches')} over {days(issuer.observed)}"
        return cannot_tell(f"{fetched}: too few to tell replicas from a return", expected)
    return Answer(Verdict.PASS, f"none came back in {days(issuer.observed)}", expected)


CHECK = Check(
    id="issuer-rotation-reverted",
    question="Did a key that had been taken out never come back?",
    why="A rotation that fails is undone: the old key signs again, often for years. Logto did so in January 2026 after "
    "an hour's outage; Microsoft stopped rotating altogether. A key that was blocked and comes back is worse.",
    sources=("Logto, post-mortem of 2026-01-08", "CSRB 2024, page 17"),
    reads=Issuer,
    needs="a history of the key set over two weeks or more",
    gain=7,
    fix=(
        "Ask who put the key back, and why: a failed rotation, or somebody who holds the key.",
        "Find the verifiers that the rotation broke, and how long they cache: counterfoil respond probe.",
        "Rotate again, with the new key published for longer than that cache holds.",
    ),
    breaks="Nothing, if the new key is published before it signs.",
    judge=_judge,
)
