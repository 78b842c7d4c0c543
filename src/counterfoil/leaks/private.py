"""A private key as a form held it, and whether its parts agree: what does not prove to be a key is called none."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from counterfoil.jose.algorithms import NAMED_CURVES
from counterfoil.leaks.curves import CURVES
from counterfoil.leaks.known import KnownKeys, PublicKey, from_public
from counterfoil.leaks.moduli import Modulus, factors_from_exponent

_CURVE_CLASSES = {curve.name: curve for curve in NAMED_CURVES.values()}


@dataclass(frozen=True, repr=False)
class RsaParts:
    """The parts of an RSA key that a form held; 0 for those it did not. Never shown."""

    n: int
    e: int
    d: int = 0
    p: int = 0
    q: int = 0


@dataclass(frozen=True, repr=False)
class CurveScalar:
    """A scalar on a curve, "" if the form does not say which; `public` is the point that stood with it, if one did."""

    scalar: int
    size: int
    curve: str = ""
    public: tuple[int, int] | None = None


@dataclass(frozen=True, repr=False)
class Seed:
    """A seed of Ed25519 (RFC 8032)."""

    seed: bytes


PrivateKey = RsaParts | CurveScalar | Seed


def parts_of(key: object) -> PrivateKey | None:
    """Return the parts of the library's private key, None for a kind that is not looked for."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return RsaParts(numbers.public_numbers.n, numbers.public_numbers.e, numbers.d, numbers.p, numbers.q)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        value = key.private_numbers().private_value
        return CurveScalar(value, (key.key_size + 7) // 8, key.curve.name, (point.x, point.y))
    return Seed(key.private_bytes_raw()) if isinstance(key, ed25519.Ed25519PrivateKey) else None


@dataclass(frozen=True)
class Proof:
    """Which key it is, and how that is known.

    `known`: it is the private half of a key that was given. `agrees`: its parts do, which chance does not bring about.
    """

    public: PublicKey
    known: bool
    kid: str
    how: str
    agrees: bool


def prove(key: PrivateKey, known: KnownKeys) -> Proof | None:
    """Return what is proven of a key, None if its parts do not agree: then it is none."""
    if isinstance(key, RsaParts):
        return _prove_rsa(key, known)
    if isinstance(key, CurveScalar):
        return _prove_scalar(key, known)
    public = ed25519.Ed25519PrivateKey.from_private_bytes(key.seed).public_key()
    return _proof(PublicKey("Ed25519", raw=public.public_bytes_raw()), known, "its seed gives the public key", "")


def _prove_rsa(key: RsaParts, known: KnownKeys) -> Proof | None:
    if key.n < 3 or key.e < 3 or key.n % 2 == 0:
        return None
    factor = next((part for part in (key.p, key.q) if 1 < part < key.n and key.n % part == 0), 0)
    if not factor and not (key.d and factors_from_exponent(Modulus(key.n, key.e, 0), key.d)):
        return None
    how = "its factor divides the modulus" if factor else "its exponent factors the modulus"
    return _proof(PublicKey("RSA", n=key.n, e=key.e), known, how, how)


def _prove_scalar(key: CurveScalar, known: KnownKeys) -> Proof | None:
    names = [key.curve] if key.curve else [name for name, curve in CURVES.items() if curve.width == key.size]
    fits = [name for name in names if name in CURVES and 0 < key.scalar < CURVES[name].order]
    points: list[PublicKey] = []
    for name in fits:
        public = point_of(name, key.scalar)
        if public is not None and known.find(public):
            return _proof(public, known, "its scalar gives the public point", "")
        points += [public] if public is not None else []
        if points and key.public is None and not known.keys:
            break  # a multiplication costs much, and nothing tells the curves apart
    for public in points:
        if key.public is None or key.public == (public.x, public.y):
            how = "the public point beside it agrees" if key.public else ""
            return _proof(public, known, how, how)
    return None


def point_of(curve: str, scalar: int) -> PublicKey | None:
    """Return the public key of a scalar between 0 and the order of its curve."""
    return from_public(ec.derive_private_key(scalar, _CURVE_CLASSES[curve]).public_key())


def _proof(public: PublicKey, known: KnownKeys, how: str, alone: str) -> Proof:
    key = known.find(public)
    if key is not None:
        return Proof(public, True, key.kid, how, agrees=True)
    return Proof(public, False, "", alone or "by its structure only", agrees=bool(alone))
