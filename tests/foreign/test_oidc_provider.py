"""An issuer on npm oidc-provider, its keys in our custody: what a thief of its key makes is forged, all else minted."""

from __future__ import annotations

import json
import shutil
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil import app
from counterfoil.config import HuntSettings, add_subject_key, read_subject_keys
from counterfoil.custody import founding
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.client import SignerClient
from counterfoil.custody.custody import Custody
from counterfoil.errors import VerifyError
from counterfoil.jose import base64url
from counterfoil.mint.ledger import FileLedger
from counterfoil.mint.observed import counterfoil_of
from counterfoil.mint.signing import current_version
from counterfoil.model.counterfoil import CUSTODY_SCHEMA, ISSUANCE_SCHEMA, ISSUER_LOG, LEDGER_SCHEMA
from counterfoil.model.coverage import Declaration
from counterfoil.model.hunt import HuntReport
from counterfoil.relying.fetching import FetchedPolicy, FetchingVerifier
from counterfoil.relying.guard import Guard
from counterfoil.relying.receipts import Receipts
from counterfoil.relying.sinks import FileSink
from counterfoil.tlog import exported
from counterfoil.tlog.stored import InFolder
from mint.making import token_policy

from .running import CODE, ME, PACKAGES, Address, Person, digest, node, process, robot, told

ISSUER, AUDIENCE = "https://op.example", "api://mail"
LEDGER, CUSTODY, OWN_LOG = "op.example/ledger", "op.example/custody", "op.example/tokens"
PEOPLE, ROBOTS = ("alice", "bob", "carol"), 12
PROGRAM = (sys.executable, "-m", "counterfoil.cli.main")
POLICY = token_policy("op.json", ISSUER, AUDIENCE)
CLIENTS = [
    {
        "client_id": "robot", "client_secret": "a word", "grant_types": ["client_credentials"], "redirect_uris": [],
        "response_types": [], "id_token_signed_response_alg": "RS256",
    },
    {
        "client_id": "desk", "token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost/back"],
        "grant_types": ["authorization_code", "refresh_token"], "application_type": "native",
        "id_token_signed_response_alg": "RS256",
    },
]


@dataclass(frozen=True)
class Estate:
    """What an issuer, its custody and a service have written, and what a witness keeps."""

    path: Path
    keys: tuple[str, ...]
    forged: dict[str, str]  # digest -> what it is
    genuine: frozenset[str]  # digests

    def hunt(self, case: Path, *names: str, **more: Any) -> HuntReport:
        """Hunt with these files."""
        kept = (self.path / "kept", self.path / "kept-custody")
        told = HuntSettings(case, threads=1, log_keys=self.keys, checkpoints=kept, **more)
        return app.hunt([str(self.path / name) for name in names], told)


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return an estate whose signing key existed before custody, so that a thief has a copy."""
    program = node()
    path = tmp_path_factory.mktemp("op")
    stolen = rsa.generate_private_key(65537, 2048)
    (path / "old.pem").write_bytes(stolen.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    # absence tells only where a log begins before any life of the token, and ends after it was shown
    before, after = datetime.now(UTC) - timedelta(hours=30), datetime.now(UTC) + timedelta(hours=1)
    founding.found(path / "custody", "file", CUSTODY, {})
    with Custody.open(path / "custody", clock=lambda: before) as custody:
        custody.attach("idp", str(path / "old.pem"), Algorithm.RS256)
        keys = [custody.log_key.render()]
        with FileLedger.open(path / "ledger", LEDGER) as ledger:
            keys.append(ledger.key.render())
            _another(custody, ledger, before)
    _line(path, datetime.now(UTC) - timedelta(hours=2))
    add_subject_key(path / "subjects.toml", datetime(2020, 1, 1, tzinfo=UTC), "s1")
    (path / "settings.json").write_text(json.dumps(_settings(path)))
    for file in CODE.glob("*.mjs"):
        shutil.copy(file, path)
    (path / "node_modules").symlink_to(PACKAGES / "node_modules")
    with (
        process(*PROGRAM, "keys", "serve", path / "custody", "--allow", ME, ready="listening"),
        process(program, path / "issuer.mjs", path / "settings.json", ready='"ready"') as line,
    ):
        told = json.loads(line)
        genuine = _genuine(told["ready"])
        forged = _forged(genuine, stolen, path / "custody" / "signer.sock", told["kid"])
        _accept(path, told["ready"], [*genuine, *forged])
    with Custody.open(path / "custody", clock=lambda: after) as custody, FileLedger.open(path / "ledger") as ledger:
        _another(custody, ledger, after)
        _line(path, after)
        (path / "kept").write_text(ledger.checkpoint().checkpoint.render())
        (path / "kept-custody").write_text(custody.checkpoint().checkpoint.render())
    for name, folder, schema in (
        ("ledger.jsonl", path / "ledger", LEDGER_SCHEMA), ("custody.jsonl", path / "custody" / "log", CUSTODY_SCHEMA),
    ):
        with (path / name).open("wb") as out:
            exported.write(InFolder(folder), schema, out.write, after)
    named = {digest(token): what for token, what in forged.items()}
    return Estate(path, tuple(keys), named, frozenset(map(digest, genuine)))


def _settings(path: Path) -> dict[str, object]:
    return {
        "issuer": ISSUER, "key": "idp", "signer": str(path / "custody" / "signer.sock"), "audience": AUDIENCE,
        "ledger": [*PROGRAM, "ledger", "record", str(path / "ledger"), "--subject-keys", str(path / "subjects.toml")],
        "clients": CLIENTS, "cookies": "a word", "tokens": str(path / "tokens.jsonl"), "log": OWN_LOG,
    }


def _another(custody: Custody, ledger: FileLedger, moment: datetime) -> None:
    """Make a token of another day: the logs reach from before all that the thief claims until after it."""
    kid = current_version(custody, "idp", "the test").kid
    issued = int(moment.timestamp())
    claims = {"iss": ISSUER, "jti": f"of-{issued}", "iat": issued, "exp": issued + 3_600}
    parts = ({"alg": "RS256", "kid": kid}, claims)
    signing_input = ".".join(base64url.encode(json.dumps(part).encode()) for part in parts)
    ledger.record(counterfoil_of(signing_input, time=moment))
    custody.sign("idp", signing_input.encode())


def _line(path: Path, moment: datetime) -> None:
    """Add a token of another time to the issuer's own log. A day without any would be a hole in it."""
    line = {"schema": ISSUANCE_SCHEMA, "log": OWN_LOG, "time": moment.timestamp(), "iss": ISSUER, "jti": "another"}
    with (path / "tokens.jsonl").open("a") as own:
        own.write(f"{json.dumps(line)}\n")


def _genuine(base: str) -> list[str]:
    """Return access tokens that a third party's client obtained: of machines, of people, and refreshed ones."""
    at = Address(base, f"{base}/auth", f"{base}/token")
    tokens = [robot(at, "robot", "a word", scope="read") for _ in range(ROBOTS)]
    for name in PEOPLE:
        person = Person.signs_in(at, "desk", name, "openid read offline_access", prompt="consent")
        tokens += [person.token["access_token"], person.refresh(), person.refresh()]
    return tokens


def _forged(genuine: list[str], stolen: rsa.RSAPrivateKey, signer: Path, kid: str) -> dict[str, str]:
    """Return forged tokens with what each is. All that they say is what a genuine one says, but for id and times."""
    model = jwt.decode(genuine[0], options={"verify_signature": False})
    header = jwt.get_unverified_header(genuine[0])
    moment = int(time.time()) - 600

    def made(**claims: object) -> str:
        return jwt.encode(model | {"iat": moment, "exp": moment + 3_600} | claims, stolen, "RS256", headers=header)

    through = made(jti="x" * 43, sub="mallory").rpartition(".")[0]
    with SignerClient(signer) as custody:
        signature = custody.sign("idp", through.encode(), kid=kid, purpose="oidc-provider").signature
    return {
        made(jti="y" * 43): "a token of the stolen key",
        made(jti="z" * 43, sub="alice", client_id="desk"): "one for another person",
        made(sub="mallory"): "one with a genuine token's id, and other claims",
        f"{through}.{base64url.encode(signature)}": "one that an insider had custody sign",
    }


def _accept(path: Path, base: str, tokens: list[str]) -> None:
    """Show the tokens to a service, whose middleware fetches the issuer's keys; it lets all of them in."""
    policy = FetchedPolicy(POLICY, {"op.json": f"{base}/jwks"})
    with closing(FileSink(path / "receipts.jsonl")) as sink:
        receipts = Receipts("mail-api", read_subject_keys(path / "subjects.toml"))
        guard = Guard(FetchingVerifier(policy, "mail"), receipts, sink)
        for token in tokens:
            guard.check(token)
        with pytest.raises(VerifyError):
            guard.check(f"{tokens[0].rpartition('.')[0]}.{'A' * 342}")


def test_every_token_is_what_it_is(estate: Estate, tmp_path: Path) -> None:
    """Custody's log, ledger, receipts: all genuine ones are minted, by digest; of each forged one the cause is told."""
    estate.hunt(tmp_path / "case", "ledger.jsonl", "custody.jsonl", "receipts.jsonl")
    found = told(tmp_path / "case")
    assert found.keys() == estate.genuine | estate.forged.keys()
    assert {found[one] for one in estate.genuine} == {("minted", "basis-digest", "")}
    assert {what: found[one] for one, what in estate.forged.items()} == {
        "a token of the stolen key": ("forged", "id-not-issued", "key-out"),
        "one for another person": ("forged", "id-not-issued", "key-out"),
        "one with a genuine token's id, and other claims": ("contradicted", "digest-differs", "key-out"),
        "one that an insider had custody sign": ("forged", "id-not-issued", "through-custody"),
    }


def test_its_own_log_and_custody_tell_the_same(estate: Estate, tmp_path: Path) -> None:
    """No ledger: the issuer's own lines, declared complete. What they lack was not issued; custody tells by whom."""
    complete = (Declaration(ISSUER_LOG, OWN_LOG),)
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=2)
    names = ("tokens.jsonl", "custody.jsonl", "receipts.jsonl")
    estate.hunt(tmp_path / "case", *names, complete=complete, exported_at=later)
    found = told(tmp_path / "case")
    assert found.keys() == estate.genuine | estate.forged.keys()
    assert {found[one] for one in estate.genuine} == {("minted", "basis-digest", "")}
    assert {what: found[one] for one, what in estate.forged.items()} == {
        "a token of the stolen key": ("forged", "id-not-issued", "key-out"),
        "one for another person": ("forged", "id-not-issued", "key-out"),
        "one with a genuine token's id, and other claims": ("contradicted", "digest-differs", "key-out"),
        "one that an insider had custody sign": ("forged", "id-not-issued", "through-custody"),
    }


def test_custody_alone_tells_what_was_never_signed(estate: Estate, tmp_path: Path) -> None:
    """With no word of the issuer nobody genuine is accused, and whatever custody signed stays open."""
    estate.hunt(tmp_path / "case", "custody.jsonl", "receipts.jsonl")
    found = told(tmp_path / "case")
    assert {found[one] for one in estate.genuine} == {("uncovered", "no-issuer-log", "")}
    forged = {what: found[one] for one, what in estate.forged.items()}
    assert forged.pop("one that an insider had custody sign") == ("uncovered", "no-issuer-log", "")
    assert set(forged.values()) == {("forged", "never-signed", "key-out")}


def test_every_signature_has_its_counterfoil(estate: Estate) -> None:
    """What custody signed for the issuer is in the ledger, ID tokens too; only the insider's is not."""
    signed = [json.loads(line)["entry"] for line in (estate.path / "custody.jsonl").read_text().splitlines()[:-1]]
    kept = [json.loads(line)["entry"] for line in (estate.path / "ledger.jsonl").read_text().splitlines()[:-1]]
    uses = {entry["digest"] for entry in signed if entry["op"] == "sign" and entry["result"] == "begun"}
    (insider,) = (one for one, what in estate.forged.items() if "insider" in what)
    assert uses - {entry["digest"] for entry in kept} == {insider}
    assert any(not entry["jti"] for entry in kept)
    assert all(entry["subject"].startswith("ps1:s1:") for entry in kept[1:-1])
