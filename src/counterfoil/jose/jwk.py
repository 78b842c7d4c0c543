"""Public keys as JSON Web Keys (RFC 7517, 7518, 8037), and their thumbprints (RFC 7638).

Whoever reads a key to verify with is refused every weakness that can be seen: one that is unfit for signatures, weak or
inconsistent raises `UnfitKeyError`; one with private or symmetric material `ExposedKeyError`: whoever published it has
lost it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from counterfoil.jose import base64url
from counterfoil.jose.algorithms import ALGORITHMS, CURVES, NAMED_CURVES, PublicKey, suiting

# A key id: Entra has 27 characters, RFC 7638 thumbprints 43 (SHA-512: 86).
MAX_KEY_ID = 256
# RSA: NIST SP 800-131A forbids less than 2048 bits; more than 8192 is a way to make verification slow.
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
# Public exponents up to 2^32: FIPS 186-5 allows larger ones, which nobody uses and which are slow to verify.
MIN_RSA_EXPONENT, MAX_RSA_EXPONENT = 3, 2**32
# RFC 7518, 6.2.2, 6.3.2 and 6.4.1; RFC 8037, 2: members that only a private or symmetric key has.
SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
# Members that make up the key, per type, in the order of RFC 7638, 3.2.
_THUMBPRINT = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
# By SEC 2's name of a curve: JWK's, and the octets of a coordinate (RFC 7518, 6.2.1.2).
_CURVES = {kind.name: (name, (kind.key_size + 7) // 8) for name, kind in NAMED_CURVES.items()}

# The primes below 168: the moduli of RSALib (CVE-2017-15361) are powers of 65537 modulo each of them.
_ROCA_PRIMES = (
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
)


class UnfitKeyError(ValueError):
    """The key cannot be used to verify; the message says why."""


class ExposedKeyError(ValueError):
    """The document holds secret material."""


@dataclass(frozen=True)
class PublicJwk:
    """A public key with what its JWK says of it. `thumbprint`: RFC 7638, SHA-256, base64url.

    `algorithms`: what its type, curve and `alg` allow. `certificate`: the first of `x5c`, if there is one.
    """

    key: PublicKey = field(repr=False)
    kty: str
    algorithms: frozenset[str]
    thumbprint: str
    key_id: str | None
    members: Mapping[str, Any] = field(repr=False)
    certificate: x509.Certificate | None = field(default=None, repr=False)


def public_jwk(members: Mapping[str, Any]) -> PublicJwk:
    """Return the key of a decoded JWK."""
    if not SECRET_MEMBERS.isdisjoint(members):
        raise ExposedKeyError("a private or symmetric key where a public one belongs: treat it as stolen")
    kty = _text(members, "kty")
    if kty not in _THUMBPRINT:
        raise UnfitKeyError(f"key type {kty!r} is not one of RSA, EC, OKP")
    _check_use(members)
    key, curve = _material(kty, members)
    return PublicJwk(
        key=key,
        kty=kty,
        algorithms=_algorithms(members, suiting(kty, curve)),
        thumbprint=thumbprint(members),
        key_id=_key_id(members),
        members=members,
        certificate=_certificate(members, key),
    )


def from_certificate(certificate: x509.Certificate) -> PublicJwk:
    """Return the key of a certificate; its key id is the certificate's SHA-256 (`x5t#S256`)."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnfitKeyError("the certificate's key cannot be read") from error
    if isinstance(key, rsa.RSAPublicKey):
        _check_rsa(key.public_numbers().n, key.public_numbers().e)
    elif not (isinstance(key, ec.EllipticCurvePublicKey) and members_of(key)["crv"] in CURVES):
        raise UnfitKeyError("the certificate's key is not RSA nor on P-256, P-384 or P-521")
    members = members_of(key)
    return PublicJwk(
        key=key,
        kty=members["kty"],
        algorithms=suiting(members["kty"], members.get("crv", "")),
        thumbprint=thumbprint(members),
        key_id=base64url.encode(hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()),
        members=members,
        certificate=certificate,
    )


def members_of(key: PublicKey) -> dict[str, str]:
    """Return the members of the JWK that the key itself decides."""
    if isinstance(key, rsa.RSAPublicKey):
        return rsa_members(key.public_numbers().n, key.public_numbers().e)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ec_members(key.curve.name, key.public_numbers().x, key.public_numbers().y)
    return okp_members("Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "Ed448", key.public_bytes_raw())


def rsa_members(n: int, e: int) -> dict[str, str]:
    """Return the members of an RSA key (RFC 7518, 6.3.1)."""
    return {"kty": "RSA", "n": base64url.encode_number(n), "e": base64url.encode_number(e)}


def ec_members(curve: str, x: int, y: int) -> dict[str, str]:
    """Return the members of a key on a curve, named as SEC 2 does (RFC 7518, 6.2.1)."""
    name, size = _CURVES.get(curve, (curve, 32))
    return {
        "kty": "EC", "crv": name, "x": base64url.encode_number(x, size), "y": base64url.encode_number(y, size),
    }


def okp_members(curve: str, x: bytes) -> dict[str, str]:
    """Return the members of a key of RFC 8037, 2."""
    return {"kty": "OKP", "crv": curve, "x": base64url.encode(x)}


def thumbprint(members: Mapping[str, Any]) -> str:
    """Return the RFC 7638 thumbprint (SHA-256) of a JWK."""
    chosen = {name: members[name] for name in _THUMBPRINT[members["kty"]]}
    return base64url.encode(hashlib.sha256(msgspec.json.encode(chosen)).digest())


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise UnfitKeyError(f"{name} is missing or no text")
    return value


def _key_id(members: Mapping[str, Any]) -> str | None:
    if "kid" not in members:
        return None
    if len(kid := _text(members, "kid")) > MAX_KEY_ID:
        raise UnfitKeyError(f"kid is longer than {MAX_KEY_ID} characters")
    return kid


def _check_use(members: Mapping[str, Any]) -> None:
    """Refuse a key that is not meant for verifying signatures (RFC 7517, 4.2 and 4.3)."""
    if "use" in members and members["use"] != "sig":
        raise UnfitKeyError("use is not sig")
    operations = members.get("key_ops", ["verify"])
    if not isinstance(operations, list | tuple) or "verify" not in operations:
        raise UnfitKeyError("key_ops does not hold verify")


def _algorithms(members: Mapping[str, Any], possible: frozenset[str]) -> frozenset[str]:
    if "alg" not in members:
        return possible
    named = _text(members, "alg")
    if named not in possible:
        why = "does not suit the key" if named in ALGORITHMS else "is not implemented"
        raise UnfitKeyError(f"alg {named[:40]!r} {why}")
    return frozenset({named})


def _octets(members: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64url.decode(_text(members, name).encode("ascii"))
    except (base64url.InexactError, UnicodeEncodeError) as error:
        raise UnfitKeyError(f"{name} is not base64url") from error


def _material(kty: str, members: Mapping[str, Any]) -> tuple[PublicKey, str]:
    try:
        if kty == "RSA":
            return _rsa(members), ""
        curve = _text(members, "crv")
        return (_ec(members, curve) if kty == "EC" else _okp(members, curve)), curve
    except (UnfitKeyError, UnsupportedAlgorithm) as error:
        raise UnfitKeyError(str(error)) from error
    except ValueError as error:
        raise UnfitKeyError("it is no valid key of its type") from error


def _rsa(members: Mapping[str, Any]) -> rsa.RSAPublicKey:
    n, e = (_octets(members, name) for name in ("n", "e"))
    if n[:1] == b"\0" or e[:1] == b"\0":  # RFC 7518, 6.3.1: the minimum number of octets
        raise UnfitKeyError("n or e begins with a zero octet")
    modulus, exponent = int.from_bytes(n, "big"), int.from_bytes(e, "big")
    _check_rsa(modulus, exponent)
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _check_rsa(modulus: int, exponent: int) -> None:
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        raise UnfitKeyError(f"{modulus.bit_length()} bits; RSA keys must have {MIN_RSA_BITS} to {MAX_RSA_BITS}")
    if not MIN_RSA_EXPONENT <= exponent <= MAX_RSA_EXPONENT or exponent % 2 == 0 or modulus % 2 == 0:
        raise UnfitKeyError("modulus or public exponent is not one of an RSA key")
    if has_roca_form(modulus):
        raise UnfitKeyError("the modulus has the form of weak keys made by RSALib (CVE-2017-15361)")


def has_roca_form(modulus: int) -> bool:
    """Tell whether a modulus is a power of 65537 modulo every small prime (Nemec et al., CCS 2017, section 3).

    A random modulus is with a chance of less than 2^-27.
    """
    return all(modulus % prime in _powers(prime) for prime in _ROCA_PRIMES)


def _powers(prime: int) -> frozenset[int]:
    power, found = 1, set()
    while power not in found:
        found.add(power)
        power = power * 65537 % prime
    return frozenset(found)


def _ec(members: Mapping[str, Any], curve: str) -> ec.EllipticCurvePublicKey:
    if curve not in CURVES:
        raise UnfitKeyError(f"curve {curve[:40]!r} is not one of {', '.join(CURVES)}")
    kind = CURVES[curve]
    x, y = (_octets(members, name) for name in ("x", "y"))
    if len(x) != (half := (kind.key_size + 7) // 8) or len(y) != half:  # RFC 7518, 6.2.1.2
        raise UnfitKeyError(f"x and y must have {half} octets each")
    point = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), kind)
    return point.public_key()  # ValueError for a point that is not on the curve


def _okp(members: Mapping[str, Any], curve: str) -> PublicKey:
    x = _octets(members, "x")
    if curve == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(x)
    if curve == "Ed448":
        return ed448.Ed448PublicKey.from_public_bytes(x)
    raise UnfitKeyError(f"curve {curve[:40]!r} is not one of Ed25519, Ed448")


def _certificate(members: Mapping[str, Any], key: PublicKey) -> x509.Certificate | None:
    """Return the first certificate of `x5c`, which must be of this very key (RFC 7517, 4.7)."""
    if "x5c" not in members:
        return None
    chain = members["x5c"]
    if not isinstance(chain, list | tuple) or not chain or not isinstance(chain[0], str):
        raise UnfitKeyError("x5c is no list of certificates")
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(chain[0], validate=True))
        same = certificate.public_key() == key
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnfitKeyError("x5c holds no certificate") from error
    if not same:
        raise UnfitKeyError("x5c is the certificate of another key")
    return certificate
