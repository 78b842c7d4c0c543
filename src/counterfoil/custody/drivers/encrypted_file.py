"""Keys in files, encrypted: scrypt (RFC 7914) over a passphrase, AES-256-GCM over each key (PKCS #8 DER).

The embedded default. While a key is in use it is in this process's memory: harden the process, or use a device.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from counterfoil.custody import spki
from counterfoil.custody.algorithm import EDWARDS, Algorithm
from counterfoil.custody.keys import Attestation, Capabilities, NewKey, OwnLog, Signed
from counterfoil.custody.secrets import Secret, read_secret
from counterfoil.custody.settings import FileSettings, StoreSettings
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError
from counterfoil.jose import signing
from counterfoil.tlog.folder import Folder

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

# scrypt's cost: 2**17 x 8 needs 128 MiB and about half a second (OWASP's first choice); the bounds keep a changed file
# from weakening the keys or from taking all memory.
MIN_LOG2_N, MAX_LOG2_N = 14, 20
SCRYPT_R, SCRYPT_P = 8, 1
RSA_BITS = 2048
NONCE_BYTES, SALT_BYTES, MASTER_BYTES = 12, 32, 32
MAX_PEM_BYTES = 64 * 1024
_STORE = "keys/store.json"
_CHECK = b"counterfoil key store"


class _Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the master key comes from the passphrase; `check` tells a wrong passphrase from damaged keys."""

    kdf: str
    log2_n: int
    salt: bytes
    check: bytes


class EncryptedFiles:
    """Keys below `path`/keys."""

    capabilities = Capabilities(
        "file", frozenset(Algorithm), non_exportable=False, attests=False, enforces_disable=False,
        own_log=OwnLog.NOTHING,
    )

    def __init__(self, path: Path, passphrase: Secret, log2_n: int) -> None:
        """Open the files, or begin with them; KeyStoreError if the passphrase is another one."""
        self._folder = Folder(path)
        self._cipher = self._unlocked(passphrase, log2_n)
        self._lock = threading.Lock()
        self._loaded: dict[str, PrivateKey] = {}

    def generate(self, label: str, algorithm: Algorithm) -> NewKey:
        """Make a key and write it, encrypted."""
        made: dict[Algorithm, Callable[[], PrivateKey]] = {
            Algorithm.RS256: lambda: rsa.generate_private_key(65_537, RSA_BITS),
            Algorithm.PS256: lambda: rsa.generate_private_key(65_537, RSA_BITS),
            Algorithm.ES256: lambda: ec.generate_private_key(ec.SECP256R1()),
            **dict.fromkeys(EDWARDS, ed25519.Ed25519PrivateKey.generate),
        }
        return self._kept(label, made[algorithm]())

    def attach(self, label: str, reference: str) -> NewKey:
        """Copy the key of an unencrypted PEM file into the store; the file itself stays, and should not."""
        try:
            with Path(reference).open("rb") as file:
                key = serialization.load_pem_private_key(file.read(MAX_PEM_BYTES), None)
        except OSError as error:
            raise UsageError(f"cannot read {reference}: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise UsageError(f"{reference}: expected an unencrypted private key in PEM") from error
        if not isinstance(key, PrivateKey):
            raise KeyUnusableError(f"expected an RSA, P-256 or Ed25519 key, got {type(key).__name__}")
        return self._kept(label, key)

    def sign(self, reference: str, algorithm: Algorithm, signing_input: bytes) -> Signed:
        """Sign in this process."""
        return Signed(signing.sign(self._key(reference), algorithm, signing_input))

    def disable(self, reference: str) -> None:
        """Forget the key in memory. The file stays: whoever has it and the passphrase could still use it."""
        with self._lock:
            self._loaded.pop(reference, None)

    def destroy(self, reference: str) -> None:
        """Delete the file. What the disk keeps of it stays encrypted."""
        self.disable(reference)
        self._folder.delete(_name(reference))

    def attest(self, reference: str) -> Attestation:
        """State what holds: nothing that others could rely on."""
        self._key(reference)
        return Attestation({"held": "encrypted file", "exportable": True, "attested": False})

    def audit_digest(self, nonce: bytes) -> Attestation | None:  # noqa: ARG002  # no device, no digest
        """Return None: files keep no log of their own."""
        return None

    def close(self) -> None:
        """Forget the keys in memory."""
        with self._lock:
            self._loaded.clear()

    def _kept(self, label: str, key: PrivateKey) -> NewKey:
        public = spki.der(key.public_key())
        spki.algorithms_of(public)
        plain = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        nonce = os.urandom(NONCE_BYTES)
        self._folder.put(_name(label), nonce + self._cipher.encrypt(nonce, plain, label.encode()))
        with self._lock:
            self._loaded[label] = key
        return NewKey(label, public, exportable=True)

    def _key(self, reference: str) -> PrivateKey:
        with self._lock:
            if reference not in self._loaded:
                self._loaded[reference] = self._read(reference)
            return self._loaded[reference]

    def _read(self, reference: str) -> PrivateKey:
        raw = self._folder.read(_name(reference))
        if raw is None:
            raise KeyUnusableError(f"the file of key {reference} is missing")
        try:
            plain = self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], reference.encode())
            key = serialization.load_der_private_key(plain, None)
        except (InvalidTag, ValueError, UnsupportedAlgorithm) as error:
            raise KeyStoreError(f"the file of key {reference} is damaged, or another key's") from error
        if not isinstance(key, PrivateKey):
            raise KeyStoreError(f"the file of key {reference} holds a key of another kind")
        return key

    def _unlocked(self, passphrase: Secret, log2_n: int) -> AESGCM:
        raw = self._folder.read(_STORE)
        if raw is None:
            salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
            cipher = _cipher(passphrase, salt, log2_n)
            store = _Store("scrypt", log2_n, salt, nonce + cipher.encrypt(nonce, b"", _CHECK))
            self._folder.put(_STORE, msgspec.json.encode(store))
            return cipher
        try:
            store = msgspec.json.decode(raw, type=_Store)
            cipher = _cipher(passphrase, store.salt, store.log2_n)
            cipher.decrypt(store.check[:NONCE_BYTES], store.check[NONCE_BYTES:], _CHECK)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise KeyStoreError(f"{self._folder.path / _STORE}: {error}") from error
        except (InvalidTag, ValueError) as error:
            raise KeyStoreError(f"{self._folder.path}: this passphrase does not open the store") from error
        return cipher


def open_driver(settings: StoreSettings) -> EncryptedFiles:
    """Return the store of these settings."""
    part = settings.file or FileSettings(passphrase="")
    return EncryptedFiles(settings.path, read_secret(part.passphrase, settings.path), part.scrypt_log2_n)


def _cipher(passphrase: Secret, salt: bytes, log2_n: int) -> AESGCM:
    if not MIN_LOG2_N <= log2_n <= MAX_LOG2_N:
        raise KeyStoreError(f"scrypt: expected a cost of 2**{MIN_LOG2_N} to 2**{MAX_LOG2_N}, got 2**{log2_n}")
    kdf = Scrypt(salt=salt, length=MASTER_BYTES, n=2**log2_n, r=SCRYPT_R, p=SCRYPT_P)
    return AESGCM(kdf.derive(passphrase.reveal()))


def _name(reference: str) -> str:
    return f"keys/{reference}.key"
