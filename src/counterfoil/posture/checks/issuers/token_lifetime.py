"""For how long tokens are good, by the tokens that were seen."""

from __future__ import annotations

from datetime import timedelta

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import days
from counterfoil.posture.issuer import Issuer


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    usual = timedelta(minutes=baseline.number("token-life-minutes"))
    limit = timedelta(minutes=baseline.number("token-life-limit-minutes"))
    expected = f"access tokens live {days(usual)}, and never longer than {days(limit)}"
    lives = sorted(((use.longest, use) for use in issuer.uses if use.longest is not None), key=lambda pair: pair[0])
    if not lives:
        return cannot_tell("no record tells when tokens of this issuer's keys end (metadata never does)", expected)
    longest, use = lives[-1]
    where = (f"key {use.kid[:80]}: {use.record}",)
    if longest > limit:
        return Answer(Verdict.FAIL, f"a token lived {days(longest)}", expected, where=where)
    if longest > usual:
        return Answer(Verdict.PARTIAL, f"a token lived {days(longest)}", expected, where=where)
    return Answer(Verdict.PASS, f"the longest lived {longest.total_seconds() / 60:.0f} minutes", expected, where=where)


CHECK = Check(
    id="issuer-token-lifetime",
    question="Do access tokens end soon?",
    why="For as long as a token lives it is good after its user was locked out and after its key was taken out. What "
    "an intruder minted in 2023 was renewed again and again.",
    sources=("NIST IR 8587 (draft of 2025-12-22)", "SP 800-63C-4", "RFC 9700, 4.14"),
    reads=Issuer,
    needs="--case with records that hold issued-at and expiry of tokens",
    gain=5,
    fix=("Set the lifetime of access tokens to an hour.", "Where longer ones are needed, have them checked: continuous "
         "access evaluation, introspection, status lists.", "Let verifiers refuse longer ones: max_lifetime in the "
         "token policy."),
    breaks="Clients that never refresh must learn to; the token endpoint gets more requests.",
    judge=_judge,
)
