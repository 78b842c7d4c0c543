"""One finding in full: what it rests on, each use with its time, and where the records are."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from counterfoil.cli.paragraphs import LABEL, paragraph
from counterfoil.model.finding import Finding
from counterfoil.report.clean import clean
from counterfoil.report.words import client, number, some, span, use_words

MAX_LINES = 10  # of each list
MAX_TEXT = 1_000


def finding_text(finding: Finding, case: Path) -> str:
    """Return the finding of the case as lines of text; what a log wrote in it is made one printable line."""
    lines = [f"{clean(finding.id, 16)}  ({finding.verdict}: {clean(finding.rule, 64)})"]
    lines += paragraph("found", clean(finding.title, MAX_TEXT))
    if finding.first_seen:
        lines += paragraph("when", span(finding.first_seen, finding.last_seen))
    if finding.token_count:
        counts = f"{some(finding.token_count, 'token')}, {some(finding.acceptance_count, 'acceptance')}"
        lines += paragraph("tokens", counts)
    lines += paragraph("because", clean(finding.detail, MAX_TEXT))
    lists: tuple[tuple[str, Sequence[str]], ...] = (
        ("uses", [use_words(use) for use in finding.uses]), ("users", finding.subjects), ("from", finding.ips),
        ("by", [client(value) for value in finding.clients]), ("reached", finding.objects), ("keys", finding.keys),
        ("ids", finding.tokens), ("records", finding.evidence),
    )
    for label, values in lists:
        lines += _list(label, values, case)
    lines += paragraph("do", clean(finding.next_step, MAX_TEXT))
    return "\n".join(lines) + "\n"


def _list(label: str, values: Sequence[str], case: Path) -> list[str]:
    """Return the first values, one a line, and how many more the finding holds."""
    shown = [clean(value, MAX_TEXT) for value in values[:MAX_LINES]]
    left = len(values) - len(shown)
    if left:
        shown.append(f"and {number(left)} more: counterfoil report --format json --case {shlex.quote(str(case))}")
    return [f"{'' if place else label:<{LABEL}}{value}" for place, value in enumerate(shown)]
