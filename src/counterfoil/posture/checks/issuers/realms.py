"""Keys of several realms in one document."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict, cannot_tell
from counterfoil.posture.history import day
from counterfoil.posture.issuer import Issuer, Sample
from counterfoil.report.words import some
from counterfoil.tokens.entitlement import TENANT_PLACE


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = "one key set holds the keys of one realm"
    told = str((issuer.metadata or {}).get("issuer", ""))
    if not issuer.keys:
        return cannot_tell("no key set", expected)
    mixed = [sample for sample in issuer.samples if len(_realms(sample)) > 1]
    if mixed:
        return Answer(
            Verdict.FAIL, f"keys of {max(len(_realms(sample)) for sample in mixed)} realms in one document, told apart "
            "only by the member issuer, which verifiers do not read", expected, where=tuple(_lines(issuer, mixed)),
        )
    if TENANT_PLACE in told and all(key.realm is None for key in issuer.keys):
        return Answer(Verdict.FAIL, f"{told[:80]} stands for many issuers, and no key says for which", expected)
    realms = {key.realm for key in issuer.keys}
    if realms == {None} and not told:
        return cannot_tell("neither the keys nor metadata name an issuer", expected)
    return Answer(Verdict.PASS, f"all keys are of {next(iter(realms - {None}), told)}", expected)


def _realms(sample: Sample) -> set[str | None]:
    return {key.realm for key in sample.keys if key.signs}


def _lines(issuer: Issuer, mixed: list[Sample]) -> Iterator[str]:
    first, last = mixed[0].time, mixed[-1].time
    yield f"together in {len(mixed)} of {len(issuer.samples)} fetches, from {day(first)} to {day(last)}"
    parted: dict[str | None, set[str]] = {}
    for sample in mixed:
        for key in sample.keys:
            parted.setdefault(key.realm, set()).add(key.name)
    for realm, names in sorted(parted.items(), key=lambda pair: str(pair[0])):
        yield f"{realm or 'no issuer named'}: {some(len(names), 'key')}, such as {min(names)}"


CHECK = Check(
    id="issuer-realms",
    question="Does the key set hold the keys of one realm only?",
    why="In 2023 a key for personal accounts signed tokens for organisations: both realms' keys stood in one document, "
    "told apart by a member that no library read. Envoy, HAProxy and PyJWT still read none.",
    sources=("MSRC 2023-09-06", "RFC 8725, 3.8", "RFC 7517, 4: no member binds a key to an issuer"),
    reads=Issuer,
    needs="a key set; metadata helps",
    gain=10,
    fix=(
        "Of your own issuer: publish one key set for each realm, at an address of its own.",
        "Of another's: bind keys to issuers in each verifier: counterfoil's token policy does, [[issuer]] by issuer.",
        "Try it: a token of the one realm under a key of the other must be refused.",
    ),
    breaks="Verifiers of the shared document that serve both realms must be told the second address.",
    judge=_judge,
)
