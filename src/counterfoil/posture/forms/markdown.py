"""For a ticket: the steps with boxes to tick, then what was found."""

from __future__ import annotations

from counterfoil.posture.check import Verdict
from counterfoil.posture.report import PostureReport
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen

MAX_VALUE = 400


def render(report: PostureReport, screen: Screen) -> str:  # noqa: ARG001  # every form has this shape
    """Return the text."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items() if count)
    made = f"{report.made:%Y-%m-%d %H:%M} UTC"
    under = f"baseline {report.baseline}, keys of the class {report.key_class}"
    lines = [f"# Posture: {counts}", "", f"Made {made}, {under}."]
    lines += [part for note in report.notes for part in ("", note)]
    lines += ["", "## Next steps", ""]
    for step in report.steps:
        lines.append(f"- [ ] **{plain(step.check)}** ({step.verdict}): {plain(', '.join(step.subjects))}")
        lines += [f"  {number}. {plain(text)}" for number, text in enumerate(step.do, 1)]
        lines.append(f"  - breaks: {plain(step.breaks)}")
    lines += ["", "## What was found", "", "| verdict | check | subject | seen | expected | origin |",
              "| --- | --- | --- | --- | --- | --- |"]
    for finding in report.findings:
        if finding.answer.verdict is not Verdict.PASS:
            answer = finding.answer
            under = f" (exception of {finding.exempt.owner} until {finding.exempt.until})" if finding.exempt else ""
            cells = (f"{answer.verdict}{under}", finding.check, finding.subject,
                     "; ".join([answer.seen, *answer.where[:3]]), answer.expected, str(answer.origin))
            lines.append("| " + " | ".join(plain(cell) for cell in cells) + " |")
    if report.changes is not None:
        lines += ["", "## Changed since the earlier run", "", "| | check | subject | before | after |",
                  "| --- | --- | --- | --- | --- |"]
        lines += [
            f"| {change.direction} | {plain(change.check)} | {plain(change.subject)} "
            f"| {plain(f'{change.before}: {change.seen_before}')} | {plain(f'{change.after}: {change.seen_after}')} |"
            for change in report.changes
        ]
    return "\n".join(lines) + "\n"


def plain(value: str) -> str:
    """Return a value that Markdown does not read as markup: documents of others may hold any."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!" else char for char in clean(value, MAX_VALUE))
