"""Keys with their log: every use is recorded before anything is released, and what was recorded can be verified."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.custody import auditor, custody
from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.audit import Caller, Operation, Record, Result, decode
from counterfoil.custody.auditor import audited, entries
from counterfoil.custody.custody import Custody
from counterfoil.errors import (
    CounterfoilError,
    InputError,
    KeyStoreError,
    KeyUnusableError,
    LogError,
    LogTamperedError,
    UsageError,
)
from counterfoil.tlog import replay
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.witness import DropWitness

from .backends import PASSPHRASE, Backend
from .test_contract import INPUT, verify

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DIGEST = hashlib.sha256(INPUT).hexdigest()


def opened(backend: Backend, path: Path, more: str = "") -> Custody:
    """Open a custody over a back-end; its settings are written if there are none yet."""
    if not (path / "custody.toml").exists():
        backend.settings(path, more)
    return Custody.open(path, clock=lambda: NOW)


@pytest.fixture
def files(started: dict[str, Backend]) -> Backend:
    """Return the encrypted file store."""
    return started["file"]


def records(path: Path) -> list[Record]:
    """Return all records of a log."""
    found: list[Record] = []
    replay.replay(Folder(path / "log"), lambda index, raw: found.append(decode(raw, index)))
    return found


def test_every_operation_is_recorded_with_who_what_and_how_it_ended(backend: Backend, tmp_path: Path) -> None:
    """Over each back-end: an operation has a beginning and an end, and the signing input's digest."""
    path = tmp_path / "custody"
    with opened(backend, path) as held:
        version = held.create("idp", Algorithm.ES256, purpose="set-up")
        verify(version, held.sign("idp", INPUT, purpose="access token").signature, INPUT)
        held.keys()
        held.rotate("idp")
        held.attest("idp")
        held.disable("idp")
        for refused in (lambda: held.sign("idp", INPUT), lambda: held.export("idp"), lambda: held.sign("none", INPUT)):
            with pytest.raises(KeyUnusableError):
                refused()
        held.destroy("idp")
    told = [(begin.record, end) for begin, end in entries(path / "log")]
    assert [(begin.op, end.result if end else None) for begin, end in told] == [
        (Operation.OPEN, Result.DONE), (Operation.CREATE, Result.DONE), (Operation.SIGN, Result.DONE),
        (Operation.LIST, Result.DONE), (Operation.ROTATE, Result.DONE), (Operation.ATTEST, Result.DONE),
        (Operation.DISABLE, Result.DONE), (Operation.SIGN, Result.REFUSED), (Operation.EXPORT, Result.REFUSED),
        (Operation.SIGN, Result.REFUSED), (Operation.DESTROY, Result.DONE),
    ]
    begin = told[2][0]
    own = Caller.own()
    assert (begin.time, begin.principal, begin.process, begin.host) == (NOW, own.principal, own.process, own.host)
    assert (begin.purpose, begin.key, begin.kid, begin.digest) == ("access token", "idp", version.kid, DIGEST)
    found = audited(path / "log")
    assert (found.problems, found.unfinished, found.attested) == ((), (), False)
    assert sum(use.count for use in found.uses) == len(told)


def test_the_record_is_durable_before_the_key_is_touched(files: Backend, tmp_path: Path) -> None:
    """When the driver signs, the log on disk already holds the beginning; when it has signed, no end yet."""
    path = tmp_path / "custody"
    seen: list[Record] = []
    with opened(files, path) as held:
        held.create("idp", Algorithm.ES256)
        driver = held._store._driver
        inner = driver.sign

        def watching(reference: str, algorithm: Algorithm, signing_input: bytes) -> object:
            seen.extend(records(path)[-1:])
            return inner(reference, algorithm, signing_input)

        driver.sign = watching  # type: ignore[method-assign, assignment]
        held.sign("idp", INPUT)
    assert [(record.op, record.result, record.digest) for record in seen] == [(Operation.SIGN, Result.BEGUN, DIGEST)]


def test_a_log_that_cannot_be_written_stops_signing(files: Backend, tmp_path: Path) -> None:
    """A full disk: the key is not used, the caller is told, and nothing works until custody is opened again."""
    path = tmp_path / "custody"
    held = opened(files, path)
    held.create("idp", Algorithm.ES256)
    used: list[object] = []
    held._store._driver.sign = lambda *given: used.append(given)  # type: ignore[method-assign, assignment]
    with Path("/dev/full").open("wb", buffering=0) as full:
        real, held._log._wal = held._log._wal, full.fileno()
        with pytest.raises(LogError, match="No space left"):
            held.sign("idp", INPUT)
        held._log._wal = real
        with pytest.raises(LogError, match="an earlier write failed"):
            held.sign("idp", INPUT)
    assert not used
    held.close()
    with opened(files, path) as again:
        again.sign("idp", INPUT)


def test_a_back_end_that_fails_is_recorded(files: Backend, tmp_path: Path) -> None:
    """The end says that it failed, and how."""
    path = tmp_path / "custody"
    with opened(files, path) as held:
        held.create("idp", Algorithm.ES256)

        def fail(*_: object) -> object:
            raise KeyStoreError("the device is gone")

        held._store._driver.sign = fail  # type: ignore[method-assign, assignment]
        with pytest.raises(KeyStoreError):
            held.sign("idp", INPUT)
    end = records(path)[-1]
    assert (end.op, end.result, end.detail) == (Operation.SIGN, Result.FAILED, "the device is gone")


def _put_back(path: Path) -> None:
    shutil.rmtree(path / "log")
    (path / "old").rename(path / "log")


CHANGES: dict[str, Callable[[Path], object]] = {
    "another state of a key": lambda path: _edit(path, '"disabled"', '"current"'),
    "a key taken out": lambda path: (path / "inventory.json").write_text(
        json.dumps({"schema": "counterfoil.key-inventory/1", "keys": []})
    ),
    "the inventory removed": lambda path: (path / "inventory.json").unlink(),
    "the log removed": lambda path: shutil.rmtree(path / "log"),
    "an older log put back": lambda path: _put_back(path),
}


@pytest.mark.parametrize("name", CHANGES)
def test_keys_and_log_belong_together(files: Backend, tmp_path: Path, name: str) -> None:
    """Custody does not open when the inventory is not the one that was recorded last."""
    path = tmp_path / "custody"
    with opened(files, path) as held:
        held.create("idp", Algorithm.ES256)
    shutil.copytree(path / "log", path / "old")
    with opened(files, path) as held:
        held.disable("idp")
    CHANGES[name](path)
    with pytest.raises(LogTamperedError, match="not the one that was recorded last"):
        opened(files, path)


def test_a_crash_in_a_change_is_told_from_tampering(files: Backend, tmp_path: Path) -> None:
    """The process died between the change and its record: custody opens, and records what it found."""
    path = tmp_path / "custody"
    held = opened(files, path)
    held._end = lambda *_: None  # type: ignore[method-assign]
    held.create("idp", Algorithm.ES256)
    held.close()
    with opened(files, path) as again:
        kept = again.keys()
        assert [found.name for found in kept] == ["idp"]
    assert "unfinished create" in [record.detail for record in records(path) if record.op is Operation.OPEN][2]
    assert [entry.record.op for entry in audited(path / "log").unfinished] == [Operation.CREATE]


def test_an_audit_with_a_witness_is_attested(files: Backend, tmp_path: Path) -> None:
    """Without a witness a log is sound; with one it is attested; rolled back it is neither."""
    path, theirs = tmp_path / "custody", tmp_path / "theirs"
    theirs.mkdir()
    more = f'[[witness]]\ndrop = "{theirs}"'
    with opened(files, path, more) as held:
        held.create("idp", Algorithm.ES256)
        assert held.checkpoint().unreachable == ()
    shutil.copytree(path / "log", tmp_path / "old")
    with opened(files, path, more) as held:
        held.sign("idp", INPUT)
        held.checkpoint()
        key = held.log_key
    witness = DropWitness(theirs, key)
    found = audited(path / "log", key, [witness])
    assert (found.attested, found.witnesses[0].size) == (True, found.size)
    rolled = audited(tmp_path / "old", key, [witness])
    assert not rolled.attested
    assert "the log has" in rolled.problems[0]
    (theirs / "other").mkdir()
    away = audited(path / "log", key, [DropWitness(tmp_path / "unmounted", key)])
    assert not away.attested


def test_a_witness_out_of_reach_is_told(files: Backend, tmp_path: Path) -> None:
    """Signing goes on, the checkpoint says who was not reached."""
    with opened(files, tmp_path / "custody", '[[witness]]\ndrop = "unmounted"') as held:
        assert "no such folder" in held.checkpoint().unreachable[0]


def test_inclusion_is_proven(files: Backend, tmp_path: Path) -> None:
    """The record of a signature is found by the digest of what was signed, and proven to be in the signed head."""
    path = tmp_path / "custody"
    with opened(files, path) as held:
        held.create("idp", Algorithm.ES256)
        for place in range(5):
            held.sign("idp", b"input %d" % place)
        held.sign("idp", INPUT)
    ((entry, end),) = entries(path / "log", DIGEST)
    assert end is not None
    assert auditor.check_inclusion(path / "log", entry.index)
    with pytest.raises(InputError, match="no entry 99"):
        auditor.check_inclusion(path / "log", 99)


def test_purposes_are_one_short_line(files: Backend, tmp_path: Path) -> None:
    """What callers say about themselves cannot break a line or flood the log."""
    with opened(files, tmp_path / "custody") as held:
        for purpose in ("x" * 257, "a\nb"):
            with pytest.raises(UsageError, match="one line"):
                held.sign("idp", INPUT, purpose=purpose)


def test_a_wrong_passphrase_opens_nothing(files: Backend, tmp_path: Path) -> None:
    """It is told as such, without the passphrase in any message."""
    path = tmp_path / "custody"
    opened(files, path).close()
    (path / "passphrase").write_text("another one")
    with pytest.raises(KeyStoreError, match="does not open the store") as error:
        opened(files, path)
    assert "another one" not in str(error.value)


def test_no_file_of_custody_holds_a_secret_in_clear(files: Backend, tmp_path: Path) -> None:
    """Neither the key nor the passphrase stands in any file that custody writes."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = tmp_path / "custody"
    with opened(files, path) as held:
        version = held.create("idp", Algorithm.ES256)
        key = held._store._driver._key(version.reference)  # type: ignore[attr-defined]
        number = key.private_numbers().private_value.to_bytes(32, "big")
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        held.sign("idp", INPUT)
        shown = repr(held._store._driver) + repr(held) + repr(version)
    assert number.hex() not in shown
    for file in path.rglob("*"):
        if file.is_file() and file.name != "passphrase":
            raw = file.read_bytes()
            assert number not in raw
            assert plain not in raw
            assert PASSPHRASE.encode() not in raw
            assert file.stat().st_mode & 0o077 == 0 or file.name in ("custody.toml", "existing.pem")


def _edit(path: Path, old: str, new: str) -> None:
    text = (path / "inventory.json").read_text()
    assert old in text
    (path / "inventory.json").write_text(text.replace(old, new))


SETTINGS = {
    "no back-end of that name": ('backend = "paper"\norigin = "o"', "no back-end 'paper'"),
    "a table that is missing": ('backend = "file"\norigin = "o"', "table .file. is missing"),
    "a key that is unknown": ('backend = "file"\norigin = "o"\ncolour = 1', "colour"),
    "a secret in the file itself": ('backend = "file"\norigin = "o"\n[file]\npassphrase = "hunter2"', "malformed"),
    "a witness of no kind": (
        'backend = "file"\norigin = "o"\n[file]\npassphrase = "file:p"\n[[witness]]\n', "either",
    ),
    "no TOML": ("backend = ", "custody.toml"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, name: str) -> None:
    """One clear line for each, and no secret in it."""
    text, told = SETTINGS[name]
    (tmp_path / "custody.toml").write_text(text)
    with pytest.raises(UsageError, match=told) as error:
        Custody.open(tmp_path)
    assert "hunter2" not in str(error.value)


OPEN = {
    "the folder": ("", 0o777, "write"), "the settings": ("custody.toml", 0o666, "write"),
    "the inventory": ("inventory.json", 0o666, "write"), "the store": ("keys/store.json", 0o666, "write"),
    "the folder of keys": ("keys", 0o707, "write"), "the log": ("log", 0o777, "write"),
    "the log's key, to read": ("log/log.key", 0o644, "read or write"),
}


@pytest.mark.parametrize(("name", "mode", "what"), OPEN.values(), ids=OPEN)
def test_custody_that_everybody_can_change_is_not_used(
    files: Backend, tmp_path: Path, name: str, mode: int, what: str
) -> None:
    """Neither opened nor mended in silence: one line says what, and the hint how; closed, it is used as before."""
    path = tmp_path / "custody"
    with opened(files, path) as held:
        held.create("idp", Algorithm.ES256)
    before = (path / name).stat().st_mode & 0o777
    (path / name).chmod(mode)
    with pytest.raises(LogError, match=f"everybody may {what}") as caught:
        opened(files, path)
    assert caught.value.hint.startswith(f"chmod o-{'rwx' if 'read' in what else 'w'} {path / name}".rstrip("/"))
    (path / name).chmod(before)
    with opened(files, path) as held:
        assert held.sign("idp", INPUT).signature


def test_secrets_come_from_files_credentials_and_keyrings_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that others may read is refused; a systemd credential is found by its name alone."""
    from counterfoil.custody.secrets import read_secret

    file = tmp_path / "secret"
    file.write_text("word\n")
    file.chmod(0o604)
    with pytest.raises(KeyStoreError, match="everybody may read"):
        read_secret("file:secret", tmp_path)
    file.chmod(0o600)
    assert read_secret("file:secret", tmp_path).reveal() == b"word"
    assert "word" not in repr(read_secret("file:secret", tmp_path))
    with pytest.raises(KeyStoreError, match="CREDENTIALS_DIRECTORY"):
        read_secret("credential:secret", tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret("credential:secret", tmp_path).text() == "word"
    for source in ("word", "credential:../secret", "env:SECRET", "file:"):
        with pytest.raises(UsageError):
            read_secret(source, tmp_path)


def test_what_is_no_record_is_told(files: Backend, tmp_path: Path) -> None:
    """A log that holds other things than records of custody is refused, not misread."""
    path = tmp_path / "custody"
    held = opened(files, path)
    held._log.append(b'{"v": 1}')
    held.close()
    for read in (lambda: audited(path / "log"), lambda: opened(files, path)):
        with pytest.raises(CounterfoilError, match="no record of custody"):
            read()
    assert custody.LOG_FOLDER == "log"


def test_an_edwards_key_signs_under_the_name_that_says_its_curve(files: Backend, tmp_path: Path) -> None:
    """RFC 9864: a key that is attached is `Ed25519` unless the old name is asked for."""
    pem = tmp_path / "ed.pem"
    with opened(files, tmp_path / "custody") as held:
        for name, asked in (("new", None), ("old", Algorithm.EDDSA)):
            private = Ed25519PrivateKey.generate()
            pem.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            version = held.attach(name, str(pem), asked)
            assert str(version.algorithm) == ("Ed25519" if asked is None else "EdDSA")
            private.public_key().verify(held.sign(name, INPUT).signature, INPUT)
