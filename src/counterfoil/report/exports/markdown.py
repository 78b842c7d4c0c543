"""Intrusions as Markdown (CommonMark with tables), for tickets and wikis. What logs hold is never markup in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from counterfoil.model.story import Story
from counterfoil.report import _sections
from counterfoil.report.clean import clean
from counterfoil.report.exports.registry import About
from counterfoil.report.words import number, some

# Lines of a timeline.
MAX_LINES = 200
# What is markup somewhere in CommonMark, in the HTML that it lets through, or an address that GitHub makes a link of.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#!|~&]|:(?=//)|(?<=www)\.)")


def render(stories: Sequence[Story], about: About) -> str:
    """Return the document."""
    lines = [f"# {some(len(stories), 'intrusion')}", "",
             f"counterfoil {plain(about.version)}, case {plain(about.case)}", ""]
    for story in stories:
        lines += [f"## Intrusion {story.intrusion.id}", ""]
        for section in _sections.sections(story, lines=MAX_LINES):
            lines += [f"### {plain(section.heading[:1].upper() + section.heading[1:])}", ""]
            lines += [f"- {plain(sentence)}" for sentence in section.sentences]
            lines += [""] * bool(section.sentences)
            lines += [line for grid in section.grids for line in _grid(grid)]
    if about.suspected or about.single:
        lines += [f"Not told here: {some(about.suspected, 'group')} of suspicious tokens, "
                  f"{some(about.single, 'token')} that join nothing.", ""]
    return "\n".join(lines)


def plain(text: str) -> str:
    r"""Return the text as Markdown that shows it as it is.

    >>> plain("<b>a|b</b>")
    '\\<b\\>a\\|b\\</b\\>'
    """
    return _MARKUP.sub(r"\\\1", clean(text, 2_000))


def _grid(grid: _sections.Grid) -> Iterator[str]:
    if not grid.rows:
        return
    yield "| " + " | ".join(map(plain, grid.columns)) + " |"
    yield "|" + " --- |" * len(grid.columns)
    for row in grid.rows:
        yield "| " + " | ".join(map(plain, row)) + " |"
    yield ""
    if grid.more > 0:
        yield from (f"and {number(grid.more)} more", "")
