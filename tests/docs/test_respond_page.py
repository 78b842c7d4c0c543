"""The page for the first hour after a key is out is played: its commands in order, on an incident of the lab."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from counterfoil.cli.main import main
from counterfoil.respond.evicted import Why
from respond.test_probe import service

from .pages import page

PAGE = "docs/respond.md"


def test_the_page_can_be_followed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the incident over runbook, journal and revocation to the question whether he is out."""
    monkeypatch.chdir(tmp_path)
    blocks = [block.text for block in page(PAGE).blocks if block.language == "sh"]
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) > 15
    told, refused = dict[str, str](), set[str]()
    with service(refused) as mail, service(refused) as files:
        places = {"MAIL_URL": mail, "FILES_URL": files}
        for line in lines:
            capsys.readouterr()
            typed = [filled(word, places) for word in shlex.split(line)]
            code = main(typed[1:])
            # an hour after the block he may hold something
            assert code in ((1, 3) if " verify " in line else (0,)), line + capsys.readouterr().err
            told[line.split()[2]] = capsys.readouterr().out
            if found := re.search(r"block STORE --kid (\S+) .* --issuer (\S+)", told.get("plan", "")):
                places.update({"KID": found[1], "ISSUER": found[2]})
                refused.add(found[1])
    assert told["probe"].count("blocked") == 2
    assert "counterfoil respond block STORE --kid" in told["plan"] + (tmp_path / "runbook.md").read_text()
    assert "- [ ] **contain**, issuer" in (tmp_path / "runbook.md").read_text()
    assert "AWSRevokeOlderSessions" in (tmp_path / "runbook.html").read_text()
    assert told["verify"].startswith(("NOT OUT", "CANNOT TELL"))
    assert '"schema":"counterfoil.revoked/1"' in (tmp_path / "revoked.json").read_text()


def filled(word: str, places: Mapping[str, str]) -> str:
    """Return a word of a command with what the reader fills in."""
    for place, value in places.items():
        word = re.sub(rf"\b{place}\b", value, word)
    return word


def test_the_page_has_every_code() -> None:
    """Each reason that a statement can give is told, and none besides."""
    rows = [line for line in Path(PAGE).read_text().splitlines() if re.match(r"\| `[a-z-]+`(, |\s\|)", line)]
    codes = {code for row in rows for code in re.findall("`([a-z-]+)`", row.split("|")[1])}
    assert codes >= {str(why) for why in Why}
