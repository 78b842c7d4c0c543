"""Writes a runbook for people: text, Markdown, or one HTML page without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from markupsafe import escape

from counterfoil.report.clean import clean
from counterfoil.respond.plan import Runbook, Step

MAX_COMMAND = 2_000
_STYLE = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}pre{overflow:auto;padding:.6em;\
background:#f4f4f4}li{margin:1em 0}"


def _head(book: Runbook) -> tuple[str, str]:
    facts = book.facts
    keys = f"; keys: {', '.join(clean(key) for key in facts.keys)}" if facts.keys else ""
    return (
        f"Runbook of the case {clean(facts.case)}",
        f"{facts.tokens:,} tokens of an intruder, {facts.first:%Y-%m-%d %H:%M} to {facts.last:%Y-%m-%d %H:%M}"
        f" UTC{keys}. Made {facts.made:%Y-%m-%d %H:%M} UTC. Review each command before you run it.",
    )


def _about(step: Step) -> Iterator[str]:
    yield f"breaks: {step.breaks}"
    if step.needs:
        yield f"after: {', '.join(step.needs)}"
    if step.source:
        yield f"source: {step.source}"
    if step.done is not None:
        who, note = (clean(text) for text in (step.done.who, step.done.note))
        by, told = f" by {who}" if who else "", f": {note}" if note else ""
        yield f"done {step.done.time:%Y-%m-%d %H:%M} UTC{by}{told}"


def _command(line: str) -> str:
    return clean(line, MAX_COMMAND)


def text(book: Runbook) -> str:
    """Return the runbook for a terminal or a printer."""
    title, intro = _head(book)
    lines = [title, "", intro, ""]
    for number, step in enumerate(book.steps, 1):
        box = "[x]" if step.done else "[ ]"
        lines.append(f"{box} {number}. {step.phase.upper()} ({step.who}) {step.id}: {clean(step.what, 300)}")
        lines += [f"       {part}" for part in _about(step)]
        lines += [f"       $ {_command(line)}" for line in step.commands]
        lines.append("")
    return "\n".join(lines)


def markdown(book: Runbook) -> str:
    """Return the runbook as Markdown with boxes to tick."""
    title, intro = _head(book)
    lines = [f"# {_plain(title)}", "", _plain(intro), ""]
    for step in book.steps:
        box = "x" if step.done else " "
        lines.append(f"- [{box}] **{step.phase}**, {step.who}, `{step.id}`: {_plain(clean(step.what, 300))}")
        lines += [f"  - {_plain(part)}" for part in _about(step)]
        if step.commands:
            lines += ["", "  ```sh", *(f"  {_command(line).replace('```', '')}" for line in step.commands), "  ```"]
        lines.append("")
    return "\n".join(lines)


def html(book: Runbook) -> str:
    """Return the runbook as a page; every value is escaped."""
    title, intro = _head(book)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1><p>{escape(intro)}</p><ol>",
    ]
    for step in book.steps:
        ticked = " checked" if step.done else ""
        parts.append(
            f'<li><label><input type="checkbox"{ticked}> <b>{step.phase}</b> ({step.who}) '
            f"{escape(clean(step.what, 300))}</label>"
        )
        parts.append("<ul>" + "".join(f"<li>{escape(part)}</li>" for part in _about(step)) + "</ul>")
        if step.commands:
            parts.append("<pre>" + "\n".join(str(escape(_command(line))) for line in step.commands) + "</pre>")
        parts.append("</li>")
    return "\n".join([*parts, "</ol></body></html>\n"])


def _plain(value: str) -> str:
    """Return a value that Markdown does not read as markup: logs may hold any."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!" else char for char in value)


FORMATS: Mapping[str, Callable[[Runbook], str]] = MappingProxyType({"text": text, "markdown": markdown, "html": html})
