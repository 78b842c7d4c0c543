"""`token mint` as it is typed: a token that verifies, a counterfoil that proves it, and no word besides the token."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import jwt
import pytest

from counterfoil.custody.custody import Custody
from counterfoil.mint.ledger import FileLedger
from mint.making import CLAIMS, CLIENT, MINT_POLICY, ORIGIN, TOKEN_POLICY, custody_in, jwks

from .run import Ran, run


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Work where an issuer's custody, ledger, policies and subject keys are."""
    monkeypatch.chdir(tmp_path)
    with custody_in(Path("custody")) as custody:
        Path("jwks.json").write_bytes(jwks(custody))
    FileLedger.open(Path("ledger"), ORIGIN).close()
    Path("mint.toml").write_text(MINT_POLICY)
    Path("tokens.toml").write_text(TOKEN_POLICY)
    Path("claims.json").write_text(json.dumps(CLAIMS))
    assert run(capsys, "token", "subject-key", "subjects.toml", "--from", "2026-01-01").code == 0


def mint(capsys: pytest.CaptureFixture[str], *more: str, claims: str = "claims.json") -> Ran:
    """Mint with the parts of that folder."""
    parts = ("--policy", "mint.toml", "--store", "custody", "--ledger", "ledger", "--subject-keys", "subjects.toml")
    return run(capsys, "token", "mint", claims, *parts, *more)


def test_a_minted_token_verifies_and_is_proven(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout is the token alone, stderr nothing; the service accepts it, and the ledger proves it by its id."""
    made = mint(capsys, "--grant", "authorization_code", "--client", CLIENT, "--session", "s1", "--lifetime", "60")
    assert (made.code, made.err, made.out.count("\n")) == (0, "", 1)
    Path("token").write_text(made.out)
    assert run(capsys, "token", "verify", "token", "--policy", "tokens.toml").code == 0
    claims = jwt.decode(made.out.strip(), options={"verify_signature": False})
    assert (claims["sid"], claims["exp"] - claims["iat"]) == ("s1", 60)
    proof = run(capsys, "ledger", "prove", "ledger", claims["jti"])
    assert proof.code == 0
    counterfoil = json.loads(proof.out)["entry"]
    assert (counterfoil["grant"], counterfoil["client"]) == ("authorization_code", CLIENT)
    assert "alice" not in proof.out


def test_claims_come_from_standard_input_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As documents that other programs write."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(CLAIMS).encode())))
    assert mint(capsys, claims="-").out.count(".") == 2


REFUSED = [
    ("claims that are no JSON object", (), "[1]", "no JSON object"),
    ("a claim that the mint writes itself", (), json.dumps(CLAIMS | {"jti": "mine"}), "the mint's to write"),
    ("an audience that the policy does not name", (), json.dumps(CLAIMS | {"aud": "api://hr"}), "audience"),
    ("a renewal of nothing", ("--grant", "refresh_token"), json.dumps(CLAIMS), "needs the ids"),
    ("a grant that does not exist", ("--grant", "password"), json.dumps(CLAIMS), "--grant: unknown"),
    ("a longer life than the rule's", ("--lifetime", "7200"), json.dumps(CLAIMS), "at most 3600 seconds"),
    ("one custody that signs and counter-signs", ("--counter-store", "custody"), json.dumps(CLAIMS), ""),
]


@pytest.mark.parametrize(("what", "more", "claims", "told"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_may_not_be_minted_is_not(
    capsys: pytest.CaptureFixture[str], what: str, more: tuple[str, ...], claims: str, told: str
) -> None:
    """Exit code 2, a line that says why, no token, and no counterfoil."""
    Path("claims.json").write_text(claims)
    made = mint(capsys, *more)
    assert (made.code, made.out) == (2, ""), what
    assert told in made.err
    with FileLedger.open(Path("ledger")) as ledger:
        assert ledger.size() == 0


def test_a_counter_signature_comes_from_another_custody(capsys: pytest.CaptureFixture[str]) -> None:
    """Its member is in the protected header; without that custody nothing is minted."""
    custody_in(Path("counter"), "counter", "custody.example/counter").close()
    Path("mint.toml").write_text(MINT_POLICY + "counterfoil = true\n")
    assert mint(capsys).code == 2
    made = mint(capsys, "--counter-store", "counter")
    assert made.code == 0
    assert "cfs" in jwt.get_unverified_header(made.out.strip())
    with Custody.open(Path("counter")) as counter:
        assert counter.size() > 0
