"""An issuer with a ledger and services with receipts: what the thief of its key made is forged, all else is minted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.custody.custody import Custody
from counterfoil.jose import base64url
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.model.counterfoil import CUSTODY_SCHEMA, LEDGER_SCHEMA, Counterfoil, Grant
from counterfoil.model.hunt import HuntReport
from counterfoil.relying.guard import Guard
from counterfoil.relying.receipts import Receipts
from counterfoil.relying.sinks import FileSink
from counterfoil.tlog import exported
from counterfoil.tlog.stored import InFolder
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier
from mint.making import CLAIMS, ISSUER, MINT_POLICY, ORIGIN, SUBJECTS, TOKEN_POLICY, custody_in, jwks

GENUINE, FORGED = 40, 3
START = time.time() - 3_600
LOGS = ("ledger.jsonl", "custody.jsonl", "receipts.jsonl")


@dataclass(frozen=True)
class Estate:
    """The exports of an issuer and of a service, and what a witness keeps of ledger and custody."""

    path: Path
    keys: tuple[str, ...]

    def hunt(self, case: Path, *names: str, kept: Sequence[str] = ("ledger", "custody")) -> HuntReport:
        """Hunt with these exports, and with the kept checkpoints of these logs."""
        files = tuple(self.path / f"kept-{name}" for name in kept)
        told = HuntSettings(case, threads=1, log_keys=self.keys, checkpoints=files)
        return app.hunt([str(self.path / name) for name in names], told)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return an estate whose signing key existed before custody, so that a thief has a copy.

    An insider signs one token through custody, and a third is under a rogue key that a second service trusts.
    """
    path = tmp_path_factory.mktemp("own")
    stolen, rogue = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    pem = path / "old.pem"
    pem.write_bytes(stolen.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (path / "rogue.json").write_bytes(msgspec.json.encode({"keys": [_public(rogue)]}))
    now = [START]

    def clock() -> datetime:
        return datetime.fromtimestamp(now[0], UTC)

    with (
        custody_in(path / "custody", "other", clock=clock) as custody,
        FileLedger.open(path / "ledger", ORIGIN) as ledger,
    ):
        custody.attach("idp", str(pem))
        now[0] += 600
        mint = Mint(custody, ledger, MintPolicy.from_toml(MINT_POLICY), SUBJECTS, clock=clock)
        good, careless = (
            Verifier(TokenPolicy.from_toml(TOKEN_POLICY, {"jwks.json": keys}))
            for keys in (jwks(custody), _with_rogue(jwks(custody), rogue))
        )
        with (
            closing(FileSink(path / "receipts.jsonl")) as sink, closing(FileSink(path / "careless.jsonl")) as other,
        ):
            guard = Guard(good, Receipts("mail-api", SUBJECTS), sink, clock=lambda: now[0])
            second = Guard(careless, Receipts("careless-api", SUBJECTS), other, clock=lambda: now[0])
            for place in range(GENUINE):
                minted = mint.issue(CLAIMS | {"sub": f"user-{place % 7}"}, grant=Grant.CODE)
                now[0] += 20
                guard.check(minted.token)
                now[0] += 40
                if place % 10 == 5 and place // 10 < FORGED:
                    guard.check(_forged(minted.token, stolen, now[0]))
                if place == 12:
                    second.check(_through(custody, minted.token, now[0]))
                if place == 14:
                    second.check(_forged(minted.token, rogue, now[0], {"kid": "rogue"}))
        for name, log in (("ledger", ledger), ("custody", custody)):
            (path / f"kept-{name}").write_text(log.checkpoint().checkpoint.render())
        keys = (ledger.key.render(), custody.log_key.render())
    for name, folder, schema in (
        ("ledger.jsonl", path / "ledger", LEDGER_SCHEMA), ("custody.jsonl", path / "custody" / "log", CUSTODY_SCHEMA),
    ):
        with (path / name).open("wb") as file:
            exported.write(InFolder(folder), schema, file.write, datetime.now(UTC))
    return Estate(path, keys)


def _claims(genuine: str, at: float, word: str) -> dict[str, Any]:
    """Return the claims of a forged token: all but its id and times are a genuine one's."""
    claims: dict[str, Any] = jwt.decode(genuine, options={"verify_signature": False})
    return claims | {"jti": f"{word}-{at:.0f}", "iat": int(at) - 30, "exp": int(at) + 3_000}


def _forged(
    genuine: str, stolen: ec.EllipticCurvePrivateKey, at: float, header: Mapping[str, str] | None = None
) -> str:
    """Return a token that a key outside custody signed."""
    told = {**jwt.get_unverified_header(genuine), **(header or {})}
    return jwt.encode(_claims(genuine, at, "rogue" if header else "forged"), stolen, algorithm="ES256", headers=told)


def _through(custody: Custody, genuine: str, at: float) -> str:
    """Return a token that an insider had custody sign."""
    parts = (jwt.get_unverified_header(genuine), _claims(genuine, at, "insider"))
    body = b".".join(base64url.encode(msgspec.json.encode(part)).encode() for part in parts)
    return f"{body.decode()}.{base64url.encode(custody.sign('idp', body, purpose='nothing to see').signature)}"


def _with_rogue(document: bytes, rogue: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key set into which somebody slipped a key of his own."""
    return msgspec.json.encode({"keys": [*msgspec.json.decode(document)["keys"], _public(rogue)]})


def _public(rogue: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    return jwt.algorithms.ECAlgorithm.to_jwk(rogue.public_key(), as_dict=True) | {"kid": "rogue", "alg": "ES256"}


def verdicts(report: HuntReport) -> dict[str, int]:
    """Return how many tokens have each verdict that occurs."""
    return {row.verdict: row.tokens for row in report.verdicts if row.tokens}


def diagnoses(case: Path) -> set[tuple[Any, ...]]:
    """Return the word that begins the id of accused tokens, with verdict, reason and diagnosis."""
    asked = "SELECT split_part(token_id, '-', 1), verdict, reason, diagnosis FROM tokens WHERE verdict <> 'minted'"
    return set(app.sql(case, asked).rows)


def test_what_the_ledger_does_not_hold_is_forged(estate: Estate, tmp_path: Path) -> None:
    """All three forged ones, every genuine one minted by its digest, nobody else accused."""
    report = estate.hunt(tmp_path / "case", *LOGS)
    assert verdicts(report) == {"minted": GENUINE, "forged": FORGED}
    assert diagnoses(tmp_path / "case") == {("forged", "forged", "id-not-issued", "key-out")}
    found, signatures = report.findings
    assert (found.diagnosis, found.token_count) == ("key-out", FORGED)
    assert found.next_step.startswith("Block the key everywhere")
    # what the insider had signed is not accepted here: the services' second file is missing
    assert (signatures.rule, signatures.verdict) == ("signatures-unaccounted", "probably-forged")
    assert signatures.title.startswith("1 signature of key ")
    assert "asked for by user:" in signatures.detail
    held = [line.status for line in report.coverage if line.source in ("counterfoil-ledger", "counterfoil-custody")]
    assert held == ["attested", "attested"]
    assert not [entry.path for entry in report.inputs if entry.duplicates]  # begun and done are no duplicates
    assert sum(entry.merged for entry in report.inputs if entry.source == "counterfoil-custody")
    genuine = "SELECT DISTINCT reason, diagnosis FROM tokens WHERE verdict = 'minted'"
    assert app.sql(tmp_path / "case", genuine).rows == [("basis-digest", None)]


def test_an_insider_a_thief_and_a_rogue_key_are_told_apart(estate: Estate, tmp_path: Path) -> None:
    """Each of them has a finding of his own, with what to do first."""
    report = estate.hunt(tmp_path / "case", *LOGS, "careless.jsonl")
    assert diagnoses(tmp_path / "case") == {
        ("forged", "forged", "id-not-issued", "key-out"),
        ("insider", "forged", "id-not-issued", "through-custody"),
        ("rogue", "forged", "id-not-issued", "key-out-or-unchecked"),
    }
    assert {found.diagnosis: found.token_count for found in report.findings} == {
        "key-out": FORGED, "through-custody": 1, "key-out-or-unchecked": 1,
    }
    assert len({found.id for found in report.findings}) == 3


def test_without_a_kept_checkpoint_of_custody_it_tells_only_what_it_holds(estate: Estate, tmp_path: Path) -> None:
    """A signature that is there is there; one that is missing may have been left out."""
    estate.hunt(tmp_path / "case", *LOGS, "careless.jsonl", kept=("ledger",))
    assert {row[3] for row in diagnoses(tmp_path / "case")} == {"custody-unknown", "through-custody"}


def test_what_the_ledger_holds_and_custody_does_not_is_contradicted(estate: Estate, tmp_path: Path) -> None:
    """An insider who holds the ledger's key writes counterfoils for what he signs elsewhere: custody tells."""
    path = tmp_path / "altered"
    with FileLedger.open(path, ORIGIN) as ledger:
        for line in (estate.path / "ledger.jsonl").read_bytes().splitlines()[:-1]:
            ledger.record(msgspec.convert(msgspec.json.decode(line)["entry"], Counterfoil))
        receipts = [msgspec.json.decode(line) for line in (estate.path / "receipts.jsonl").read_bytes().splitlines()]
        forged = next(one for one in receipts if one["jti"].startswith("forged-"))
        at = datetime.fromisoformat(forged["iat"])
        ledger.record(Counterfoil(
            time=at, jti=forged["jti"], digest=forged["digest"], kid=forged["kid"], alg="ES256", iss=forged["iss"],
            aud=tuple(forged["aud"]), iat=at, exp=at + timedelta(hours=1), grant=Grant.CODE,
        ))
        (tmp_path / "kept").write_text(ledger.checkpoint().checkpoint.render())
        keys = (ledger.key.render(), *estate.keys[1:])
    with (tmp_path / "ledger.jsonl").open("wb") as file:
        exported.write(InFolder(path), LEDGER_SCHEMA, file.write, datetime.now(UTC))
    told = HuntSettings(
        tmp_path / "case", threads=1, log_keys=keys, checkpoints=(tmp_path / "kept", estate.path / "kept-custody")
    )
    files = [tmp_path / "ledger.jsonl", *(estate.path / name for name in LOGS[1:])]
    report = app.hunt([str(file) for file in files], told)
    assert verdicts(report) == {"contradicted": 1, "minted": GENUINE, "forged": FORGED - 1}
    assert diagnoses(tmp_path / "case") == {
        ("forged", "contradicted", "not-signed-in-custody", "ledger-altered"),
        ("forged", "forged", "id-not-issued", "key-out"),
    }


def test_without_a_checkpoint_nobody_is_accused(estate: Estate, tmp_path: Path) -> None:
    """What the issuer says of itself convicts only if somebody declares it complete."""
    report = estate.hunt(tmp_path / "case", "ledger.jsonl", "receipts.jsonl", kept=())
    assert verdicts(report) == {"minted": GENUINE, "uncovered": FORGED}


def test_with_a_ledger_that_was_cut_nobody_is_accused(estate: Estate, tmp_path: Path) -> None:
    """Entries that are missing take its worth away, and the report says so."""
    lines = (estate.path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    cut = tmp_path / "ledger.jsonl"
    cut.write_bytes(b"".join(lines[:10] + lines[20:]))
    kept = (estate.path / "kept-ledger",)
    told = HuntSettings(tmp_path / "case", threads=1, log_keys=estate.keys, checkpoints=kept)
    report = app.hunt([str(cut), str(estate.path / "receipts.jsonl")], told)
    assert verdicts(report) == {"minted": GENUINE - 10, "uncovered": FORGED + 10}
    assert [(one.rule, one.verdict) for one in report.findings] == [("ledger-gap", "suspicion")]
    (line,) = (line for line in report.coverage if line.source == "counterfoil-ledger")
    assert (line.status, "entry 10 is expected" in line.reason) == ("refused", True)


def test_a_policy_of_keys_tells_what_a_key_may_not_sign(estate: Estate, tmp_path: Path) -> None:
    """The careless service trusted a key that is another issuer's."""
    (tmp_path / "other.json").write_bytes((estate.path / "rogue.json").read_bytes())
    policy = tmp_path / "policy.toml"
    text = TOKEN_POLICY.replace("jwks.json", "other.json")
    policy.write_text(text.replace(ISSUER, "https://consumer.example", 1))
    told = HuntSettings(tmp_path / "case", threads=1, token_policy=policy)
    app.hunt([str(estate.path / name) for name in (*LOGS, "careless.jsonl")], told)
    accused = diagnoses(tmp_path / "case") - {("forged", "uncovered", "not-declared", None)}
    assert ("rogue", "contradicted", "key-not-entitled", "key-not-entitled") in accused
    assert {row[1] for row in accused} == {"contradicted", "uncovered"}
