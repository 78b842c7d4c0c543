"""The signature algorithms, each bound to one type of key; and how a public key verifies.

Not here, on purpose: `none` and the symmetric algorithms (HS256 and so on). A verifier that holds public keys only has
no use for them, and where they are known an attacker can choose them (RFC 8725, 2.1 and 3.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey

# Takes the signature, the signing input, and the SHA-256 of the latter; raises InvalidSignature.
Check = Callable[[bytes, bytes, bytes], None]


@dataclass(frozen=True)
class Algorithm:
    """A JWA algorithm (RFC 7518, 3.1; RFC 8037; RFC 9864). `curve`: the only one it may be used with."""

    name: str
    kty: str
    hash: hashes.HashAlgorithm | None = None
    curve: str = ""
    pss: bool = False


ALGORITHMS: Mapping[str, Algorithm] = {
    known.name: known
    for known in (
        Algorithm("RS256", "RSA", hashes.SHA256()),
        Algorithm("RS384", "RSA", hashes.SHA384()),
        Algorithm("RS512", "RSA", hashes.SHA512()),
        Algorithm("PS256", "RSA", hashes.SHA256(), pss=True),
        Algorithm("PS384", "RSA", hashes.SHA384(), pss=True),
        Algorithm("PS512", "RSA", hashes.SHA512(), pss=True),
        Algorithm("ES256", "EC", hashes.SHA256(), "P-256"),
        Algorithm("ES384", "EC", hashes.SHA384(), "P-384"),
        Algorithm("ES512", "EC", hashes.SHA512(), "P-521"),
        Algorithm("EdDSA", "OKP", curve="Ed25519"),
        Algorithm("Ed25519", "OKP", curve="Ed25519"),
        Algorithm("Ed448", "OKP", curve="Ed448"),
    )
}

CURVES: Mapping[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
# What JWK can name (RFC 8812, 3.1, for the last): keys on these curves leak, though not all verify.
NAMED_CURVES: Mapping[str, ec.EllipticCurve] = {**CURVES, "secp256k1": ec.SECP256K1()}


def suiting(kty: str, curve: str) -> frozenset[str]:
    """Return the algorithms that a key of this type (and curve) can be used with."""
    return frozenset(
        name for name, known in ALGORITHMS.items() if known.kty == kty and known.curve in ("", curve)
    )


def check(key: PublicKey, algorithm: Algorithm) -> Check:
    """Return the function that verifies a signature of this key by this algorithm."""
    if isinstance(key, rsa.RSAPublicKey):
        return _rsa(key, algorithm)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _ecdsa(key, algorithm)
    verify = key.verify

    def eddsa(signature: bytes, signing_input: bytes, digest: bytes) -> None:
        del digest  # EdDSA hashes twice, so that it needs the whole input
        verify(signature, signing_input)

    return eddsa


def _hashed(algorithm: Algorithm) -> hashes.HashAlgorithm:
    assert algorithm.hash is not None, "every RSA and ECDSA algorithm of the table has a hash"  # noqa: S101
    return algorithm.hash


def _rsa(key: rsa.RSAPublicKey, algorithm: Algorithm) -> Check:
    verify, hash_, pad = key.verify, _hashed(algorithm), rsa_padding(algorithm)
    if isinstance(hash_, hashes.SHA256):
        prehashed = Prehashed(hash_)
        return lambda signature, _input, digest: verify(signature, digest, pad, prehashed)
    return lambda signature, signing_input, _digest: verify(signature, signing_input, pad, hash_)


def rsa_padding(algorithm: Algorithm) -> padding.AsymmetricPadding:
    """Return the padding of an RSA algorithm; PSS has the mask's hash and a salt as long (RFC 7518, 3.5)."""
    if not algorithm.pss:
        return padding.PKCS1v15()
    return padding.PSS(mgf=padding.MGF1(_hashed(algorithm)), salt_length=_hashed(algorithm).digest_size)


def _ecdsa(key: ec.EllipticCurvePublicKey, algorithm: Algorithm) -> Check:
    verify, hash_ = key.verify, _hashed(algorithm)
    half = (key.key_size + 7) // 8
    plain, prehashed = ec.ECDSA(hash_), ec.ECDSA(Prehashed(hash_))
    is_sha256 = isinstance(hash_, hashes.SHA256)

    def ecdsa(signature: bytes, signing_input: bytes, digest: bytes) -> None:
        if len(signature) != 2 * half:  # RFC 7518, 3.4: R and S, each as long as the order of the curve
            raise InvalidSignature
        der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        verify(der, *((digest, prehashed) if is_sha256 else (signing_input, plain)))

    return ecdsa


def jws_form(der_signature: bytes, half: int = 32) -> bytes:
    """Return an ECDSA signature as R and S, each as long as the order of the curve: P-256's (RFC 7518, 3.4)."""
    r, s = decode_dss_signature(der_signature)
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")


def digest_of(signing_input: bytes) -> bytes:
    """Return the SHA-256 of the signing input: what a receipt names a token by."""
    return sha256(signing_input).digest()
