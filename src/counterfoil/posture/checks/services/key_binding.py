"""Whether a service lets each key sign for its own issuer and tenant only."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check
from counterfoil.posture.service import NEEDS, Service, by_rule, refused


def _judge(service: Service, baseline: Baseline) -> Answer:
    del baseline
    return refused(by_rule(service, "V4", "V5", "V6"), "a key signs for its own issuer, class and tenant only")


CHECK = Check(
    id="service-key-binding",
    question="Does the service let each key sign for its own issuer and tenant only?",
    why="The fault of the mail service in 2022: it took keys from a shared document and asked no more which issuer a "
    "key is for, so that a key for personal accounts opened the mail of organisations. One cell of the matrix is it.",
    sources=("MSRC 2023-09-06", "RFC 8725, 3.8", "RFC 7517, 4: no member binds a key to an issuer"),
    reads=Service,
    needs=NEEDS,
    gain=10,
    fix=("Block at the gateway what should not come through, until the service is mended.",
         "Verify by a policy that binds keys to issuers: counterfoil's middleware, or issuer by issuer with a key set "
         "each: docs/receipts.md.",
         "Run the matrix again: the cell must change.",
         "Hunt for what came in by it: counterfoil hunt --token-policy tells tokens whose key was not entitled."),
    breaks="Clients whose genuine tokens rest on the mistake: the matrix shows them as refused, should be accepted.",
    judge=_judge,
)
