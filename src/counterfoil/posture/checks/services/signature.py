"""Whether a service verifies signatures at all, with the issuer's keys only."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check
from counterfoil.posture.matrix.cells import FORGED
from counterfoil.posture.service import NEEDS, Service, refused


def _judge(service: Service, baseline: Baseline) -> Answer:
    del baseline
    cells = [one for one in service.results if one.cell.form in FORGED]
    return refused(cells, "no token that none of the issuer's keys signed")


CHECK = Check(
    id="service-signature",
    question="Does the service refuse tokens that no key of the issuer signed?",
    why="Unsigned tokens were believed between services until 2025 (CVE-2025-55241); alg none, a public key for a "
    "secret and a key that the token brings along are the three oldest holes of JWT libraries.",
    sources=("RFC 8725, 2.1, 3.1 and 3.10", "CVE-2025-55241", "RFC 7515, 10.7"),
    reads=Service,
    needs=NEEDS,
    gain=10,
    fix=("Take the service off the net until it verifies: anybody can write tokens for it.",
         "Name the algorithms that it accepts, none of them symmetric, and take keys from the configured set only.",
         "Tokens of other services are verified as well, however near they are.",
         "Run the matrix again; hunt for acceptances with an unchecked signature."),
    breaks="Callers that relied on it: services that sent unsigned tokens.",
    judge=_judge,
)
