"""Public keys as key stores tell them (SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7), and what they fit."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from counterfoil.custody.algorithm import Algorithm
from counterfoil.errors import KeyUnusableError
from counterfoil.jose.jwk import MAX_RSA_BITS, MIN_RSA_BITS, members_of

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def loaded(public: bytes) -> PublicKey:
    """Return the key of a DER SubjectPublicKeyInfo; KeyUnusableError if it is of no kind that we use."""
    try:
        return _fit(load_der_public_key(public))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusableError("the public key cannot be read") from error


def der(key: PublicKey) -> bytes:
    """Return the DER SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def der_of_pem(text: bytes) -> bytes:
    """Return the DER SubjectPublicKeyInfo of a key in PEM; KeyUnusableError if it is of no kind that we use."""
    return der(_fit(load_pem_public_key(text)))


def _fit(key: object) -> PublicKey:
    if not isinstance(key, PublicKey):
        raise KeyUnusableError(f"expected an RSA, P-256 or Ed25519 key, got {type(key).__name__}")
    return key


def algorithms_of(public: bytes) -> tuple[Algorithm, ...]:
    """Return the algorithms that a public key fits; KeyUnusableError if none."""
    key = loaded(public)
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise KeyUnusableError(f"expected an RSA key of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, got {key.key_size}")
        return (Algorithm.RS256, Algorithm.PS256)
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise KeyUnusableError(f"expected the curve P-256, got {key.curve.name}")
        return (Algorithm.ES256,)
    return (Algorithm.ED25519, Algorithm.EDDSA)


def public_jwk(public: bytes) -> dict[str, str]:
    """Return the members of the JWK that the key itself decides."""
    return members_of(loaded(public))
