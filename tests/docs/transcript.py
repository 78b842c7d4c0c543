"""Runs the `console` blocks of a page in a real shell, and compares or renews the output that they show."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .pages import Page

# A line of its own that stands for lines left out.
ELISION = "…"
DEMO = "counterfoil demo"
SECONDS = 240


@dataclass(frozen=True)
class Shown:
    """A command of a page, as written there, with the output that the page shows."""

    written: str
    output: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command itself."""
        return self.written.removeprefix("$ ")


@dataclass(frozen=True)
class Ran:
    """What a command gave."""

    code: int
    lines: tuple[str, ...]


def shown(page: Page) -> list[Shown]:
    """Return the commands of a page in order."""
    found: list[Shown] = []
    for block in (block for block in page.blocks if block.language == "console"):
        written: list[str] = []
        output: list[str] = []
        for line in block.text.splitlines():
            if line.startswith("$ ") or (written and written[-1].endswith("\\")):
                if line.startswith("$ ") and written:
                    found.append(Shown("\n".join(written), tuple(output)))
                    written, output = [], []
                written.append(line)
            else:
                output.append(line)
        if written:
            found.append(Shown("\n".join(written), tuple(output)))
    return found


def run(command: str, cwd: Path, before: int = 0) -> Ran:
    """Run the command in a shell in which the last one ended with `before`."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(  # noqa: S603  # the commands are those of our own pages
        ["/bin/bash", "-c", f"(exit {before})\n{command}"], cwd=cwd, env=environment, timeout=SECONDS, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )
    return Ran(done.returncode, tuple(line.rstrip() for line in done.stdout.strip("\n").splitlines()))


def played(page: Page, cwd: Path, recorded: Mapping[str, Ran]) -> list[tuple[Shown, Ran]]:
    """Run the page's commands in order in `cwd`; those of `recorded` are not run again."""
    code, result = 0, []
    for entry in shown(page):
        ran = recorded.get(entry.command) or run(entry.command, cwd, code)
        code = ran.code
        if code not in (0, 1, 3):  # 1: findings; 3: none, and no all-clear
            raise AssertionError(f"{page.name}: {entry.command}\nended with {code}:\n" + "\n".join(ran.lines))
        result.append((entry, ran))
    return result


def chunks(output: tuple[str, ...]) -> list[list[str]]:
    """Return the runs of lines between elisions."""
    found: list[list[str]] = [[]]
    for line in output:
        if line == ELISION:
            found.append([])
        else:
            found[-1].append(line)
    return [chunk for chunk in found if chunk]


def differs(entry: Shown, ran: Ran) -> str:
    """Return how the real output differs from what the page shows, or an empty text."""
    if ELISION not in entry.output:
        return "\n".join(difflib.unified_diff(entry.output, ran.lines, "page", "program", lineterm="", n=1))
    begin = 0
    for chunk in chunks(entry.output):
        places = [n for n in range(begin, len(ran.lines)) if list(ran.lines[n : n + len(chunk)]) == chunk]
        if not places:
            return "\n".join(["not in the output:", *chunk, "which is:", *ran.lines])
        begin = places[0] + len(chunk)
    return ""


def renewed(entry: Shown, ran: Ran) -> tuple[str, ...]:
    """Return the output for the page: the real one, or from it the runs of lines that are most like those shown."""
    if ELISION not in entry.output:
        return ran.lines
    parts: list[str] = []
    for line in entry.output:
        if line == ELISION:
            parts.append(line)
        elif not parts or parts[-1] == ELISION:
            chunk = next(chunk for chunk in chunks(entry.output) if chunk[0] == line)
            parts += _nearest(chunk, ran.lines)
    return tuple(parts)


def _nearest(chunk: list[str], lines: tuple[str, ...]) -> list[str]:
    def likeness(place: int) -> float:
        return difflib.SequenceMatcher(None, "\n".join(lines[place : place + len(chunk)]), "\n".join(chunk)).ratio()

    place = max(range(len(lines)), key=likeness)
    return list(lines[place : place + len(chunk)])
