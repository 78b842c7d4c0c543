"""The tool that takes conditions out of reconciliation says the same, however it computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Some that change nothing, and some that are noticed: by the first run and by later ones, and one of the constants.
NAMES = (
    "judge.verdict_of: without if of is not", "links.linked: without semi_join(several)",
    "sets.of_sets: without filter(lambda", "refuted.refuting: without ~open_.silent", "policy.Policy: 13.8 + 1",
)


@pytest.mark.slow
def test_what_is_remembered_changes_no_verdict_on_a_mutant() -> None:
    """A mutant that survives where only what it changes is computed survives where everything is, and the reverse."""
    remembered, plain = _survivors(), _survivors("--plain")
    assert remembered == plain
    assert 0 < len(plain) < len(NAMES)


def _survivors(*how: str) -> list[str]:
    """Return the lines of the mutants that survive; each of NAMES is tried."""
    command = [sys.executable, "-m", "tests.reconcile.mutants", *NAMES, "--equivalent", "--jobs", "1", *how]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    *lines, last = done.stdout.splitlines()
    assert last.startswith(f"{len(NAMES)} mutants, {len(NAMES)} tried"), done.stdout + done.stderr
    return [line for line in lines if line.endswith("SURVIVED")]
