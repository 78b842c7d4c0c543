"""Whether a service looks at class, audience and times of a token."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check
from counterfoil.posture.service import NEEDS, Service, by_rule, refused


def _judge(service: Service, baseline: Baseline) -> Answer:
    del baseline
    return refused(by_rule(service, "V7", "V8", "V9", "V10"), "tokens of its own class, for it, and of now only")


CHECK = Check(
    id="service-token-claims",
    question="Does the service refuse tokens of another class, for another audience, and of another time?",
    why="An ID token taken for an access token, a token for a neighbour, one that never ends: each is a genuine "
    "signature on something that was not given for this. Most libraries ask only for what they are told to.",
    sources=("RFC 8725, 3.9 and 3.11", "RFC 9068, 4", "NIST IR 8587 (draft of 2025-12-22)"),
    reads=Service,
    needs=NEEDS,
    gain=7,
    fix=("Require exp, iat, aud and the header's typ (at+jwt for access tokens) in the library's own options.",
         "Set a longest life: no library has one by itself.",
         "What the library cannot ask, a policy in front of it can: counterfoil's middleware."),
    breaks="Clients that send ID tokens where access tokens belong.",
    judge=_judge,
)
