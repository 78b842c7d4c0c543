"""`lab list` and `lab run` as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from .run import run


def test_what_can_be_run_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each scenario with what happens in it; an unknown one is bad usage, with those there are."""
    told = run(capsys, "lab", "list")
    assert (told.code, "storm-0558" in told.out, "ledger-rewritten" in told.out) == (0, True, True)
    unknown = run(capsys, "lab", "run", "storm", "--case", "nowhere")
    assert (unknown.code, "storm-0558" in unknown.err) == (2, True)


def test_a_run_tells_what_was_found_and_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report, the door, the truth; the same comparison again by hand; a second run in the case is refused."""
    case = tmp_path / "case"
    told = run(capsys, "lab", "run", "storm-0558", "--case", case, "--quiet", "--threads", "1")
    assert told.code == 0, told.err
    assert "attackers' tokens at the door: 9 let in, 0 refused\n" in told.out
    assert "7 to convict, 7 convicted, 0 innocents accused" in told.out
    assert "the truth: every verdict and diagnosis is right" in told.out
    again = run(capsys, "lab", "compare", case, case / "lab" / "truth.jsonl")
    assert (again.code, "planted and convicted" in again.out) == (0, True)
    assert run(capsys, "lab", "run", "insider", "--case", case, "--quiet").code == 2
