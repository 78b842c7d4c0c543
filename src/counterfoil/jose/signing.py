"""Signs as JWS does (RFC 7518, 3; RFC 8037; RFC 9864), with a private key in this process's memory."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from counterfoil.jose.algorithms import ALGORITHMS, jws_form, rsa_padding

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


def sign(key: PrivateKey, algorithm: str, signing_input: bytes) -> bytes:
    """Return the signature in the form of JWS. `algorithm` suits the key (`jose.algorithms.suiting`)."""
    known = ALGORITHMS[algorithm]
    if known.hash is None:
        assert not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey), "EdDSA alone hashes by itself"  # noqa: S101
        return key.sign(signing_input)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signing_input, rsa_padding(known), known.hash)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "an Edwards key has no algorithm with a hash"  # noqa: S101
    return jws_form(key.sign(signing_input, ec.ECDSA(known.hash)), (key.key_size + 7) // 8)
