"""Asks every check of every subject. Pure: subjects in, a report out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from counterfoil.model.readiness import Readiness
from counterfoil.posture import readiness
from counterfoil.posture.baseline import Baseline
from counterfoil.posture.check import Answer, Check, Verdict
from counterfoil.posture.exceptions import Exempt
from counterfoil.posture.inputs import Subjects
from counterfoil.posture.registry import all_checks
from counterfoil.posture.report import Finding, PostureReport
from counterfoil.posture.tenant import ImportedResult

# What another scanner's finding gains: below all that is asked here, and told by its own severity.
_GRAVE = frozenset({"shall", "critical", "high"})


def judge(
    subjects: Subjects, baseline: Baseline, exempt: Sequence[Exempt], now: datetime, ready: Readiness | None = None
) -> PostureReport:
    """Return what checks say of these subjects at a time. Exceptions that ended before it do not hold.

    `ready`: of the case that was named, whether a forged token could be judged in it.
    """
    holding = tuple(one for one in exempt if one.until >= now.date())
    findings = tuple(_findings(subjects, baseline, holding))
    if ready is not None:
        findings = (readiness.finding(ready, holding), *findings)
    return PostureReport(
        made=now, baseline=baseline.id, key_class=baseline.key_class, findings=findings,
        imports=tuple(run for tenant in subjects.tenants for run in tenant.imports), unread=subjects.unread,
        expired=tuple(one for one in exempt if one.until < now.date()),
    )


def _findings(subjects: Subjects, baseline: Baseline, exempt: Iterable[Exempt]) -> Iterator[Finding]:
    whole = list(exempt)
    asked: set[str] = set()
    for subject in subjects.whole:
        for check in all_checks():
            if isinstance(subject, check.reads):
                asked.add(check.id)
                yield _finding(check, subject.name, check.judge(subject, baseline), whole)
    for tenant in subjects.tenants:
        for run in tenant.imports:
            for result in run.results:
                if result.topic.partition(" ")[0] not in asked:
                    yield _imported(result, tenant.name, whole)


def _finding(check: Check[object], subject: str, answer: Answer, exempt: list[Exempt]) -> Finding:
    return Finding(
        check.id, check.question, subject, answer, check.gain, check.fix, check.breaks, check.sources, check.needs,
        _under(exempt, check.id, subject),
    )


def _imported(result: ImportedResult, tenant: str, exempt: list[Exempt]) -> Finding:
    """Return another scanner's result as it stands: it is not judged again."""
    subject = f"{tenant}, {result.subject}" if result.subject else tenant
    grave = result.severity.lower() in _GRAVE
    return Finding(
        result.name, result.title, subject, Answer(result.verdict, result.told, result.title), 3 if grave else 1,
        (f"Follow {result.tool}'s own advice on {result.id}.",), "see there", (result.name,),
        f"{result.tool} to tell: it said {result.told.partition(':')[0]}", _under(exempt, result.name, subject),
    )


def _under(exempt: Iterable[Exempt], check: str, subject: str) -> Exempt | None:
    return next((one for one in exempt if one.covers(check, subject)), None)


def failed(report: PostureReport) -> bool:
    """Tell whether anything fails that no exception covers."""
    return any(finding.answer.verdict is Verdict.FAIL and finding.counts for finding in report.findings)


def clean(report: PostureReport) -> bool:
    """Tell whether everything passes or is under an exception."""
    return not any(finding.counts for finding in report.findings)
