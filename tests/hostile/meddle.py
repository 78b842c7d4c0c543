"""Runs a hunt during which something happens to a file: `meddle.py STAGE ACTION FILE CASE LOGS`, JSON on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from counterfoil import app
from counterfoil.cli import exits
from counterfoil.config import HuntSettings


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"{}\n")


def _replace(path: Path) -> None:
    other = path.with_name(".other")
    other.write_bytes(path.read_bytes().swapcase())
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


ACTIONS: dict[str, Callable[[Path], object]] = {
    "remove": Path.unlink,
    "grow": _grow,
    "replace": _replace,
    "empty": lambda path: path.write_bytes(b""),
}


class Meddling(app.Silent):
    """Does it when the stage begins."""

    def __init__(self, stage: str, action: str, path: Path) -> None:
        """Wait for the stage."""
        self._stage, self._action, self._path = stage, action, path

    def stage(self, name: str, total: int | None = None) -> None:
        """Do it, if this is the stage."""
        del total
        if name == self._stage:
            ACTIONS[self._action](self._path)


def main() -> int:
    """Run it, and return the exit code of the command."""
    stage, action, path, case, logs = sys.argv[1:]
    report = app.hunt([logs], HuntSettings(case=Path(case), threads=1), Meddling(stage, action, Path(path)))
    sys.stdout.write(app.render(report, "json"))
    return int(exits.after(report, frozenset()))


if __name__ == "__main__":
    sys.exit(main())
