"""Runs the program as people do: in this process where output is looked at, in its own where the process is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from counterfoil.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What a run gave."""

    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    """Run the program in this process."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return Ran(code, captured.out, captured.err)


def start(*arguments: object, cwd: Path | None = None) -> subprocess.Popen[bytes]:
    """Start the program in its own process, with pipes."""
    command = [sys.executable, "-m", "counterfoil.cli.main", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd)  # noqa: S603  # our own
