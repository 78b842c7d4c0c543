"""Debian's glewlwyd with a recording proxy at its token endpoint: all that it issued is minted, the rest is forged."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.mint.ledger import FileLedger
from counterfoil.model.counterfoil import ISSUANCE_SCHEMA, ISSUER_LOG, LEDGER_SCHEMA, Counterfoil
from counterfoil.model.coverage import Declaration
from counterfoil.relying.fetching import FetchedPolicy, FetchingVerifier
from counterfoil.relying.guard import Guard
from counterfoil.relying.receipts import Receipts, Request
from counterfoil.relying.sinks import FileSink
from counterfoil.tlog import exported
from counterfoil.tlog.stored import InFolder
from counterfoil.tokens.pseudonym import SubjectKey
from mint.making import token_policy

from .glewlwyd import ISSUER, KID, glewlwyd, jwk_of, own_log, person, rows_of, sample
from .recording import Recorder, proxy
from .running import Address, Person, digest, robot, told

SUBJECTS = SubjectKey("s1", b"0123456789abcdef0123456789abcdef")
PEOPLE, ROBOTS = ("alice", "bob"), 8
POLICY = token_policy("glewlwyd.json", ISSUER, "read", "openid read")


@dataclass(frozen=True)
class Estate:
    """What the issuer's proxy and a service have written, and what a witness keeps."""

    path: Path
    key: str
    forged: dict[str, str]  # digest -> what it is
    genuine: dict[str, str]  # digest -> jti


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return an estate whose signing key lies in the issuer's database, of which a thief has a copy."""
    sample("glewlwyd.conf.sample.gz")
    path = tmp_path_factory.mktemp("glewlwyd")
    stolen = rsa.generate_private_key(65537, 2048)
    # absence tells only where the ledger begins before the tokens, and ends after them
    before, after = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    with FileLedger.open(path / "ledger", "glewlwyd.example/ledger") as ledger:
        ledger.record(_another(before))
        with glewlwyd(path, jwk_of(stolen)) as base:
            genuine = _genuine(base, ledger)
            forged = _forged(genuine, stolen)
            _accept(path, f"{base}/api/oidc/jwks", genuine, forged)
        ledger.record(_another(after))
        (path / "kept").write_text(ledger.checkpoint().checkpoint.render())
        key = ledger.key.render()
    others = [_line(before), *own_log(path, "tokens.sql"), _line(after)]
    (path / "tokens.jsonl").write_text("".join(f"{line}\n" for line in others))
    with (path / "ledger.jsonl").open("wb") as out:
        exported.write(InFolder(path / "ledger"), LEDGER_SCHEMA, out.write, after)
    ids = {digest(token): str(_claims(token)["jti"]) for token in genuine}
    return Estate(path, key, {digest(token): what for token, what in forged.items()}, ids)


def _another(moment: datetime) -> Counterfoil:
    """Return the counterfoil of a token of another time."""
    return Counterfoil(
        time=moment, jti=f"of-{moment:%H%M}", digest=digest(f"of-{moment:%H%M}."), kid=KID, alg="RS256", iss=ISSUER,
        iat=moment, exp=moment + timedelta(hours=1),
    )


def _line(moment: datetime) -> str:
    """Return the same in the words of its own log."""
    told = {"schema": ISSUANCE_SCHEMA, "log": "glewlwyd", "iss": ISSUER, "jti": f"of-{moment:%H%M}"}
    return json.dumps(told | {"time": moment.timestamp()})


def _genuine(base: str, ledger: FileLedger) -> list[str]:
    """Return access tokens that a third party's client obtained through the proxy."""
    upstream = f"{base}/api/oidc/token"
    server = proxy(upstream, Recorder(ledger, subject_key=SUBJECTS))
    with closing(server.socket):
        at = Address(base, f"{base}/api/oidc/auth", f"http://localhost:{server.server_address[1]}/token")
        tokens = [robot(at, "robot", "a word", scope="read") for _ in range(ROBOTS)]
        for name in PEOPLE:
            signed_in = Person.signs_in(at, "desk", name, "openid read", person(base, name), g_continue="")
            tokens += [signed_in.token["access_token"], signed_in.refresh(), signed_in.refresh()]
        refused = requests.post(at.token, data={"grant_type": "client_credentials"}, timeout=30)
        assert refused.status_code in (400, 401, 403)
        server.shutdown()
    return tokens


def _claims(token: str) -> dict[str, object]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def _forged(genuine: list[str], stolen: rsa.RSAPrivateKey) -> dict[str, str]:
    """Return forged tokens with what each is."""
    header, moment = jwt.get_unverified_header(genuine[0]), int(time.time()) - 600
    own = {"iat": moment, "nbf": moment, "exp": moment + 3_600}

    def made(**claims: object) -> str:
        return jwt.encode(_claims(genuine[0]) | own | claims, stolen, "RS256", headers=header)

    return {
        made(jti="A" * 32): "a token of the stolen key",
        made(jti="B" * 32, sub="mallory", client_id="desk"): "one for another person",
        made(sub="mallory"): "one with a genuine token's id, and other claims",
    }


def _accept(path: Path, keys: str, genuine: list[str], forged: Iterable[str]) -> None:
    """Show the tokens to a service, whose middleware fetches the issuer's keys; it lets all of them in."""
    home, away = Request("GET", "/mail", "192.0.2.7", "Desk/1"), Request("GET", "/mail", "203.0.113.9", "curl/8")
    with closing(FileSink(path / "receipts.jsonl")) as sink:
        verifier = FetchingVerifier(FetchedPolicy(POLICY, {"glewlwyd.json": keys}), "mail")
        guard = Guard(verifier, Receipts("mail-api", SUBJECTS), sink)
        for token in genuine:
            guard.check(token, home)
        for token in forged:
            guard.check(token, away)


def test_every_token_is_what_it_is(estate: Estate, tmp_path: Path) -> None:
    """By ledger and receipts alone; where the key lies in the issuer's configuration, custody is unknown."""
    settings = HuntSettings(
        tmp_path / "case", threads=1, log_keys=(estate.key,), checkpoints=(estate.path / "kept",)
    )
    app.hunt([str(estate.path / "ledger.jsonl"), str(estate.path / "receipts.jsonl")], settings)
    found = told(tmp_path / "case")
    assert found.keys() == estate.genuine.keys() | estate.forged.keys()
    assert {found[one] for one in estate.genuine} == {("minted", "basis-digest", "")}
    assert {what: found[one] for one, what in estate.forged.items()} == {
        "a token of the stolen key": ("forged", "id-not-issued", "custody-unknown"),
        "one for another person": ("forged", "id-not-issued", "custody-unknown"),
        "one with a genuine token's id, and other claims": ("contradicted", "digest-differs", "custody-unknown"),
    }


def test_its_own_database_says_the_same(estate: Estate) -> None:
    """It has a row with the id of each access token: all that the proxy recorded, and nothing besides."""
    rows = rows_of(estate.path, "SELECT * FROM gpo_access_token")
    assert sorted(row["gpoa_jti"] for row in rows) == sorted(estate.genuine.values())
    assert all(row["gpoa_token_hash"].startswith("{SHA512}") for row in rows)  # of the whole token: joins no receipt


def test_its_own_database_is_a_log_that_can_be_declared(estate: Estate, tmp_path: Path) -> None:
    """No proxy and no ledger: ids, and the issued-at of each, as the table has them. No digest, and no custody."""
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=2)
    settings = HuntSettings(
        tmp_path / "case", threads=1, complete=(Declaration(ISSUER_LOG, "glewlwyd"),), exported_at=later
    )
    app.hunt([str(estate.path / "tokens.jsonl"), str(estate.path / "receipts.jsonl")], settings)
    found = told(tmp_path / "case")
    assert {found[one] for one in estate.genuine} == {("minted", "basis-id", "")}
    assert {what: found[one] for one, what in estate.forged.items()} == {
        "a token of the stolen key": ("forged", "id-not-issued", "custody-unknown"),
        "one for another person": ("forged", "id-not-issued", "custody-unknown"),
        "one with a genuine token's id, and other claims": ("contradicted", "issued-at-differs", "custody-unknown"),
    }


def test_without_a_ledger_nobody_is_accused(estate: Estate, tmp_path: Path) -> None:
    """Receipts alone clear nothing and convict nobody, and a hunt says how many tokens it could not judge."""
    report = app.hunt([str(estate.path / "receipts.jsonl")], HuntSettings(tmp_path / "case", threads=1))
    found = {row.verdict: row.tokens for row in report.verdicts if row.tokens}
    assert found == {"uncovered": len(estate.genuine) + len(estate.forged)}
