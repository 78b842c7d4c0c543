"""An issuer with a ledger and services with receipts: what the thief of its key made is forged, all else is minted."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.mint import Mint
from counterfoil.mint.policy import MintPolicy
from counterfoil.model.counterfoil import CUSTODY_SCHEMA, LEDGER_SCHEMA, Grant
from counterfoil.model.hunt import HuntReport
from counterfoil.relying.guard import Guard
from counterfoil.relying.receipts import Receipts
from counterfoil.relying.sinks import FileSink
from counterfoil.tlog import exported
from counterfoil.tlog.folder import Folder
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.verifier import Verifier
from mint.making import CLAIMS, MINT_POLICY, ORIGIN, SUBJECTS, TOKEN_POLICY, custody_in, jwks

GENUINE, FORGED = 40, 3
START = time.time() - 3_600


@dataclass(frozen=True)
class Estate:
    """The exports of an issuer and of a service, and what a witness keeps."""

    path: Path
    key: str

    def hunt(self, case: Path, *names: str, kept: bool = True) -> HuntReport:
        """Hunt with these exports."""
        told = HuntSettings(
            case, threads=1, log_keys=(self.key,), checkpoints=(self.path / "kept",) if kept else ()
        )  # fmt: skip
        return app.hunt([str(self.path / name) for name in names], told)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return an estate whose signing key existed before custody, so that a thief has a copy."""
    path = tmp_path_factory.mktemp("own")
    stolen = ec.generate_private_key(ec.SECP256R1())
    pem = path / "old.pem"
    pem.write_bytes(stolen.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    now = [START]

    def clock() -> datetime:
        return datetime.fromtimestamp(now[0], UTC)

    with custody_in(path / "custody", "other") as custody, FileLedger.open(path / "ledger", ORIGIN) as ledger:
        custody.attach("idp", str(pem))
        mint = Mint(custody, ledger, MintPolicy.from_toml(MINT_POLICY), SUBJECTS, clock=clock)
        verifier = Verifier(TokenPolicy.from_toml(TOKEN_POLICY, {"jwks.json": jwks(custody)}))
        with closing(FileSink(path / "receipts.jsonl")) as sink:
            guard = Guard(verifier, Receipts("mail-api", SUBJECTS), sink, clock=lambda: now[0])
            for place in range(GENUINE):
                minted = mint.issue(CLAIMS | {"sub": f"user-{place % 7}"}, grant=Grant.CODE)
                now[0] += 20
                guard.check(minted.token)
                now[0] += 40
                if place % 10 == 5 and place // 10 < FORGED:
                    guard.check(_forged(minted.token, stolen, now[0]))
        (path / "kept").write_text(ledger.checkpoint().checkpoint.render())
        key = ledger.key.render()
    for name, folder, schema in (
        ("ledger.jsonl", path / "ledger", LEDGER_SCHEMA), ("custody.jsonl", path / "custody" / "log", CUSTODY_SCHEMA),
    ):  # fmt: skip
        with (path / name).open("wb") as file:
            exported.write(Folder(folder), schema, file.write, datetime.now(UTC))
    return Estate(path, key)


def _forged(genuine: str, stolen: ec.EllipticCurvePrivateKey, at: float) -> str:
    """Return a token of the thief's: all but its id and times are a genuine one's."""
    claims = jwt.decode(genuine, options={"verify_signature": False})
    claims |= {"jti": f"forged-{at:.0f}", "iat": int(at) - 30, "exp": int(at) + 3_000}
    return jwt.encode(claims, stolen, algorithm="ES256", headers=jwt.get_unverified_header(genuine))


def verdicts(report: HuntReport) -> dict[str, int]:
    """Return how many tokens have each verdict that occurs."""
    return {row.verdict: row.tokens for row in report.verdicts if row.tokens}


def test_what_the_ledger_does_not_hold_is_forged(estate: Estate, tmp_path: Path) -> None:
    """All three forged ones, every genuine one minted by its digest, nobody else accused."""
    report = estate.hunt(tmp_path / "case", "ledger.jsonl", "custody.jsonl", "receipts.jsonl")
    assert verdicts(report) == {"minted": GENUINE, "forged": FORGED}
    rows = app.sql(tmp_path / "case", "SELECT token_id, verdict, reason FROM tokens").rows
    assert {row[1:] for row in rows if str(row[0]).startswith("forged-")} == {("forged", "id-not-issued")}
    assert {row[1:] for row in rows if not str(row[0]).startswith("forged-")} == {("minted", "basis-digest")}
    assert [line.status for line in report.coverage if line.source == "counterfoil-ledger"] == ["attested"]


def test_without_a_checkpoint_nobody_is_accused(estate: Estate, tmp_path: Path) -> None:
    """What the issuer says of itself convicts only if somebody declares it complete."""
    report = estate.hunt(tmp_path / "case", "ledger.jsonl", "receipts.jsonl", kept=False)
    assert verdicts(report) == {"minted": GENUINE, "uncovered": FORGED}


def test_with_a_ledger_that_was_cut_nobody_is_accused(estate: Estate, tmp_path: Path) -> None:
    """Entries that are missing take its worth away, and the report says so."""
    lines = (estate.path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    cut = tmp_path / "ledger.jsonl"
    cut.write_bytes(b"".join(lines[:10] + lines[20:]))
    told = HuntSettings(tmp_path / "case", threads=1, log_keys=(estate.key,), checkpoints=(estate.path / "kept",))
    report = app.hunt([str(cut), str(estate.path / "receipts.jsonl")], told)
    assert verdicts(report) == {"minted": GENUINE - 10, "uncovered": FORGED + 10}
    (line,) = (line for line in report.coverage if line.source == "counterfoil-ledger")
    assert (line.status, "entry 10 is expected" in line.reason) == ("refused", True)
