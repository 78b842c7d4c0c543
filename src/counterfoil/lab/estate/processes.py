"""The processes of an estate: started together, ended together, each when its standard input ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from counterfoil.errors import CounterfoilError
from counterfoil.lab.estate.settings import HOST

END_SECONDS = 30
BACKLOG = 128
_PACKAGE = "counterfoil.lab.estate"


def listening() -> socket.socket:
    """Return a socket that listens on a free port of loopback: clients may connect before its process runs."""
    made = socket.create_server((HOST, 0), backlog=BACKLOG)
    made.set_inheritable(True)
    return made


class Processes:
    """Started processes, by name."""

    def __init__(self, log: Path) -> None:
        """Write what they say to a file."""
        self._log = log.open("ab")
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(
        self, module: str, arguments: Sequence[object], *, handle: int | None = None, ready: bool = False
    ) -> None:
        """Start a module of this package; `ready`: wait for its first line, or raise CounterfoilError."""
        command = [sys.executable, "-m", f"{_PACKAGE}.{module}", *map(str, arguments)]
        process = subprocess.Popen(  # noqa: S603  # our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE if ready else self._log, stderr=self._log,
            pass_fds=() if handle is None else (handle,), env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
        )
        self._running.append((module, process))
        if ready and process.stdout is not None and process.stdout.readline() != b"ready\n":
            raise CounterfoilError(f"lab: {module} did not start", hint=f"{self._log.name} says why")

    def end(self) -> None:
        """End all, the last one first, so that nobody asks who has gone."""
        while self._running:
            _, process = self._running.pop()
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._log.close()

    def check(self) -> None:
        """Raise CounterfoilError if one has ended already."""
        for module, process in self._running:
            if process.poll() is not None:
                raise CounterfoilError(f"lab: {module} ended with {process.returncode}", hint=f"see {self._log.name}")

    def __enter__(self) -> Processes:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
