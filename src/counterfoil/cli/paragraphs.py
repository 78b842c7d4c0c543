"""Text beside labels, as the commands that explain lay it out."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

WIDTH = 100
LABEL = 10


def paragraph(label: str, text: str) -> list[str]:
    """Return the text beside its label; nothing for an empty text."""
    indent = " " * LABEL
    return textwrap.wrap(
        text, WIDTH, initial_indent=label.ljust(LABEL), subsequent_indent=indent, break_on_hyphens=False
    )


def points(label: str, points: Sequence[str]) -> list[str]:
    """Return numbered points beside their label. A point is never cut inside a word: it may be a command."""
    lines: list[str] = []
    for place, point in enumerate(points, 1):
        head = f"{label if place == 1 else '':<{LABEL}}{place}. "
        lines += textwrap.wrap(
            point, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False,
            break_long_words=False,
        )
    return lines
