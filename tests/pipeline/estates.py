"""Small estates and cases that the tests of the pipeline read, and the tables of a case as values."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from counterfoil import app
from counterfoil.case.results import TABLES
from counterfoil.config import HuntSettings
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.model.hunt import HuntReport

Rows = dict[str, list[tuple[Any, ...]]]


def settings(case: Path, scenario: Scenario | None = None, **more: Any) -> HuntSettings:
    """Return settings for a case; with a scenario, as an analyst would declare its logs."""
    if scenario is None:
        return HuntSettings(case=case, threads=1, **more)
    return replace(scenario.settings(case, threads=1), **more)


def hunted(paths: Iterable[object], told: HuntSettings) -> HuntReport:
    """Hunt in silence."""
    return app.hunt([str(path) for path in paths], told, app.Silent())


def tables(case: Path, names: Sequence[str] = TABLES) -> Rows:
    """Return the rows of the tables, in an order that does not depend on how they are stored."""
    return {name: app.sql(case, f"SELECT * FROM {name} ORDER BY ALL").rows for name in names}  # noqa: S608  # our own


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def program(*arguments: object, before: Sequence[str] = (), **more: Any) -> subprocess.Popen[bytes]:
    """Start the program in its own process; `before` is a command that runs it."""
    command = [*before, sys.executable, "-m", "counterfoil.cli.main", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)  # noqa: S603  # our own


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Wait for the program and return its code and what it wrote."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode(), err.decode()
