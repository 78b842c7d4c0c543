"""The list of checks: for a terminal, as JSON, and as the sections of docs/reference/posture.md."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from counterfoil.posture.baseline import shipped
from counterfoil.posture.registry import all_checks

_WIDTH = 100


def text() -> str:
    """Return one paragraph for each check."""
    lines = [f"{len(all_checks())} checks, baseline {shipped().id}; what gains most first", ""]
    for check in all_checks():
        lines.append(f"{check.id}  (gain {check.gain})")
        for line in (check.question, f"reads: {check.needs}"):
            lines += textwrap.wrap(line, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """Return one section for each check: the page of the reference."""
    lines: list[str] = []
    for check in all_checks():
        lines += [f"### {check.id}", "", f"**{check.question}**", "", *textwrap.wrap(check.why, 120), ""]
        lines += textwrap.wrap(f"Reads: {check.needs}. Sources: {'; '.join(check.sources)}. Gain: {check.gain}.", 120)
        lines += ["", "Fix:", ""]
        for number, step in enumerate(check.fix, 1):
            lines += textwrap.wrap(f"{number}. {step}", 120, subsequent_indent="   ")
        lines += ["", *textwrap.wrap(f"Breaks: {check.breaks}", 120), ""]
    return "\n".join(lines)


def json() -> str:
    """Return the checks as a JSON document."""
    rows = [
        {"id": check.id, "question": check.question, "why": check.why, "sources": check.sources,
         "subject": check.reads.__name__.lower(), "needs": check.needs, "gain": check.gain, "fix": check.fix,
         "breaks": check.breaks}
        for check in all_checks()
    ]
    whole = {"schema": "counterfoil.posture-checks/1", "baseline": shipped().id, "checks": rows}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


LISTS: Mapping[str, Callable[[], str]] = MappingProxyType({"text": text, "json": json, "markdown": markdown})
