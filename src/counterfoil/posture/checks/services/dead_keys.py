"""Whether a service refuses keys whose time is over: gone, blocked, out of their window, never published."""

from __future__ import annotations

from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check
from counterfoil.posture.matrix.cells import FORGED
from counterfoil.posture.service import NEEDS, Service, by_rule, refused


def _judge(service: Service, baseline: Baseline) -> Answer:
    del baseline
    cells = [one for one in by_rule(service, "V2", "V3") if one.cell.form not in FORGED]
    return refused(cells, "no key that has left, was blocked, or is over or beyond its time")


CHECK = Check(
    id="service-dead-keys",
    question="Does the service refuse a key that was blocked, has left the key set, or is past its time?",
    why="The key of 2023 was two years past its end and still trusted; after the block services went on for days, each "
    "as long as its cache. How long yours does is not known until it is tried.",
    sources=("CSRB 2024, page 17", "RFC 7517, 4.5", "SP 800-57 part 1, 5.3.4", "OpenID Federation 1.0, 8.7"),
    reads=Service,
    needs=NEEDS + ", with a test key that was blocked or has left",
    gain=9,
    fix=("Have the service fetch the key set again when it meets an unknown kid, and every hour at the latest.",
         "Give it the block list: counterfoil respond block, and [blocklist] in its policy.",
         "Give keys an end (sign_until): libraries look at no certificate's.",
         "Measure it: run the matrix again some minutes after a test key has left."),
    breaks="Tokens under the old key are refused from then on: their users sign in again.",
    judge=_judge,
)
