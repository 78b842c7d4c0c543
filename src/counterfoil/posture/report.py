"""A posture report: what every check says of every subject, and which five steps gain most. Values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from counterfoil.posture.check import Answer, Verdict
from counterfoil.posture.exceptions import Exempt
from counterfoil.posture.inputs import Unread
from counterfoil.posture.tenant import ImportedRun

STEPS = 5
# What mending is worth by verdict: a hole above a half-open one, and that above not knowing.
WEIGHTS: Mapping[Verdict, float] = {
    Verdict.FAIL: 1.0, Verdict.PARTIAL: 0.6, Verdict.CANNOT_TELL: 0.4, Verdict.PASS: 0.0,
}
READY = (
    "Not asked: counterfoil ready, which tells whether a forged token could be judged with the logs at hand; this "
    "version has no such command."
)


@dataclass(frozen=True)
class Finding:
    """What one check says of one subject. `exempt`: the exception under which it does not count."""

    check: str
    question: str
    subject: str
    answer: Answer
    gain: int
    fix: tuple[str, ...]
    breaks: str
    sources: tuple[str, ...]
    needs: str
    exempt: Exempt | None = None

    @property
    def counts(self) -> bool:
        """Tell whether it asks for something to be done."""
        return self.answer.verdict is not Verdict.PASS and self.exempt is None

    @property
    def weight(self) -> float:
        """What mending it brings."""
        return self.gain * WEIGHTS[self.answer.verdict]


@dataclass(frozen=True)
class Step:
    """One next step: what to do first about a check, for which subjects, and what it may break."""

    check: str
    verdict: Verdict
    weight: float
    subjects: tuple[str, ...]
    do: tuple[str, ...]
    breaks: str


@dataclass(frozen=True)
class Change:
    """What differs from an earlier run: the verdict or the value seen. `before`, `after`: empty if it was not there."""

    check: str
    subject: str
    before: str
    after: str
    seen_before: str
    seen_after: str

    @property
    def direction(self) -> str:
        """Whether it is better, worse, or neither."""
        order = [str(verdict) for verdict in Verdict]
        if not self.before or not self.after:
            return "new" if self.after else "gone"
        ranks = order.index(self.before), order.index(self.after)
        return "changed" if ranks[0] == ranks[1] else "better" if ranks[1] > ranks[0] else "worse"


@dataclass(frozen=True)
class PostureReport:
    """The whole of it. `expired`: exceptions that hold no longer. `changes`: against an earlier run, None for none."""

    made: datetime
    baseline: str
    key_class: str
    findings: tuple[Finding, ...]
    imports: tuple[ImportedRun, ...] = ()
    unread: tuple[Unread, ...] = ()
    expired: tuple[Exempt, ...] = ()
    changes: tuple[Change, ...] | None = None

    @property
    def subjects(self) -> tuple[str, ...]:
        """Whose posture it is."""
        return tuple(dict.fromkeys(finding.subject for finding in self.findings))

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many findings have which verdict, exempt ones left out."""
        found = Counter(finding.answer.verdict for finding in self.findings if finding.exempt is None)
        return {verdict: found[verdict] for verdict in Verdict}

    @property
    def steps(self) -> tuple[Step, ...]:
        """The next steps, that which gains most first."""
        by_check: dict[str, list[Finding]] = {}
        for finding in self.findings:
            if finding.counts:
                by_check.setdefault(finding.check, []).append(finding)
        made = [_step(found) for found in by_check.values()]
        return tuple(sorted(made, key=lambda step: (-step.weight, step.check))[:STEPS])


def _step(found: list[Finding]) -> Step:
    worst = max(found, key=lambda finding: finding.weight)
    verdict = worst.answer.verdict
    untold = verdict is Verdict.CANNOT_TELL
    subjects = tuple(finding.subject for finding in found if finding.answer.verdict is verdict)
    do = (f"Give it what it reads: {worst.needs}.",) if untold else worst.fix
    breaks = "nothing: it is a question" if untold else worst.breaks
    return Step(worst.check, verdict, worst.weight, subjects, do, breaks)
