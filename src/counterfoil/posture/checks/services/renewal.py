"""Whether tokens are renewed for tokens of an authorization server only."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check
from counterfoil.posture.service import NEEDS, Service, by_rule, refused


def _judge(service: Service, baseline: Baseline) -> Answer:
    del baseline
    return refused(by_rule(service, "V13"), "renewal for tokens of an authorization server only, never for its own")


CHECK = Check(
    id="service-renewal",
    question="Does the place that renews tokens refuse those that it gave out itself?",
    why="In 2023 forged tokens were exchanged at GetAccessTokenForResource, and what came of it again and again: one "
    "forged token for endless genuine ones. The fix of 26 June took tokens of the authorization server only.",
    sources=("Microsoft 2023-07-14", "RFC 8693, 5"),
    reads=Service,
    needs=NEEDS + ", with a party that has renewal = true",
    gain=8,
    fix=("Accept for renewal tokens of the authorization servers only: renewal_issuers in the policy.",
         "Write parents into the ledger, so that a lineage can be revoked.",
         "Revoke what was renewed from renewed tokens: counterfoil pivot, counterfoil respond revoke."),
    breaks="Clients that renew what they renewed must sign in again.",
    judge=_judge,
)
