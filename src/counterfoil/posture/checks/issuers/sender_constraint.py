"""Whether tokens can be bound to a key of their user's."""

from __future__ import annotations

from counterfoil.jose.algorithms import ALGORITHMS
from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Origin, Verdict, cannot_tell
from counterfoil.posture.issuer import Issuer

_DPOP = "dpop_signing_alg_values_supported"
_MTLS = "tls_client_certificate_bound_access_tokens"


def _judge(issuer: Issuer, baseline: Baseline) -> Answer:
    del baseline
    expected = f"DPoP ({_DPOP}) or mutual TLS ({_MTLS})"
    if issuer.metadata is None:
        return cannot_tell("no metadata", expected)
    told = issuer.metadata.get(_DPOP)
    offered = {str(name)[:40] for name in told} if isinstance(told, list) else set()
    bound = issuer.metadata.get(_MTLS) is True
    if weak := sorted(name for name in offered if name not in ALGORITHMS):
        seen = f"DPoP with {', '.join(weak)}"
        return Answer(Verdict.PARTIAL, seen, expected, Origin.DELIBERATE)
    if not offered and not bound:
        return Answer(Verdict.FAIL, "neither is offered: every token is a bearer token", expected, Origin.DEFAULT)
    ways = [*(["DPoP"] if offered else []), *(["mutual TLS"] if bound else [])]
    return Answer(Verdict.PASS, " and ".join(ways), expected, Origin.DELIBERATE)


CHECK = Check(
    id="issuer-sender-constraint",
    question="Can tokens be bound to a key of the client's (DPoP or mutual TLS)?",
    why="A bearer token is good for whoever holds it. A bound one needs the client's key as well, so that neither a "
    "stolen token nor one forged with the issuer's key alone is enough where resources ask for the proof.",
    sources=("CSRB 2024, recommendation 11", "RFC 9700, 2.2.1", "RFC 9449", "RFC 8705"),
    reads=Issuer,
    needs="metadata",
    gain=5,
    fix=("Turn DPoP on in the issuer, and let one client use it.",
         "Let that client's resource ask for the proof: counterfoil's verifier does, dpop = true in the flow.",
         "Go on client by client; workloads first."),
    breaks="Nothing until a resource asks for proofs; then clients without them.",
    judge=_judge,
)
