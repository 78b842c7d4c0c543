"""Intrusions for people: one after the other, in sections."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence

from counterfoil.model.story import Story
from counterfoil.report import _sections
from counterfoil.report._sections import Grid
from counterfoil.report.exports.registry import About
from counterfoil.report.words import number, some

WIDTH = 120
INDENT = "    "
MIN_COLUMN = 12


def render(stories: Sequence[Story], about: About) -> str:
    """Return the intrusions, and how much is not told."""
    parts = [f"{some(len(stories), 'intrusion') if stories else 'no intrusion in this case'}\n"]
    for story in stories:
        parts.append(f"\nINTRUSION {story.intrusion.id}\n")
        for section in _sections.sections(story):
            parts.append(f"  {section.heading}\n")
            parts += [_wrapped(sentence) for sentence in section.sentences]
            parts += [line for grid in section.grids for line in _grid(grid)]
    left = [words for count, words in (
        (about.suspected,
         some(about.suspected, "group") + " of suspicious tokens may be an intruder's, or an innocent's"),
        (about.single, some(about.single, "token") + " that nothing convicts and that join nothing"),
    ) if count]
    parts += [f"\n{words}: counterfoil intrusions --case {shlex.quote(about.case)} --list" for words in left]
    return "".join(parts).rstrip("\n") + "\n"


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "  ") + "\n"


def _grid(grid: Grid) -> Iterator[str]:
    """Yield the lines of a table; the widest columns are folded where it is too wide."""
    if not grid.rows:
        return
    every = [grid.columns, *grid.rows]
    widths = [max(len(row[place]) for row in every) for place in range(len(grid.columns))]
    room = WIDTH - len(INDENT) - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > MIN_COLUMN:
        widest = widths.index(max(widths))
        others = sorted(widths, reverse=True)[1] if len(widths) > 1 else MIN_COLUMN
        widths[widest] = max(MIN_COLUMN, min(widths[widest] - 1, max(others, widths[widest] - (sum(widths) - room))))
    for row in every:
        cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            shown = (cell[line] if line < len(cell) else "" for cell in cells)
            laid = "  ".join(text.ljust(width) for text, width in zip(shown, widths, strict=True))
            yield f"{INDENT}{laid}".rstrip() + "\n"
    if grid.more > 0:
        yield f"{INDENT}and {number(grid.more)} more: --format json\n"
