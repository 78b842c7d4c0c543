"""One page to hand over: the summary on one screen, then every finding, then what changed. No scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

from markupsafe import Markup, escape

from counterfoil.posture.check import Verdict
from counterfoil.posture.report import Change, Finding, PostureReport, Step
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen

MAX_VALUE = 1_000
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#111;background:#fff}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4em .6em;"
    "border-bottom:1px solid #bbb}b.fail{color:#a00}b.partial{color:#850}b.cannot{color:#05a}b.pass{color:#060}"
)


def render(report: PostureReport, screen: Screen) -> str:  # noqa: ARG001  # every form has this shape
    """Return the page; every value is cleaned and escaped."""
    return page("Posture", [*_summary(report), *_changed(report.changes), *_findings(report.findings)])


def page(title: str, parts: Iterable[str]) -> str:
    """Return a page of these parts, which are markup; it loads nothing, and runs nothing."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    whole = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        *parts,
        "</body></html>",
    ]
    return "\n".join(whole).encode("ascii", "xmlcharrefreplace").decode() + "\n"


def _summary(report: PostureReport) -> Iterator[str]:
    counts = ", ".join(f"{_word(verdict)} {count}" for verdict, count in report.counts.items())
    yield f"<h1>Posture</h1><p>{counts}</p>"
    made = f"{report.made:%Y-%m-%d %H:%M} UTC"
    yield _p(f"Made {made}, baseline {report.baseline}, keys of the class {report.key_class}.")
    yield _p(f"Subjects: {', '.join(report.subjects)}")
    yield "<h2>Next steps, what gains most first</h2><ol>"
    yield from (_step(step) for step in report.steps)
    yield "</ol>" + "".join(_p(note) for note in report.notes)


def _step(step: Step) -> str:
    do = "".join(f"<li>{_text(line)}</li>" for line in step.do)
    of = _text(", ".join(step.subjects))
    return (f"<li>{_word(step.verdict)} {_text(step.check)}: {of}<ol>{do}</ol>"
            f"<p>breaks: {_text(step.breaks)}</p></li>")


def _changed(changes: tuple[Change, ...] | None) -> Iterator[str]:
    if changes is None:
        return
    yield f"<h2>Changed since the earlier run: {len(changes)}</h2><table>"
    yield _row("th", ("", "check", "subject", "before", "after"))
    for change in changes:
        before, after = f"{change.before}: {change.seen_before}", f"{change.after}: {change.seen_after}"
        yield _row("td", (change.direction, change.check, change.subject, before, after))
    yield "</table>"


def _findings(findings: tuple[Finding, ...]) -> Iterator[str]:
    yield "<h2>What was found</h2><table>"
    yield _row("th", ("verdict", "check", "subject", "seen", "expected", "default or deliberate"))
    for finding in sorted(findings, key=lambda one: (list(Verdict).index(one.answer.verdict), -one.gain)):
        answer, exempt = finding.answer, finding.exempt
        seen = "; ".join([answer.seen, *answer.where])
        if exempt is not None:
            seen += f" (exception of {exempt.owner} until {exempt.until}: {exempt.reason})"
        cells = "".join(
            f"<td>{_text(cell)}</td>"
            for cell in (f"{finding.check}: {finding.question}", finding.subject, seen, answer.expected, answer.origin)
        )
        yield f"<tr><td>{_word(answer.verdict)}</td>{cells}</tr>"
    yield "</table>"


def _row(cell: str, values: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<{cell}>{_text(value)}</{cell}>" for value in values) + "</tr>"


def _word(verdict: Verdict) -> str:
    return f'<b class="{str(verdict).partition(" ")[0]}">{verdict}</b>'


def _p(value: str) -> str:
    return f"<p>{_text(value)}</p>"


def _text(value: str) -> Markup:
    return escape(clean(value, MAX_VALUE))
