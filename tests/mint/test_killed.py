"""A mint that is killed at any moment has handed out no token without its counterfoil and its record in custody.

The hundred kills: pytest -m slow tests/mint/test_killed.py
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil.custody import audit
from counterfoil.custody.audit import Operation
from counterfoil.mint.ledger import FileLedger, decode
from counterfoil.tlog import replay
from counterfoil.tlog.folder import Folder

from .making import ORIGIN, custody_in

TESTS = Path(__file__).parent.parent


def recorded(path: Path) -> tuple[set[str], set[str]]:
    """Return the digests that the ledger holds, and those of which custody's log has a signature."""
    ledger: set[str] = set()
    custody: set[str] = set()

    def use(index: int, raw: bytes) -> None:
        record = audit.decode(raw, index)
        if record.op is Operation.SIGN and record.digest:
            custody.add(record.digest)

    replay.replay(Folder(path / "ledger"), lambda index, raw: ledger.add(decode(raw, index).digest))
    replay.replay(Folder(path / "custody" / "log"), use)
    return ledger, custody


def killed(path: Path, moments: random.Random) -> set[str]:
    """Run a mint, kill it after some hundred tokens, and return the digests of what it handed out."""
    after = moments.randint(1, 150)
    command = [sys.executable, "-m", "mint.minting", str(path)]
    with subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE) as process:  # noqa: S603  # our own
        assert process.stdout is not None
        got = [process.stdout.readline() for _ in range(after)]
        process.kill()
        got += process.stdout.read().splitlines()
    return {line.decode().strip() for line in got if line.strip()}


def held(path: Path, kills: int) -> None:
    """Kill a mint so often over the same folders; after each, whatever was handed out is in both logs."""
    custody_in(path / "custody").close()
    FileLedger.open(path / "ledger", ORIGIN).close()
    moments, released = random.Random(558), set[str]()  # noqa: S311  # not for secrets
    for _ in range(kills):
        some = killed(path, moments)
        assert some
        released |= some
        ledger, custody = recorded(path)
        assert released <= ledger
        assert released <= custody
        assert custody <= ledger, "no signature without a counterfoil: the counterfoil comes first"


def test_a_killed_mint_released_nothing_without_its_counterfoil(tmp_path: Path) -> None:
    """Three times, under load, at random moments."""
    held(tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_kills_release_nothing_without_its_counterfoil(tmp_path: Path) -> None:
    """The same, a hundred times over the same folders."""
    held(tmp_path, 100)
