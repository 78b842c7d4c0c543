"""A long scan tells how far it is, how fast, and how long it will take."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.leaks.scan import ScanSettings, scan

from .planting import known_of, rsa_keys

_LIMIT_SECONDS = 120


class _Counted:
    """Keeps what a scan reports."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.total: int | None = None
        self.steps: list[int] = []

    def stage(self, name: str, total: int | None = None) -> None:  # noqa: ARG002  # as the protocol has it
        """Keep the total."""
        self.total = total

    def advance(self, amount: int) -> None:
        """Keep the step."""
        self.steps.append(amount)

    def note(self, text: str) -> None:
        """Take it."""


@pytest.mark.parametrize("packed", [False, True], ids=["files and a hole", "an archive"])
def test_what_is_told_adds_up_to_the_whole(tmp_path: Path, packed: bool) -> None:
    """Steps add up to the bytes on disk, holes and archives too, so that the time left ends at zero."""
    (tmp_path / "noise").write_bytes(os.urandom(9 << 20))
    with (tmp_path / "sparse").open("wb") as file:
        file.seek(100 << 20)
        file.write(b"end")
    if packed:
        subprocess.run(["tar", "-cf", "all.tar", "noise"], cwd=tmp_path, check=True)  # noqa: S607  # our own
    counted = _Counted()
    scan([str(tmp_path)], known_of(), ScanSettings(datetime.now(UTC)), counted)
    assert counted.total == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert sum(counted.steps) == counted.total
    assert len(counted.steps) > 3


def test_a_terminal_shows_rate_and_time_left(tmp_path: Path) -> None:
    """The real program on a terminal: done of total, a rate, and minutes and seconds left."""
    (tmp_path / "noise").write_bytes(os.urandom(32 << 20))
    key = tmp_path / "key.pub"
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = rsa_keys()[0].public_key()
    key.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "counterfoil.cli.main", "leaks", str(tmp_path), "--key", str(key)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as process:  # noqa: S603  # our own
        os.close(theirs)
        shown, end = b"", time.monotonic() + _LIMIT_SECONDS
        while time.monotonic() < end:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:
                break  # the other end is closed
            if not part:
                break
            shown += part
        os.close(ours)
        process.wait(_LIMIT_SECONDS)
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode()
    assert re.search(r"[\d.]+M of 33\.6M · [\d.]+M/s", text), text[-500:]
    assert re.search(r"\d\d:\d\d", text)
