"""The messages that Microsoft-Extractor-Suite writes of its own run (Write-LogFile): text, to JSON objects.

A line is `TIME: [LEVEL] text`, with or without either of the first two; what it goes on with has neither. Each message
names the section that it is of: `=== Starting SECTION ===`, or `Running CMDLET` in earlier versions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from counterfoil.read.texts import NOT_UTF8, Limits

SNIFFED_LINES = 60
# The exporter's own clock and locale: 2026-03-02 10:15:00, 3/2/2026 10:15:00 AM.
_LINE = re.compile(r"(?:(\d[\d/.\-: ,]{7,24}(?:[AaPp]\.?[Mm]\.?)?): )?(?:\[(\w{1,16})\] ?)?(.*)", re.DOTALL)
_BEGINS = re.compile(r"=== Starting (.{1,100}?) ===|Running ((?:Get|Start)-\w{1,60})")
_SUITE = re.compile(
    r"=== Starting .{1,100} ===\s*$|\[INFO\] (?:Running (?:Get|Start)-|(?:Creating the following|Custom) directory)"
)
# What a message without any content is: enough to be recognised.
NOTHING: dict[str, Any] = {"SuiteTime": None, "SuiteLevel": None, "SuiteSection": None, "SuiteMessage": None}


def looks_like(head: bytes) -> bool:
    """Tell whether the head of a file, as UTF-8, is of such messages."""
    lines = head[: 1 << 16].decode("utf-8", "replace").lstrip("\ufeff\r\n\t ").splitlines()[:SNIFFED_LINES]
    if not lines:
        return False
    time, level, _ = _split(lines[0])
    return bool(time or level) and any(_SUITE.search(line) for line in lines)


def messages(
    handle: IO[bytes], advance: Callable[[int], None], limits: Limits
) -> Iterator[tuple[str | None, str | None]]:
    """Yield each message as a JSON text, or why it is refused. `advance` is told the bytes read."""
    state, longest = _State(), limits.record
    while line := handle.readline(longest + 1):
        advance(len(line))
        if len(line) > longest:
            while line and not line.endswith(b"\n"):
                line = handle.readline(longest + 1)
                advance(len(line))
            yield from state.ended()
            yield None, limits.too_long
            continue
        try:
            text = line.decode("utf-8-sig").strip("\r\n")
        except UnicodeDecodeError:
            yield from state.ended()
            yield None, NOT_UTF8
            continue
        yield from state.take(text, longest)
    yield from state.ended()


def _split(line: str) -> tuple[str, str, str]:
    """Return time, level and text of a line, each empty if it has none."""
    found = _LINE.fullmatch(line)
    time, level, text = found.groups() if found else (None, None, line)
    return time or "", level or "", text


@dataclass
class _State:
    """The message being read. Mutable: lines are added to it."""

    section: str = ""
    head: tuple[str, str] = ("", "")
    texts: list[str] = field(default_factory=list)
    size: int = 0

    def take(self, line: str, longest: int) -> Iterator[tuple[str | None, str | None]]:
        """Take in a line; yield the message before it, if it begins another."""
        time, level, text = _split(line)
        if time or level or self.size + len(line) > longest // 8:
            yield from self.ended()
            self.head = (time, level)
        if begins := _BEGINS.search(text):
            self.section = begins[1] or begins[2]
        if text.strip():
            self.texts.append(text.strip())
            self.size += len(text)

    def ended(self) -> Iterator[tuple[str | None, str | None]]:
        """Yield the message, if there is one, and forget it."""
        if self.texts:
            time, level = self.head
            yield json.dumps({
                "SuiteTime": time, "SuiteLevel": level.upper(), "SuiteSection": self.section,
                "SuiteMessage": "\n".join(self.texts),
            }, ensure_ascii=False), None
        self.head, self.texts, self.size = ("", ""), [], 0
