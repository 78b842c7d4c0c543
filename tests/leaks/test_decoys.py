"""Decoy keys: left in one place, private to their owner, refused by our verifier, found by our scanner."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest

from counterfoil.cli.main import main
from counterfoil.errors import UsageError, VerifyError
from counterfoil.leaks import decoys, known
from counterfoil.leaks.scan import ScanSettings, scan
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier

from .silent import SILENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ISSUER = "https://idp.example"
POLICY = f"""
schema = "counterfoil.token-policy/1"

[[keys]]
file = "jwks.json"
issuers = ["{ISSUER}"]
classes = ["access"]

%s
[[flow]]
name = "api"
class = "access"
issuers = ["{ISSUER}"]
audiences = ["api://mail"]
"""


def _files(folder: Path) -> list[tuple[str, Path]]:
    return [(form, folder / f"left.{form}") for form in decoys.FORMS]


@pytest.mark.parametrize("algorithm", decoys.KINDS)
def test_our_scanner_finds_a_decoy_in_every_form_it_is_left_in(tmp_path: Path, algorithm: str) -> None:
    """PEM, DER, JWK and an environment file: each is the private half of the key that was published."""
    decoy = decoys.make(algorithm)
    decoys.leave(decoy, "", _files(tmp_path), tmp_path / "ledger")
    decoys.publish(decoys.published(decoy, tmp_path / "jwks.json"), tmp_path / "jwks.json")
    keys = known.known([str(tmp_path / "jwks.json")], ())
    report = scan([str(path) for _, path in _files(tmp_path)], keys, ScanSettings(NOW), SILENT)
    assert {Path(leak.path).name for leak in report.findings if leak.proven and leak.kid == decoy.kid} == {
        f"left.{form}" for form in decoys.FORMS
    }


def test_private_parts_go_to_the_named_files_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The files and the ledger are the owner's alone; nothing private is in ledger, JWKS, output or repr."""
    env, jwks, ledger = tmp_path / "old.env", tmp_path / "jwks.json", tmp_path / "decoys.jsonl"
    named = ["--env", str(env), "--jwks", str(jwks), "--ledger", str(ledger)]
    assert main(["leaks", "plant", "--place", "backup server", *named]) == 0
    done = capsys.readouterr()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (env, ledger)] == [0o600, 0o600]
    (entry,) = map(json.loads, ledger.read_text().splitlines())
    (key,) = json.loads(jwks.read_text())["keys"]
    assert (entry["place"], entry["kid"], entry["form"]) == ("backup server", key["kid"], "env")
    assert f'kid = "{key["kid"]}"\nstate = "blocked"' in done.out
    body = env.read_text().split("BEGIN PRIVATE KEY-----")[1]
    for text in (done.out, done.err, ledger.read_text(), jwks.read_text(), repr(decoys.make("ES256"))):
        assert "PRIVATE KEY-----" not in text
        assert body[40:80] not in text
    assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()


def test_a_key_is_added_to_a_jwks_beside_the_real_ones(tmp_path: Path) -> None:
    """The other keys stay, and so does the mode; a second key of one id is refused."""
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [{"kid": "real", "kty": "RSA"}]}))
    jwks.chmod(0o640)
    decoy = decoys.make("ES256", "spare")
    decoys.publish(decoys.published(decoy, jwks), jwks)
    assert [key["kid"] for key in json.loads(jwks.read_text())["keys"]] == ["real", "spare"]
    assert stat.S_IMODE(jwks.stat().st_mode) == 0o640
    with pytest.raises(UsageError, match="has a key with the id spare"):
        decoys.published(decoy, jwks)


def test_nothing_is_left_where_one_file_cannot_be_written(tmp_path: Path) -> None:
    """An existing file is not overwritten, and what was written before it is taken away again."""
    (tmp_path / "left.der").write_text("mine")
    with pytest.raises(UsageError, match="File exists"):
        decoys.leave(decoys.make("ES256"), "", _files(tmp_path), tmp_path / "ledger")
    assert [path.name for path in tmp_path.iterdir()] == ["left.der"]
    assert (tmp_path / "left.der").read_text() == "mine"


def test_our_verifier_refuses_a_token_under_a_decoy_by_the_printed_policy(tmp_path: Path) -> None:
    """With the snippet the token is refused for its key; without it, it would pass: the snippet is what refuses."""
    decoy = decoys.make("ES256")
    document = decoys.published(decoy, tmp_path / "jwks.json").encode()
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": ISSUER, "aud": "api://mail", "sub": "thief", "iat": now, "exp": now + 300, "jti": "1"}
    claims |= {"client_id": "c"}
    token = jwt.encode(claims, decoy.key, "ES256", headers={"kid": decoy.kid, "typ": "at+jwt"})
    Verifier(TokenPolicy.from_toml(POLICY % "", {"jwks.json": document})).verify(token, at=now)
    with pytest.raises(VerifyError, match="blocked"):
        Verifier(TokenPolicy.from_toml(POLICY % decoy.policy, {"jwks.json": document})).verify(token, at=now)


def test_a_decoy_without_a_place_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """No file named: one clear line, and the exit code of bad usage."""
    assert main(["leaks", "plant"]) == 2
    done = capsys.readouterr()
    assert not done.out
    assert "no place for the decoy" in done.err


def test_a_decoy_is_no_finding_where_it_was_left_and_one_anywhere_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scans of one's own come upon decoys; a decoy in another place was carried there by somebody."""
    here, there = tmp_path / "left.pem", tmp_path / "copies"
    ledger, jwks = tmp_path / "ledger", tmp_path / "jwks.json"
    decoy = decoys.make("ES256")
    decoys.leave(decoy, "the old backup server", [("pem", here)], ledger)
    decoys.publish(decoys.published(decoy, jwks), jwks)
    scanning = ["leaks", str(here), "--jwks", str(jwks), "--decoys", str(ledger)]
    assert main(scanning) == 0
    told = capsys.readouterr().out
    assert "DECOYS where they were left: 1" in told
    assert "the old backup server" in told
    assert main(scanning[:-2]) == 1, "without the ledger it is a key like any other"
    there.mkdir()
    (there / "id").write_bytes(here.read_bytes())
    capsys.readouterr()
    assert main([*scanning, str(there)]) == 1
    told = capsys.readouterr().out
    assert "left elsewhere (the old backup server): it was carried here" in told
    assert "DECOYS where they were left: 1" in told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{}", "line 1 is no entry of a ledger"),
        ("not JSON", "line 1 is no entry of a ledger"),
        ('{"schema": "else/1", "thumbprint": "a", "place": "b", "file": "c"}', "line 1 is of 'else/1'"),
    ],
)
def test_a_ledger_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    """A wrong file would let every decoy pass for a finding, or the other way round."""
    ledger = tmp_path / "ledger"
    ledger.write_text(line)
    assert main(["leaks", str(ledger), "--decoys", str(ledger)]) == 2
    assert told in capsys.readouterr().err
