"""Whether the issuer says which keys it once had."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer

_MEMBER = "federation_historical_keys_endpoint"


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = f"{_MEMBER}: past keys with their end and the reason of a revocation"
    if issuer.metadata is None:
        return cannot_tell("no metadata", expected)
    entity = issuer.metadata.get("metadata")
    federation = entity.get("federation_entity") if isinstance(entity, dict) else None
    places = [issuer.metadata, *([federation] if isinstance(federation, dict) else [])]
    told = next((place[_MEMBER] for place in places if _MEMBER in place), None)
    if isinstance(told, str) and told.startswith("https://"):
        return Answer(Verdict.PASS, told[:120], expected, Origin.DELIBERATE)
    if told is not None:
        return Answer(Verdict.PARTIAL, "the endpoint is named, and is no https address", expected, Origin.DELIBERATE)
    return Answer(Verdict.FAIL, "past keys are told nowhere", expected, Origin.DEFAULT)


CHECK = Check(
    id="issuer-historical-keys",
    question="Does the issuer publish its past keys, with the reason why each ended?",
    why="Which key signed an old token, and whether it was revoked by then, can be told only if somebody kept it. For "
    "the key of 2023, outsiders had to look it up in web archives.",
    sources=("OpenID Federation 1.0, 8.7", "CSRB 2024, recommendation 5: keep for the key's life and two years"),
    reads=Issuer,
    needs="metadata",
    gain=2,
    fix=("Publish the document of past keys: counterfoil respond historical writes it from custody.",
         f"Name its address in metadata: {_MEMBER}.", "Until then keep a fetch of the key set every hour yourself."),
    breaks="Nothing.",
    judge=_judge,
)
