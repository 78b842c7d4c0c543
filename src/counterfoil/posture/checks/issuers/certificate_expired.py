"""Keys that are published beyond the end that they state themselves."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import day, spans
from counterfoil.posture.issuer import Issuer
from counterfoil.report.words import some


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    expected = "no key is published after its certificate, or its exp, has ended"
    mine = spans(issuer, baseline)
    lines = {
        span.key.id: f"key {span.key.name}: ended {day(span.key.ends)}, still published {day(span.last)}"
        for span in mine if span.key.ends is not None and span.last > span.key.ends
    }
    lately = {key.id for key in issuer.lately(baseline.window)}
    if lines:
        verdict = Verdict.FAIL if lately & set(lines) else Verdict.PARTIAL
        seen = f"{some(len(lines), 'expired key')} published"
        return Answer(verdict, seen, expected, where=tuple(lines.values()))
    stated = [span.key.ends for span in mine if span.key.id in lately and span.key.ends is not None]
    if len(stated) < len(lately) or not lately:
        return cannot_tell(f"{len(lately) - len(stated)} of {len(lately)} keys state no end", expected)
    return Answer(Verdict.PASS, f"the first one ends {day(min(stated))}", expected)


CHECK = Check(
    id="issuer-key-expired",
    question="Is no key published beyond its own end?",
    why="The certificate of the key stolen before 2023 had ended in April 2021. JWT libraries do not look at it, so "
    "that the key was trusted for two more years.",
    sources=("CSRB 2024, page 17", "RFC 5280, 4.1.2.5", "OpenID Federation 1.0, 8.7"),
    reads=Issuer,
    needs="keys with certificates (x5c) or exp",
    gain=9,
    fix=(
        "Find out whether tokens are still signed with the key: counterfoil hunt names keys of accepted tokens.",
        "Rotate away from it, then take it out of the key set.",
        "Let verifiers refuse it: counterfoil's own takes the certificate's end as the key's.",
    ),
    breaks="Tokens under the key are refused: rotate first if it still signs.",
    judge=_judge,
)
