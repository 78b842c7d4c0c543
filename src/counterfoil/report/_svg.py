"""Drawings as SVG that stands in the page: lines, bars, dots and our own words; the style sheet gives the colours.

Nothing that a log wrote is drawn: names stand in the tables around. So a drawing is markup, and is pure.
"""

from __future__ import annotations

from markupsafe import Markup


class Drawing:
    """A drawing of so many units, each a pixel where there is room; `looks` are classes of the style sheet."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._parts: list[Markup] = []

    def line(self, look: str, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw a line."""
        self._add("line", look, x1=x1, y1=y1, x2=x2, y2=y2)

    def bar(self, look: str, x: float, y: float, width: float, height: float) -> None:
        """Draw a filled rectangle."""
        self._add("rect", look, x=x, y=y, width=width, height=height)

    def dot(self, look: str, x: float, y: float, radius: float) -> None:
        """Draw a circle."""
        self._add("circle", look, cx=x, cy=y, r=radius)

    def diamond(self, look: str, x: float, y: float, radius: float) -> None:
        """Draw a square that stands on a corner."""
        corners = ((x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y))
        points = " ".join(f"{_short(a)},{_short(b)}" for a, b in corners)
        self._parts.append(Markup('<polygon class="{}" points="{}"/>').format(look, points))

    def words(self, look: str, x: float, y: float, text: str, *, at: str = "start") -> None:
        """Write our own words; `at`: which end of them is at x (start, middle, end)."""
        self._parts.append(Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            look, _short(x), _short(y), at, text,
        ))

    def markup(self) -> Markup:
        """Return the drawing; what it shows is said beside it, so that it is no part of the text."""
        inner = Markup("").join(self._parts)
        size = f"{_short(self.width)} {_short(self.height)}"
        return Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {}" width="{}" height="{}" aria-hidden="true"'
            ' focusable="false">{}</svg>'
        ).format(size, _short(self.width), _short(self.height), inner)

    def _add(self, tag: str, look: str, **numbers: float) -> None:
        told = Markup("").join(Markup(' {}="{}"').format(name, _short(value)) for name, value in numbers.items())
        self._parts.append(Markup('<{} class="{}"{}/>').format(Markup(tag), look, told))  # noqa: S704  # our own tags


def _short(value: float) -> str:
    """Return a number with at most one digit behind the point.

    >>> _short(2.0), _short(0.25)
    ('2', '0.2')
    """
    return f"{value:.1f}".removesuffix(".0")
