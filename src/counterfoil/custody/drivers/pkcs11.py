"""Keys in a PKCS#11 token (v2.40): HSMs, smart cards, SoftHSM.

python-pkcs11 initialises the module without locking and releases Python's lock in calls: two threads corrupt memory.
So this driver runs in a process of its own (`apart`), which has one. Processes are independent of each other.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import (
    AttributeSensitive,
    AttributeTypeInvalid,
    NoSuchKey,
    NoSuchToken,
    PinIncorrect,
    PKCS11Error,
)
from pkcs11.mechanisms import MGF
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from counterfoil.custody import spki
from counterfoil.custody.algorithm import EDWARDS, Algorithm
from counterfoil.custody.keys import Attestation, Capabilities, NewKey, OwnLog, Signed
from counterfoil.custody.secrets import read_secret
from counterfoil.custody.settings import StoreSettings
from counterfoil.errors import KeyStoreError, KeyUnusableError, UsageError

RSA_BITS = 2048
ID_BYTES = 16
ID_PREFIX = "id:"
ED25519_BYTES = 32
ED25519_OID = "1.3.101.112"
_PRIVATE = {
    Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True, Attribute.DECRYPT: False, Attribute.UNWRAP: False,
}
_PUBLIC = {Attribute.TOKEN: True, Attribute.ENCRYPT: False, Attribute.WRAP: False, Attribute.VERIFY: True}


class Pkcs11Token:
    """The keys of one token. A reference is the private key's CKA_ID in hex."""

    capabilities = Capabilities(
        "pkcs11", frozenset(Algorithm), non_exportable=True, attests=False, enforces_disable=True,
        own_log=OwnLog.NOTHING,
    )

    def __init__(self, module: str, token: str, pin: str) -> None:
        """Log in to the token of that label."""
        self._found: dict[str, Any] = {}
        self._closed = False
        with _calling(f"token {token}"):
            try:
                self._session = pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin, rw=True)
            except NoSuchToken as error:
                raise KeyStoreError(f"no PKCS#11 token {token!r} in {module}") from error
            except PinIncorrect as error:
                raise KeyStoreError(f"token {token}: wrong PIN", hint="repeated wrong PINs lock a token") from error

    def generate(self, label: str, algorithm: Algorithm) -> NewKey:
        """Make a key pair in the token: sensitive and not extractable."""
        identity = os.urandom(ID_BYTES)
        told: dict[str, Any] = {
            "id": identity, "label": label, "store": True, "private_template": _PRIVATE, "public_template": _PUBLIC,
        }
        with _calling(f"make key {label}"):
            public, _ = self._pair(algorithm, told)
            return NewKey(identity.hex(), _public_der(public), exportable=False)

    def _pair(self, algorithm: Algorithm, told: dict[str, Any]) -> tuple[Any, Any]:
        pair: tuple[Any, Any]
        if algorithm in (Algorithm.RS256, Algorithm.PS256):
            pair = self._session.generate_keypair(KeyType.RSA, RSA_BITS, **told)
        elif algorithm is Algorithm.ES256:
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
            pair = self._session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(**told)
        else:
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(ED25519_OID)}
            domain = self._session.create_domain_parameters(KeyType.EC_EDWARDS, curve, local=True)
            pair = domain.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, **told)
        return pair

    def attach(self, label: str, reference: str) -> NewKey:
        """Take over the private key with this label, or `id:HEX`; its public key must be in the token too."""
        del label  # the token's own label stays
        asked: dict[Any, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
        if reference.startswith(ID_PREFIX):
            asked[Attribute.ID] = _hex(reference.removeprefix(ID_PREFIX))
        else:
            asked[Attribute.LABEL] = reference
        with _calling(f"find key {reference}"):
            found = list(self._session.get_objects(asked))
            if len(found) != 1:
                raise KeyUnusableError(f"expected one private key {reference!r} in the token, found {len(found)}")
            key: Any = found[0]
            public = self._object(ObjectClass.PUBLIC_KEY, bytes(key.id).hex())
            return NewKey(bytes(key.id).hex(), _public_der(public), exportable=bool(key[Attribute.EXTRACTABLE]))

    def sign(self, reference: str, algorithm: Algorithm, signing_input: bytes) -> Signed:
        """Sign in the token; for ES256 the digest is made here."""
        data, options = signing_input, _MECHANISMS[algorithm]
        if algorithm is Algorithm.ES256:
            data = hashlib.sha256(signing_input).digest()
        with _calling(f"sign with key {reference}"):
            key = self._found.get(reference) or self._private(reference)
            if not hasattr(key, "sign"):  # the library leaves the method out of keys without CKA_SIGN
                raise KeyUnusableError(f"the token does not let key {reference} sign")
            return Signed(bytes(key.sign(data, **options)))

    def disable(self, reference: str) -> None:
        """Take the permission to sign from the key (CKA_SIGN), so that the token refuses it to everybody."""
        with _calling(f"disable key {reference}"):
            self._private(reference)[Attribute.SIGN] = False
            self._found.pop(reference, None)

    def destroy(self, reference: str) -> None:
        """Delete both keys from the token."""
        with _calling(f"destroy key {reference}"):
            self._found.pop(reference, None)
            for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
                self._object(kind, reference).destroy()

    def attest(self, reference: str) -> Attestation:
        """Return the token's word on the key, and what happened when its private part was asked for."""
        with _calling(f"ask about key {reference}"):
            key = self._private(reference)
            words = {
                "sensitive": Attribute.SENSITIVE, "always_sensitive": Attribute.ALWAYS_SENSITIVE,
                "extractable": Attribute.EXTRACTABLE, "never_extractable": Attribute.NEVER_EXTRACTABLE,
                "made_in_token": Attribute.LOCAL, "signs": Attribute.SIGN,
            }
            told = {word: bool(key[attribute]) for word, attribute in words.items()}
            kind = Attribute.PRIVATE_EXPONENT if key.key_type is KeyType.RSA else Attribute.VALUE
            try:
                told["private_part_refused"] = not key[kind]
            except (AttributeSensitive, AttributeTypeInvalid):
                told["private_part_refused"] = True
        return Attestation({"held": "PKCS#11 token", **told, "attested": False})

    def audit_digest(self, nonce: bytes) -> Attestation | None:  # noqa: ARG002  # PKCS#11 has none
        """Return None: PKCS#11 has no log."""
        return None

    def close(self) -> None:
        """Close the session, which logs this process out of the token."""
        with _calling("close"):
            self._found.clear()
            if not self._closed:
                self._session.close()
            self._closed = True

    def _private(self, reference: str) -> Any:
        self._found[reference] = self._object(ObjectClass.PRIVATE_KEY, reference)
        return self._found[reference]

    def _object(self, kind: ObjectClass, reference: str) -> Any:
        found = list(self._session.get_objects({Attribute.CLASS: kind, Attribute.ID: _hex(reference)}))
        if len(found) != 1:
            raise KeyUnusableError(f"expected one {kind.name} {reference} in the token, found {len(found)}")
        return found[0]


_MECHANISMS: dict[Algorithm, dict[str, Any]] = {
    Algorithm.RS256: {"mechanism": Mechanism.SHA256_RSA_PKCS},
    Algorithm.PS256: {
        "mechanism": Mechanism.SHA256_RSA_PKCS_PSS,
        "mechanism_param": (Mechanism.SHA256, MGF.SHA256, hashlib.sha256().digest_size),
    },
    Algorithm.ES256: {"mechanism": Mechanism.ECDSA},
    **{name: {"mechanism": Mechanism.EDDSA} for name in EDWARDS},
}


def open_driver(settings: StoreSettings) -> Pkcs11Token:
    """Return the token of these settings."""
    part = settings.pkcs11
    if part is None:
        raise UsageError("custody.toml: the table [pkcs11] is missing")
    return Pkcs11Token(part.module, part.token, read_secret(part.pin, settings.path).text())


@contextmanager
def _calling(what: str) -> Iterator[None]:
    """Tell the module's errors as ours."""
    try:
        yield
    except NoSuchKey as error:
        raise KeyUnusableError(f"PKCS#11: {what}: no such key") from error
    except (PKCS11Error, OSError, RuntimeError) as error:
        raise KeyStoreError(f"PKCS#11: {what}: {type(error).__name__} {error}".strip()) from error


def _public_der(key: Any) -> bytes:
    """Return the SubjectPublicKeyInfo of a public key object."""
    if key.key_type is KeyType.RSA:
        modulus, exponent = bytes(key[Attribute.MODULUS]), bytes(key[Attribute.PUBLIC_EXPONENT])
        numbers = RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
        return spki.der(numbers.public_key())
    if key.key_type is KeyType.EC:
        return bytes(encode_ec_public_key(key))
    point = bytes(key[Attribute.EC_POINT])[-ED25519_BYTES:]  # behind the head of a DER octet string
    return spki.der(Ed25519PublicKey.from_public_bytes(point))


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise UsageError(f"{text[:80]!r} is no id in hex") from error
