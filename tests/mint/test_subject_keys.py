"""The mint and the relying party name one subject alike, across a rotation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from counterfoil.cli.main import main
from counterfoil.config import add_subject_key, read_subject_keys
from counterfoil.errors import UsageError
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.model.counterfoil import Grant
from counterfoil.relying.receipts import Receipts

from .making import CLAIMS, MINT_POLICY, NOW, ORIGIN, custody_in


def test_a_token_has_one_pseudonym_on_both_sides_before_and_after_a_rotation(tmp_path: Path) -> None:
    """Each by its own copy of the file and the token's own iat, whenever the receipt is written."""
    file = tmp_path / "subjects.toml"
    add_subject_key(file, NOW, "first")
    add_subject_key(file, NOW + timedelta(days=1), "second")
    now = NOW
    with custody_in(tmp_path / "custody") as custody, FileLedger.open(tmp_path / "ledger", ORIGIN) as ledger:
        policy = MintPolicy.from_toml(MINT_POLICY)
        mint = Mint(custody, ledger, policy, read_subject_keys(file), clock=lambda: now)
        early = mint.issue(CLAIMS, grant=Grant.CLIENT)
        now = NOW + timedelta(days=1)
        late = mint.issue(CLAIMS, grant=Grant.CLIENT)
        now = NOW - timedelta(days=1)
        with pytest.raises(UsageError, match="no subject key"):
            mint.issue(CLAIMS, grant=Grant.CLIENT)
        assert ledger.size() == 2
    receipts = Receipts("mail", read_subject_keys(file))
    told = [receipts.claimed(minted.token)["subject"] for minted in (early, late)]
    assert told == [minted.counterfoil.subject for minted in (early, late)]
    assert [name.split(":")[1] for name in told] == ["first", "second"]


def test_the_command_makes_and_rotates_and_prints_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next one begins in a week by default, so that the file can be handed round before."""
    file = tmp_path / "subjects.toml"
    before = datetime.now(UTC)
    assert [main(["token", "subject-key", str(file)]) for _ in range(2)] == [0, 0]
    shown = capsys.readouterr().out
    first, second = read_subject_keys(file).spans
    assert second.begin - before > timedelta(days=6, hours=23)
    for line, span in zip(shown.splitlines(), (first, second), strict=True):
        assert line == f"{span.key.id} from {span.begin:%Y-%m-%dT%H:%M:%SZ}"
