"""What is written as a JWK is read back: by the verifier strictly, by the scanner of leaks leniently."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.jose import base64url
from counterfoil.jose.algorithms import CURVES, PublicKey, jws_form
from counterfoil.jose.jwk import members_of, public_jwk, thumbprint
from counterfoil.leaks.known import from_jwks, from_public

KEYS: dict[str, PublicKey] = {
    "RSA": rsa.generate_private_key(65537, 2048).public_key(),
    **{name: ec.generate_private_key(curve).public_key() for name, curve in CURVES.items()},
    "Ed25519": ed25519.Ed25519PrivateKey.generate().public_key(),
    "Ed448": ed448.Ed448PrivateKey.generate().public_key(),
}
# A scalar whose point on P-256 has an x that begins with a zero octet.
_SHORT_X = next(
    key for scalar in range(1, 1 << 16)
    if (key := ec.derive_private_key(scalar, ec.SECP256R1()).public_key()).public_numbers().x < 1 << 248
)


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_is_written_is_read_back(name: str) -> None:
    """The same key, under the same thumbprint."""
    members = members_of(KEYS[name])
    read = public_jwk(members)
    assert (read.key, read.thumbprint) == (KEYS[name], thumbprint(members))


def test_coordinates_are_as_long_as_their_curve() -> None:
    """RFC 7518, 6.2.1.2: a leading zero is written, or the verifier refuses the key."""
    assert len(base64url.decode(members_of(_SHORT_X)["x"].encode())) == 32
    assert public_jwk(members_of(_SHORT_X)).key == _SHORT_X


@pytest.mark.parametrize("name", ["RSA", *CURVES, "Ed25519"])
def test_the_scanner_knows_a_key_by_the_same_thumbprint(name: str) -> None:
    """Whether it is given the key or its JWK."""
    public = from_public(KEYS[name])
    (read,) = from_jwks(json.dumps(members_of(KEYS[name])).encode(), "here")
    assert public is not None
    assert (read.public, read.kid, public.thumbprint) == (public, public.thumbprint, thumbprint(members_of(KEYS[name])))


def test_coordinates_that_are_longer_than_their_curve_end_no_scan() -> None:
    """Such a key is on no curve; it is known by a name of its own all the same."""
    odd = {"kty": "EC", "crv": "P-256", "x": base64url.encode(b"\1" * 40), "y": "AQAB"}
    (read,) = from_jwks(json.dumps(odd).encode(), "here")
    assert len(read.kid) == 43


@given(st.binary())
def test_what_is_exact_is_read_alike_by_both_readers(data: bytes) -> None:
    """Padding and the other alphabet are passed over by the lenient one, and refused by the exact one."""
    text = base64url.encode(data)
    padded = (text + "=" * (-len(text) % 4)).replace("-", "+").replace("_", "/")
    assert base64url.decode(text.encode()) == base64url.decode_leniently(text) == data
    assert base64url.decode_leniently(padded) == base64url.decode_leniently(padded.encode()) == data
    if padded != text:
        with pytest.raises(base64url.InexactError):
            base64url.decode(padded.encode())


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
def test_a_signature_is_two_numbers_of_32_octets(r: int, s: int) -> None:
    """RFC 7518, 3.4, whatever their size."""
    assert jws_form(encode_dss_signature(r, s)) == r.to_bytes(32, "big") + s.to_bytes(32, "big")
