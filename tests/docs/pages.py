"""The pages of the project as data: their blocks, links, headings and inline code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP = ("README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, and its lines as they stand."""

    language: str
    text: str


@dataclass(frozen=True)
class Page:
    """One page: its path from the root of the project, and its text."""

    name: str
    text: str

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks."""
        return [Block(*found) for found in _FENCE.findall(self.text)]

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        """The targets of its links."""
        return _LINK.findall(self.prose)

    @property
    def codes(self) -> list[str]:
        """What stands in backticks."""
        return _CODE.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """What links may name after a hash."""
        return {slug(heading) for heading in _HEADING.findall(self.prose)}


def slug(heading: str) -> str:
    """Return the anchor that a heading gets: lower case, hyphens for spaces, no other signs."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def page(name: str) -> Page:
    """Return the page of that path."""
    return Page(name, (ROOT / name).read_text(encoding="utf-8"))


def pages() -> list[Page]:
    """Return every page."""
    below = sorted((ROOT / "docs").rglob("*.md"))
    return [page(name) for name in (*TOP, *(str(path.relative_to(ROOT)) for path in below))]


def commands(block: Block) -> Iterator[str]:
    """Yield the command lines of a shell block: every line of `sh`, those after `$ ` of `console`."""
    joined = block.text.replace("\\\n", " ")
    for line in joined.splitlines():
        if block.language == "sh" and line.strip() and not line.startswith("#"):
            yield line
        elif block.language == "console" and line.startswith("$ "):
            yield line.removeprefix("$ ")
