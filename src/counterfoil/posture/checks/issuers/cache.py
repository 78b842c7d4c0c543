"""For how long verifiers may keep the key set, against how keys change."""

from __future__ import annotations

from datetime import timedelta

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.history import days, spans
from counterfoil.posture.issuer import Issuer


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    ahead = _ahead(issuer, baseline)
    expected = f"kept for less than keys are published ahead ({days(ahead)}), and for a minute or more"
    told = [sample.max_age for sample in issuer.samples if sample.max_age is not None]
    if not told:
        return cannot_tell("no Cache-Control header was kept with the key set", expected)
    longest, shortest = timedelta(seconds=max(told)), min(told)
    if longest > ahead:
        return Answer(Verdict.FAIL, f"max-age of {days(longest)}: verifiers may miss a new key for so long", expected,
                      Origin.DELIBERATE)
    if shortest < 60:
        return Answer(Verdict.PARTIAL, f"max-age of {shortest:.0f} seconds: each token may cost a fetch", expected,
                      Origin.DELIBERATE)
    return Answer(Verdict.PASS, f"max-age of {days(longest)}", expected, Origin.DELIBERATE)


def _ahead(issuer: Issuer, baseline: Baseline) -> timedelta:
    """Return the shortest time for which two keys stood beside each other, if the history shows one."""
    mine = [span for span in spans(issuer, baseline) if span.key.signs]
    overlaps = [
        old.last - new.first for new in mine if new.new for old in mine
        if old is not new and old.gone and old.key.realm == new.key.realm and old.first < new.first <= old.last
    ]
    return min([*overlaps, baseline.prepublish])


CHECK = Check(
    id="issuer-cache",
    question="May verifiers keep the key set no longer than a new key is published ahead?",
    why="A verifier that keeps the set for longer meets tokens under a key that it does not know (Logto's outage), and "
    "keeps trusting a key that was taken out: the block of 2023 took effect service by service.",
    sources=("Logto, post-mortem of 2026-01-08", "RFC 9111, 5.2.2.1",
             "Microsoft identity platform, signing key rollover"),
    reads=Issuer,
    needs="the key set fetched by address, or its headers beside the file (jwks.headers)",
    gain=5,
    fix=("Serve the key set with Cache-Control: max-age=3600.",
         "Publish each key for longer than that before it signs.",
         "Ask verifiers how long they really keep it: counterfoil respond probe."),
    breaks="A shorter max-age brings more requests: an hour is what large issuers say.",
    judge=_judge,
)
