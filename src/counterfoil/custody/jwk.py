"""Public keys: as JWK, their RFC 7638 thumbprint, and whether they fit an algorithm."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from counterfoil.custody.algorithm import Algorithm
from counterfoil.errors import KeyUnusableError

# RFC 7518 section 3.3: RSA keys of 2048 bits or more.
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
COORDINATE_BYTES = 32

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def loaded(public: bytes) -> PublicKey:
    """Return the key of a DER SubjectPublicKeyInfo; KeyUnusableError if it is of no kind that we use."""
    try:
        key = load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusableError("the public key cannot be read") from error
    if not isinstance(key, PublicKey):
        raise KeyUnusableError(f"expected an RSA, P-256 or Ed25519 key, got {type(key).__name__}")
    return key


def der(key: PublicKey) -> bytes:
    """Return the DER SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


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
    key = loaded(public)
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        return {
            "kty": "EC", "crv": "P-256",
            "x": _text(point.x.to_bytes(COORDINATE_BYTES, "big")),
            "y": _text(point.y.to_bytes(COORDINATE_BYTES, "big")),
        }  # fmt: skip
    return {"kty": "OKP", "crv": "Ed25519", "x": _text(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def thumbprint(public: bytes) -> str:
    """Return the RFC 7638 thumbprint (SHA-256, base64url)."""
    canonical = json.dumps(public_jwk(public), sort_keys=True, separators=(",", ":"))
    return _text(hashlib.sha256(canonical.encode()).digest())


def jws_form(der_signature: bytes) -> bytes:
    """Return an ECDSA signature as r and s of 32 bytes each (RFC 7518 section 3.4)."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(der_signature)
    return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
