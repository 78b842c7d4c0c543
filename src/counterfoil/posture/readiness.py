"""Whether a forged token could be judged with the logs of a case (`counterfoil ready`), as one answer of many."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.model.readiness import READY, Judged, Readiness
from counterfoil.posture.check import Answer, Origin, Verdict
from counterfoil.posture.exceptions import READY_CHECK, Exempt
from counterfoil.posture.report import Finding

_EXPECTED = "at every service a token that nobody issued would be convicted"
_SHOWN = 8


def finding(ready: Readiness, exempt: tuple[Exempt, ...]) -> Finding:
    """Return the answer for a case; its steps are the gaps, in the order in which they should be closed."""
    subject = f"case {ready.case}"
    gaps = [f"{gap.what} ({gap.why.words}){f': {gap.how[0]}' if gap.how else ''}" for gap in ready.gaps]
    return Finding(
        check=READY_CHECK, question="Could a forged token be judged with these logs?", subject=subject,
        answer=Answer(_verdict(ready), _seen(ready), _EXPECTED, Origin.UNKNOWN, tuple(_services(ready))), gain=9,
        fix=tuple(gaps) or ("Keep exporting what is exported.",),
        breaks="nothing; more logs cost storage, and some a licence",
        sources=("CSRB 2024, recommendation 10", "OMB M-26-14 in place of M-21-31"),
        needs="a case with records of use and of issuance",
        exempt=next((one for one in exempt if one.covers(READY_CHECK, subject)), None),
    )


def _verdict(ready: Readiness) -> Verdict:
    answers = [service.answer for service in ready.services]
    if not answers:
        return Verdict.CANNOT_TELL
    if all(answer is Judged.YES for answer in answers):
        return Verdict.PASS
    return Verdict.PARTIAL if any(answer in (*READY, Judged.IN_PART) for answer in answers) else Verdict.FAIL


def _seen(ready: Readiness) -> str:
    if not ready.services:
        return "no service accepted a token in this case"
    good = sum(service.answer in READY for service in ready.services)
    judged, tokens = (sum(getattr(service, name) for service in ready.services) for name in ("judged", "tokens"))
    return f"{good} of {len(ready.services)} services; {judged:,} of {tokens:,} tokens judged"


def _services(ready: Readiness) -> Iterator[str]:
    worst_first = sorted(ready.services, key=lambda service: -list(Judged).index(service.answer))
    for service in worst_first[:_SHOWN]:
        yield f"{service.service}: {service.answer.words}"
