"""`counterfoil keys` as an operator uses it: text, JSON, exit codes, a signer, a witness, an audit that finds."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .run import run, start

ORIGIN = "custody.example.com/idp"
INPUT = b"header.payload"


@pytest.fixture
def store(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    """Return a custody folder with one key, ES256."""
    path = tmp_path / "custody"
    assert run(capsys, "keys", "init", path, "--origin", ORIGIN, "--set", "scrypt_log2_n=14").code == 0
    assert run(capsys, "keys", "create", path, "idp", "--purpose", "set-up").code == 0
    (tmp_path / "input").write_bytes(INPUT)
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    """Run a command for its JSON document."""
    ran = run(capsys, "keys", *arguments, "--format", "json")
    document: dict[str, object] = json.loads(ran.out)
    return document


def test_a_key_is_made_used_rotated_and_ended(
    capsys: pytest.CaptureFixture[str], store: Path, tmp_path: Path
) -> None:
    """The whole life of a key from the command line; the signature verifies with the published JWK."""
    signature = run(capsys, "keys", "sign", store, "idp", tmp_path / "input", "--purpose", "access token").out.strip()
    (jwk,) = json.loads(run(capsys, "keys", "list", store, "--jwks").out)["keys"]
    _verify(jwk, signature)
    document = told(capsys, "list", store)
    assert document["schema"] == "counterfoil.keys/1"
    assert "next" in run(capsys, "keys", "rotate", store, "idp", "--prepare").out
    assert run(capsys, "keys", "rotate", store, "idp").code == 0
    assert len(json.loads(run(capsys, "keys", "list", store, "--jwks").out)["keys"]) == 2
    assert "disabled" in run(capsys, "keys", "disable", store, "idp").out
    refused = run(capsys, "keys", "sign", store, "idp", tmp_path / "input")
    assert (refused.code, refused.out) == (2, "")
    assert "key idp is disabled" in refused.err
    assert json.loads(run(capsys, "keys", "list", store, "--jwks").out) == {"keys": []}
    unsure = run(capsys, "keys", "destroy", store, "idp")
    assert (unsure.code, "--yes" in unsure.err) == (2, True)
    assert "destroyed" in run(capsys, "keys", "destroy", store, "idp", "--yes").out


def test_an_existing_key_is_attached(capsys: pytest.CaptureFixture[str], store: Path, tmp_path: Path) -> None:
    """From a PEM file; the list says that it was attached."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = tmp_path / "old.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert "attached" in run(capsys, "keys", "attach", store, "old", pem).out
    again = run(capsys, "keys", "attach", store, "older", pem)
    assert (again.code, "in custody already" in again.err) == (2, True)


def test_an_audit_tells_who_did_what(capsys: pytest.CaptureFixture[str], store: Path, tmp_path: Path) -> None:
    """Sums, single operations, and the records of one signing input with proof of inclusion."""
    run(capsys, "keys", "sign", store, "idp", tmp_path / "input", "--purpose", "access token")
    ran = run(capsys, "keys", "audit", store)
    assert ran.code == 0
    assert f"log {ORIGIN}: 8 records, verified" in ran.out
    assert "not attested" in ran.out
    me = pwd.getpwuid(os.getuid()).pw_name
    assert any(f"user:{me}" in line and "access token" in line and "sign" in line for line in ran.out.splitlines())
    assert "sign" in run(capsys, "keys", "audit", store, "--records").out
    digest = hashlib.sha256(INPUT).hexdigest()
    assert "inclusion proven" in run(capsys, "keys", "audit", store, "--digest", digest).out
    document = told(capsys, "audit", store, "--digest", digest)
    assert [(found["digest"], found["operation"], found["result"]) for found in _records(document)] == [
        (digest, "sign", "done")
    ]
    missing = run(capsys, "keys", "audit", store, "--digest", "00" * 32)
    assert (missing.code, "no record of this signing input" in missing.err) == (1, True)


def test_an_audit_finds_a_changed_byte_and_a_rollback(
    capsys: pytest.CaptureFixture[str], store: Path, tmp_path: Path
) -> None:
    """With exit code 1; with the witness the log is attested, the older copy is not."""
    (tmp_path / "theirs").mkdir()
    with (store / "custody.toml").open("a") as file:
        file.write(f'[[witness]]\ndrop = "{tmp_path}/theirs"\n')
    shutil.copytree(store / "log", tmp_path / "old")
    attested = told(capsys, "attest", store, "idp")
    assert attested["unreachable"] == []
    assert str(attested["checkpoint"]).startswith(ORIGIN)
    ran = run(capsys, "keys", "audit", store, "--key", store / "log/log.vkey")
    assert (ran.code, "attested: it extends" in ran.out) == (0, True)
    rolled = run(capsys, "keys", "audit", tmp_path / "old", "--witness", tmp_path / "theirs")
    assert (rolled.code, "PROBLEMS" in rolled.out) == (1, True)
    raw = bytearray((store / "log/wal").read_bytes())
    raw[len(raw) // 2] ^= 1
    (store / "log/wal").write_bytes(raw)
    changed = run(capsys, "keys", "audit", store)
    assert (changed.code, changed.out.startswith("NOT VERIFIED")) == (1, True)
    assert told(capsys, "audit", store)["verified"] is False


@pytest.fixture
def served(store: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a running signer of the store."""
    process = start("keys", "serve", store, "--allow", pwd.getpwuid(os.getuid()).pw_name)
    assert process.stderr is not None
    for line in process.stderr:
        if b"listening" in line:
            break
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def test_a_running_signer_is_asked(
    capsys: pytest.CaptureFixture[str], store: Path, served: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """The same command goes to the signer while one runs; who may only sign may not make keys; it ends with 0."""
    by_folder = run(capsys, "keys", "sign", store, "idp", tmp_path / "input")
    by_socket = run(capsys, "keys", "sign", store / "signer.sock", "idp", tmp_path / "input")
    assert (by_folder.code, by_socket.code) == (0, 0)
    refused = run(capsys, "keys", "create", store, "other")
    assert (refused.code, "may not create here" in refused.err) == (2, True)
    served.send_signal(signal.SIGTERM)
    _, err = served.communicate(timeout=20)
    assert (served.returncode, b"Traceback" in err) == (0, False)
    assert not (store / "signer.sock").exists()
    found = _records(told(capsys, "audit", store, "--records"))
    processes = {str(record["process"]).split()[0] for record in found if record["operation"] == "sign"}
    assert processes == {str(os.getpid())}


def test_a_witness_over_http_vouches(capsys: pytest.CaptureFixture[str], store: Path, tmp_path: Path) -> None:
    """A second counterfoil keeps the checkpoints."""
    command = ("keys", "witness", tmp_path / "theirs", "--log", store / "log/log.vkey", "--name", "w.example/1")
    process = start(*command, "--listen", "127.0.0.1:0")
    assert process.stderr is not None
    key, address = (process.stderr.readline().decode().split()[-1] for _ in range(2))
    try:
        with (store / "custody.toml").open("a") as file:
            file.write(f'[[witness]]\nurl = "{address}"\nkey = "{key}"\n')
        assert "w.example/1" in str(told(capsys, "attest", store)["checkpoint"])
        assert told(capsys, "audit", store)["attested"] is True
        assert told(capsys, "audit", store, "--witness", f"{address}={key}")["attested"] is True
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    away = run(capsys, "keys", "audit", store)
    assert (away.code, "cannot tell" in away.out) == (1, True)


BAD = {
    "no custody there": (("list", "nowhere"), "no custody in"),
    "an unknown algorithm": (("create", "STORE", "x", "--algorithm", "HS256"), "--algorithm: unknown"),
    "an algorithm as it was typed": (("create", "STORE", "x", "--algorithm", "Hs256"), "'Hs256'"),
    "an origin that names no log": (("init", "new", "--origin", "the log"), "origin: expected a name without spaces"),
    "no module for PKCS#11": (("init", "new", "--origin", "o", "--backend", "pkcs11"), "[pkcs11] module: missing"),
    "a digest that is none": (("audit", "STORE", "--digest", "c0ffee"), "64 hex digits"),
    "an unknown back-end": (("init", "new", "--origin", "o", "--backend", "paper"), "unknown"),
    "custody there already": (("init", "STORE", "--origin", "o"), "already"),
    "a setting without a value": (("init", "new", "--origin", "o", "--set", "x"), "KEY=VALUE"),
    "a setting that is unknown": (("init", "new", "--origin", "o", "--set", "x=1"), "unknown field"),
    "a log key that is none": (("audit", "STORE", "--key", "x"), "no note key"),
    "no log there": (("audit", "nowhere"), "no log"),
    "a witness with nobody's key": (("audit", "STORE", "--witness", "http://127.0.0.1:9=x"), "no note key"),
    "a place to listen that is none": (
        ("witness", "w", "--log", "STORE/log/log.vkey", "--name", "w", "--listen", "x"), "HOST:PORT",
    ),
    "nobody to serve": (("serve", "STORE"), "nobody may sign"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_usage_is_one_line_with_code_2(
    capsys: pytest.CaptureFixture[str], store: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on stdout, one clear line on stderr."""
    monkeypatch.chdir(tmp_path)
    arguments, said = BAD[name]
    ran = run(capsys, "keys", *(argument.replace("STORE", str(store)) for argument in arguments))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "internal error" not in ran.err


def test_a_refusal_is_listed_with_its_reason(capsys: pytest.CaptureFixture[str], store: Path, tmp_path: Path) -> None:
    """What was done needs none; to disable twice changes nothing, and says so."""
    run(capsys, "keys", "disable", store, "idp", "--purpose", "replaced")
    again = run(capsys, "keys", "disable", store, "idp")
    assert (again.code, "nothing to disable" in again.err) == (0, True)
    run(capsys, "keys", "sign", store, "idp", tmp_path / "input")
    lines = run(capsys, "keys", "audit", store, "--records").out.splitlines()
    [refused] = [line for line in lines if "refused" in line]
    assert "sign" in refused and refused.rstrip().endswith("key idp is disabled")
    assert all(line.split()[-1] in ("done", "replaced") for line in lines if " disable " in line)


SECRETS = [
    ("the file store", ("passphrase=hunter2",), "[file] passphrase"),
    ("PKCS#11", ("module=m", "token=t", "pin=hunter2", "--backend", "pkcs11"), "[pkcs11] pin"),
    ("OpenBao", ("address=a", "token=hunter2", "--backend", "openbao"), "[openbao] token"),
]


@pytest.mark.parametrize(("values", "field"), [row[1:] for row in SECRETS], ids=[row[0] for row in SECRETS])
def test_a_secret_is_no_setting(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, values: tuple[str, ...], field: str
) -> None:
    """It is refused where its source belongs, is not repeated, and is in no file."""
    typed = [part for value in values for part in (("--set", value) if "=" in value else (value,))]
    ran = run(capsys, "keys", "init", tmp_path / "new", "--origin", "o", *typed)
    assert (ran.code, field in ran.err, "file:PATH" in ran.err) == (2, True, True)
    assert "hunter2" not in ran.err
    assert not (tmp_path / "new").exists()


def test_a_back_end_that_cannot_be_used_says_so_at_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its library nothing is made; without its device the settings are kept, and a line says what failed."""
    absent = ("--backend", "tpm", "--set", "tcti=device:/dev/no-such-tpm")
    ran = run(capsys, "keys", "init", tmp_path / "device", "--origin", "o", *absent)
    assert (ran.code, "cannot be used yet: TPM: connect" in ran.err) == (0, True)
    assert (tmp_path / "device/custody.toml").exists()
    monkeypatch.delitem(sys.modules, "counterfoil.custody.drivers.tpm", raising=False)
    monkeypatch.setitem(sys.modules, "tpm2_pytss", None)
    ran = run(capsys, "keys", "init", tmp_path / "library", "--origin", "o", *absent)
    assert (ran.code, "pip install 'counterfoil[tpm]'" in ran.err) == (2, True)
    assert not (tmp_path / "library").exists()


def test_an_audit_holds_the_inventory_to_the_log(capsys: pytest.CaptureFixture[str], store: Path) -> None:
    """A key that somebody revived in the file is a finding; a copy of the log alone says nothing about keys."""
    run(capsys, "keys", "disable", store, "idp")
    file = store / "inventory.json"
    assert told(capsys, "audit", store)["problems"] == []
    file.write_text(file.read_text().replace("disabled", "current"))
    ran = run(capsys, "keys", "audit", store)
    assert (ran.code, "inventory of keys is not the one" in ran.out) == (1, True)
    assert told(capsys, "audit", store / "log")["problems"] == []
    file.unlink()
    assert told(capsys, "audit", store)["problems"] != []


def _records(document: dict[str, object]) -> list[dict[str, object]]:
    found = document["records"]
    assert isinstance(found, list)
    return found


def _verify(jwk: dict[str, str], signature: str) -> None:
    raw = base64.urlsafe_b64decode(signature + "==")
    x, y = (int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "=="), "big") for name in ("x", "y"))
    pair = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(*pair), INPUT, ec.ECDSA(hashes.SHA256()))
