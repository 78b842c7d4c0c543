"""One screen: what is amiss, subject by subject, and the five next steps."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator

from counterfoil.posture.check import Verdict
from counterfoil.posture.report import READY, Finding, PostureReport
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen

MIN_WIDTH, MAX_WIDTH = 60, 110
MAX_VALUE = 400
# Lines under one finding, findings of other scanners, changes and files that were not read: JSON has all.
MAX_WHERE = 5
MAX_LISTED = 10
_PAINT = {Verdict.FAIL: "31", Verdict.PARTIAL: "33", Verdict.CANNOT_TELL: "36", Verdict.PASS: "32"}


def render(report: PostureReport, screen: Screen) -> str:
    """Return the screen."""
    width = max(MIN_WIDTH, min(MAX_WIDTH, screen.width))
    lines: list[str] = []
    for indent, text in _lines(report, screen):
        space = " " * indent
        lines += textwrap.wrap(
            clean(text, MAX_VALUE) if not screen.colour else text, width, initial_indent=space,
            subsequent_indent=space + "  ", break_long_words=False, break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines) + "\n"


def _lines(report: PostureReport, screen: Screen) -> Iterator[tuple[int, str]]:
    yield 0, f"POSTURE  {_counted(report)}"
    yield 0, f"baseline {report.baseline}, keys of the class {report.key_class}"
    own = {finding.subject: [] for finding in report.findings if not _foreign(report, finding)}  # type: dict[str, list[Finding]]
    for finding in report.findings:
        if not _foreign(report, finding):
            own[finding.subject].append(finding)
    for subject, findings in own.items():
        yield 0, ""
        yield 0, clean(subject, MAX_VALUE)
        yield from _subject(findings, screen)
    yield from _imported(report)
    yield from _asides(report)
    yield from _changes(report)
    yield from _next(report)


def _foreign(report: PostureReport, finding: Finding) -> bool:
    return any(finding.check.startswith(f"{run.tool} ") for run in report.imports)


def _counted(report: PostureReport) -> str:
    told = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items() if count)
    exempt = sum(finding.exempt is not None for finding in report.findings)
    return told + (f"; {exempt} under an exception" if exempt else "")


def _subject(findings: list[Finding], screen: Screen) -> Iterator[tuple[int, str]]:
    for verdict in Verdict:
        held = [finding for finding in findings if finding.answer.verdict is verdict]
        if verdict is Verdict.PASS and held:
            yield 2, f"{_painted(verdict, screen)}  {', '.join(finding.check for finding in held)}"
            continue
        for finding in held:
            answer = finding.answer
            yield 2, f"{_painted(verdict, screen)}  {finding.check}: {clean(answer.seen, MAX_VALUE)}"
            if verdict is Verdict.CANNOT_TELL:
                yield 6, f"needs: {finding.needs}"
            else:
                yield 6, f"expected: {clean(answer.expected, MAX_VALUE)} ({answer.origin})"
            for line in answer.where[:MAX_WHERE]:
                yield 6, clean(line, MAX_VALUE)
            if len(answer.where) > MAX_WHERE:
                yield 6, f"and {len(answer.where) - MAX_WHERE} more; --format json has all"
            if finding.exempt is not None:
                exempt = finding.exempt
                yield 6, clean(f"exception of {exempt.owner} until {exempt.until}: {exempt.reason}", MAX_VALUE)


def _painted(verdict: Verdict, screen: Screen) -> str:
    word = str(verdict).upper()
    return f"\x1b[{_PAINT[verdict]}m{word}\x1b[0m" if screen.colour else word


def _imported(report: PostureReport) -> Iterator[tuple[int, str]]:
    if report.imports:
        yield 0, ""
        yield 0, "IMPORTED"
    for run in report.imports:
        found = Counter(result.verdict for result in run.results)
        told = ", ".join(f"{found[verdict]} {verdict}" for verdict in Verdict if found[verdict])
        when = f", {run.time:%Y-%m-%d}" if run.time else ""
        yield 2, clean(f"{run.tool} {run.version}{when}: {told or 'no results'} ({run.file})", MAX_VALUE)
    foreign = [finding for finding in report.findings if _foreign(report, finding) and finding.counts]
    amiss = [finding for finding in foreign if finding.answer.verdict in (Verdict.FAIL, Verdict.PARTIAL)]
    for finding in amiss[:MAX_LISTED]:
        yield 4, clean(f"{finding.answer.verdict}: {finding.check}, {finding.question}", MAX_VALUE)
    if len(amiss) > MAX_LISTED:
        yield 4, f"and {len(amiss) - MAX_LISTED} more; --format json has all"


def _asides(report: PostureReport) -> Iterator[tuple[int, str]]:
    if report.unread:
        yield 0, ""
        yield 0, f"NOT READ  {len(report.unread)}"
        for entry in report.unread[:MAX_LISTED]:
            yield 2, clean(f"{entry.path}: {entry.why}", MAX_VALUE)
    if report.expired:
        yield 0, ""
        yield 0, f"ENDED EXCEPTIONS  {len(report.expired)}: they do not hold any more"
        for one in report.expired[:MAX_LISTED]:
            yield 2, clean(f"{one.check} {one.subject}, of {one.owner}, ended {one.until}", MAX_VALUE)


def _changes(report: PostureReport) -> Iterator[tuple[int, str]]:
    if report.changes is None:
        return
    yield 0, ""
    yield 0, f"CHANGED  {len(report.changes)} since the earlier run"
    for change in report.changes[:MAX_LISTED]:
        was, now = change.before or "not asked", change.after or "not asked"
        yield 2, clean(f"{change.direction}: {change.check}, {change.subject}: {was} to {now}", MAX_VALUE)
        yield 6, clean(f"{change.seen_before or '-'} -> {change.seen_after or '-'}", MAX_VALUE)


def _next(report: PostureReport) -> Iterator[tuple[int, str]]:
    yield 0, ""
    yield 0, READY
    steps = report.steps
    yield 0, ""
    if not steps:
        yield 0, "NEXT  nothing: every check passes."
        return
    yield 0, "NEXT  what gains most first"
    for number, step in enumerate(steps, 1):
        of = step.subjects[0] if len(step.subjects) == 1 else f"{len(step.subjects)} subjects"
        yield 2, clean(f"{number}. {step.check} ({step.verdict}, {of})", MAX_VALUE)
        yield 5, clean(step.do[0], MAX_VALUE)
        yield 5, clean(f"breaks: {step.breaks}", MAX_VALUE)
    yield 0, "All steps of a check: counterfoil posture --list --format markdown, or docs/reference/posture.md."
