"""What every key store keeps to, whatever is behind it. The same tests run over all back-ends."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from counterfoil.custody.algorithm import Algorithm
from counterfoil.custody.keys import KeyState, KeyVersion, OwnLog
from counterfoil.custody.store import MAX_SIGNING_INPUT, KeyStore
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError

from .backends import Backend
from .tpm_certificate import certified_name, name_of

INPUT = b"eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiIxIn0"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def store(backend: Backend, tmp_path: Path) -> Iterator[KeyStore]:
    """Yield an empty key store over each back-end."""
    opened = KeyStore.open(backend.settings(tmp_path / "custody"), lambda: NOW)
    yield opened
    opened.close()


def verify(version: KeyVersion, signature: bytes, signing_input: bytes) -> None:
    """Verify a signature in JWS form with the algorithm of its key, by means other than ours."""
    key = load_der_public_key(version.public)
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        scheme = pss if version.algorithm is Algorithm.PS256 else padding.PKCS1v15()
        key.verify(signature, signing_input, scheme, hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        assert len(signature) == 64
        pair = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        key.verify(encode_dss_signature(*pair), signing_input, ec.ECDSA(hashes.SHA256()))
    else:
        assert isinstance(key, ed25519.Ed25519PublicKey)
        key.verify(signature, signing_input)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_signs_what_its_public_key_verifies(store: KeyStore, algorithm: Algorithm) -> None:
    """Each algorithm that the back-end states works, with short and long inputs; the others are refused as such."""
    if algorithm not in store.capabilities.algorithms:
        with pytest.raises(KeyStoreError, match=f"makes no {algorithm} keys"):
            store.create("idp", algorithm)
        return
    version = store.create("idp", algorithm)
    assert (version.state, version.version, version.attached, version.created) == (KeyState.CURRENT, 1, False, NOW)
    for signing_input in (b"x", INPUT, INPUT * 100):
        verify(version, store.sign("idp", signing_input).signature, signing_input)
    with pytest.raises(InvalidSignature):
        verify(version, store.sign("idp", INPUT).signature, INPUT + b"x")
    assert version.jwk()["alg"] == algorithm
    assert "d" not in version.jwk()


def test_an_existing_key_is_attached(store: KeyStore, backend: Backend, tmp_path: Path) -> None:
    """A key made by other means signs under a name, once; the store says that it existed before."""
    reference = backend.existing(tmp_path)
    version = store.attach("old", reference)
    assert (version.attached, version.algorithm) == (True, Algorithm.ES256)
    verify(version, store.sign("old", INPUT).signature, INPUT)
    with pytest.raises(UsageError, match="in custody already"):
        store.attach("twice", reference)
    with pytest.raises(KeyUnusableError, match="not of RS256"):
        store.attach("wrong", backend.existing(tmp_path), Algorithm.RS256)


def test_what_is_not_there_cannot_be_attached(store: KeyStore, backend: Backend) -> None:
    """An unknown reference is our own error, and nothing is added."""
    reference = {"tpm": "0x81fffff0", "aws-kms": "00000000-0000-0000-0000-000000000000"}.get(backend.name, "nothing")
    with pytest.raises((KeyStoreError, UsageError)):
        store.attach("absent", reference)
    assert store.keys() == ()


def test_rotation_changes_who_signs(store: KeyStore) -> None:
    """The new version signs, under the same algorithm; the old one stays to be verified against."""
    old = store.create("idp", Algorithm.ES256)
    new = store.rotate("idp")
    assert (new.version, new.algorithm, new.kid != old.kid) == (2, Algorithm.ES256, True)
    verify(new, store.sign("idp", INPUT).signature, INPUT)
    held = store.keys()
    assert [(found.version, found.state) for found in held] == [(1, KeyState.PREVIOUS), (2, KeyState.CURRENT)]


def test_the_next_key_is_published_before_it_signs(store: KeyStore) -> None:
    """A prepared version is listed and does not sign; the rotation lets that very one sign."""
    old = store.create("idp", Algorithm.ES256)
    prepared = store.prepare("idp")
    assert prepared.state is KeyState.NEXT
    verify(old, store.sign("idp", INPUT).signature, INPUT)
    with pytest.raises(UsageError, match="has a next version already"):
        store.prepare("idp")
    assert store.rotate("idp").kid == prepared.kid
    verify(prepared, store.sign("idp", INPUT).signature, INPUT)
    assert [found.state for found in store.keys()] == [KeyState.PREVIOUS, KeyState.CURRENT]  # noqa: SIM118
    store.prepare("idp")
    assert len(store.disable("idp")) == 3


def test_a_disabled_key_signs_no_more(store: KeyStore) -> None:
    """All versions are refused by the store, and by the back-end where it states that; repeating is harmless."""
    store.create("idp", Algorithm.ES256)
    store.rotate("idp")
    version = store.current("idp")
    assert len(store.disable("idp")) == 2
    assert store.disable("idp") == ()
    with pytest.raises(KeyUnusableError, match="disabled"):
        store.sign("idp", INPUT)
    if store.capabilities.enforces_disable:
        with pytest.raises(KeyStoreError):
            store.sign_with(version, INPUT)
    held = store.keys()
    assert {found.state for found in held} == {KeyState.DISABLED}
    store.rotate("idp")
    verify(store.current("idp"), store.sign("idp", INPUT).signature, INPUT)


def test_a_key_that_was_disabled_before_can_be_blocked(store: KeyStore) -> None:
    """Retired, then blocked, and once more after a crash: each has the back-end disable what it disabled already."""
    first = store.create("idp", Algorithm.ES256)
    store.rotate("idp")
    store.retire("idp", first.kid)
    blocked = store.block("idp", first.kid, "found in a dump")
    assert blocked.state is KeyState.BLOCKED
    store._driver.disable(blocked.reference)
    if store.capabilities.enforces_disable:
        with pytest.raises((KeyStoreError, KeyUnusableError)):
            store.sign_with(first, INPUT)
    verify(store.current("idp"), store.sign("idp", INPUT).signature, INPUT)


def test_only_what_is_disabled_is_destroyed(store: KeyStore) -> None:
    """A key in use is kept; a destroyed one is gone for the back-end too, and its name stays taken."""
    store.create("idp", Algorithm.ES256)
    with pytest.raises(KeyUnusableError, match="in use"):
        store.destroy("idp")
    (version,) = store.disable("idp")
    store.destroy("idp")
    held = store.keys()
    assert [found.state for found in held] == [KeyState.DESTROYED]
    with pytest.raises(KeyStoreError):
        store.sign_with(version, INPUT)
    with pytest.raises(UsageError, match="already"):
        store.create("idp", Algorithm.ES256)


def test_keys_outlive_the_process(store: KeyStore, backend: Backend, tmp_path: Path) -> None:
    """What was created is there, with its states, when the store is opened again."""
    version = store.create("idp", Algorithm.ES256)
    store.close()
    again = KeyStore.open(backend.settings(tmp_path / "custody"), lambda: NOW)
    assert again.keys() == (version,)
    verify(version, again.sign("idp", INPUT).signature, INPUT)
    again.close()


def test_names_and_inputs_have_limits(store: KeyStore) -> None:
    """Names are short and plain, unknown ones are told apart, inputs are bounded."""
    for name in ("", "../x", "a" * 65, "a b", "-a"):
        with pytest.raises(UsageError, match="no name for a key"):
            store.create(name, Algorithm.ES256)
    with pytest.raises(KeyUnusableError, match="no key 'missing'"):
        store.sign("missing", INPUT)
    store.create("idp", Algorithm.ES256)
    for signing_input in (b"", bytes(MAX_SIGNING_INPUT + 1)):
        with pytest.raises(UsageError, match="expected a signing input"):
            store.sign("idp", signing_input)


def test_many_threads_sign_at_once(store: KeyStore) -> None:
    """Signatures of many threads are all right: no back-end mixes them up."""
    version = store.create("idp", Algorithm.ES256)
    made: dict[bytes, bytes] = {}

    def work(number: int) -> None:
        for place in range(6):
            signing_input = b"%d.%d" % (number, place)
            made[signing_input] = store.sign("idp", signing_input).signature

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 48
    for signing_input, signature in made.items():
        verify(version, signature, signing_input)


def test_statements_about_a_key_are_what_the_back_end_can_keep(store: KeyStore) -> None:
    """A key of the back-end's own making is not exportable where it states so, and its statement says that."""
    version = store.create("idp", Algorithm.ES256)
    assert version.exportable is not store.capabilities.non_exportable
    told = store.attest("idp")
    assert told.statement["attested"] is store.capabilities.attests
    known: dict[str, Mapping[str, object]] = {
        "file": {"exportable": True},
        "pkcs11": {"never_extractable": True, "private_part_refused": True, "made_in_token": True},
        "openbao": {"exportable": False, "allow_plaintext_backup": False, "imported_key": False},
        "aws-kms": {"Origin": "AWS_KMS", "KeyUsage": "SIGN_VERIFY"},
        "tpm": {"fixed_tpm": True, "fixed_parent": True, "made_in_tpm": True},
    }
    assert known[store.capabilities.backend].items() <= told.statement.items()
    if store.capabilities.attests:
        _check_certificate(told.statement, told.signed)


def _check_certificate(statement: Mapping[str, object], signed: Mapping[str, str]) -> None:
    """Check a TPM's certificate: its signature, and that the certified name is that of the stated public area."""
    parts = {word: base64.b64decode(text) for word, text in signed.items()}
    name = certified_name(parts["attested"], parts["signature"], parts["key"])
    assert name == name_of(base64.b64decode(str(statement["public_area"])))
    assert name.hex() == statement["name"]


def test_every_back_end_says_what_its_own_log_proves(store: KeyStore) -> None:
    """Only a device that keeps a digest answers when asked for it."""
    store.create("idp", Algorithm.ES256)
    store.sign("idp", INPUT)
    found = store.audit_digest(hashlib.sha256(b"nonce").digest())
    assert (found is not None) is (store.capabilities.own_log is OwnLog.ATTESTED)
