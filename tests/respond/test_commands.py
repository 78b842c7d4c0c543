"""What people get for bad input: one clear line, and nothing half done; and that values of logs stay values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.run import run
from counterfoil.respond.commands import COMMANDS, Command, filled

RECEIPT = {
    "schema": "counterfoil.receipt/1", "time": "2026-03-01T10:00:00Z", "rp": "mail", "outcome": "accepted",
    "signature": "verified", "kid": "k", "iss": "https://idp.example", "jti": "j", "digest": "0" * 64,
}


@pytest.fixture
def quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a judged case without findings."""
    (tmp_path / "receipts.jsonl").write_text(json.dumps(RECEIPT) + "\n")
    run(capsys, "hunt", tmp_path / "receipts.jsonl", "--case", tmp_path / "case", "--quiet")
    return tmp_path / "case"


BAD = {
    "a plan on a case without findings": (("plan",), "no finding of an intrusion"),
    "a verdict on a case without findings": (("verify", "--since", "2026-03-01"), "no finding of an intrusion"),
    "a verdict when nobody says when the block was": (("verify",), "nobody says when the key was blocked"),
    "a verdict on the time before the block": (
        ("verify", "--since", "2026-03-02", "--until", "2026-03-01"), "not after the block"),
    "a revocation of everything": (("revoke",), "nothing says which tokens to revoke"),
    "a vendor that is not known": (("plan", "--vendor", "acme"), "--vendor: unknown"),
    "a party without an address": (("probe", "mail"), "expected NAME=URL"),
    "a party over plain http": (("probe", "mail=http://mail.example/"), "http is for loopback only"),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_input_gets_one_line(sentence: str, quiet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line says what is wrong, the code is 2, and the journal is not begun."""
    words, expected = BAD[sentence]
    done = run(capsys, "respond", *words, "--case", quiet)
    assert done.code == 2
    assert expected in done.err
    assert not (quiet / "respond").exists()


def test_a_party_that_does_not_answer_is_told(
    quiet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One row with the reason, and 3: nobody can tell."""
    for name in ("canary", "twin"):
        (tmp_path / name).write_text("a.b.c")
    done = run(capsys, "respond", "probe", "mail=http://127.0.0.1:9/", "--case", quiet, "--canary", tmp_path / "canary",
               "--twin", tmp_path / "twin", "--since", "2026-03-01")
    assert done.code == 3
    assert "cannot tell" in done.out
    assert "no answer" in done.out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_each_command_has_its_source_and_no_value_is_a_command(command: Command) -> None:
    """What a log says is quoted, and left out where it could be an option or another command."""
    assert command.source.startswith("https://")
    for evil in ("--yes", "$(reboot)", "a; reboot", "a\nreboot", "`reboot`"):
        for line in filled(command, subject=evil, client=evil):
            assert "reboot" not in line
            assert "--yes" not in line
