"""The keys of the corpus, and the forms in which software writes them."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from counterfoil.jose.base64url import encode_number
from counterfoil.leaks.hits import Order
from counterfoil.leaks.known import KnownKey, from_public


@dataclass(frozen=True, repr=False)
class Keys:
    """The keys that are planted."""

    rsa: rsa.RSAPrivateKey
    ec: ec.EllipticCurvePrivateKey
    ed25519: ed25519.Ed25519PrivateKey

    @property
    def public(self) -> tuple[KnownKey, ...]:
        """Return the public halves."""
        held = (from_public(key.public_key()) for key in (self.rsa, self.ec, self.ed25519))
        return tuple(KnownKey(f"corpus-{public.kind.lower()}", public) for public in held if public is not None)


def made() -> Keys:
    """Return new keys."""
    return Keys(
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    )


def numbers(keys: Keys) -> rsa.RSAPrivateNumbers:
    """Return the numbers of the RSA key."""
    return keys.rsa.private_numbers()


def in_order(order: Order, value: int, width: int) -> bytes:
    """Return `width` bytes that hold a number in an order."""
    window = value.to_bytes(width, "little" if order is Order.LITTLE else "big")
    if order is Order.WORDS:
        window = b"".join(window[at : at + 4][::-1] for at in range(0, width, 4))
    return window


def written(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, encoding: Encoding, form: PrivateFormat) -> bytes:
    """Return a key in one of the library's formats, not encrypted."""
    return key.private_bytes(encoding, form, NoEncryption())


def pem(keys: Keys) -> bytes:
    """Return the RSA key as PKCS#8 in PEM."""
    return written(keys.rsa, Encoding.PEM, PrivateFormat.PKCS8)


def der(keys: Keys) -> bytes:
    """Return the RSA key as PKCS#8 in DER."""
    return written(keys.rsa, Encoding.DER, PrivateFormat.PKCS8)


def pkcs1(keys: Keys) -> bytes:
    """Return the RSA key as PKCS#1 in DER."""
    return written(keys.rsa, Encoding.DER, PrivateFormat.TraditionalOpenSSL)


def rsa_jwk(keys: Keys) -> dict[str, str]:
    """Return the RSA key as JWK."""
    held = numbers(keys)
    public = held.public_numbers
    parts = {"n": public.n, "e": public.e, "d": held.d, "p": held.p, "q": held.q}
    parts |= {"dp": held.dmp1, "dq": held.dmq1, "qi": held.iqmp}
    return {"kty": "RSA", "use": "sig", **{name: encode_number(value) for name, value in parts.items()}}


def ec_jwk(keys: Keys) -> dict[str, str]:
    """Return the key of P-256 as JWK."""
    point = keys.ec.public_key().public_numbers()
    parts = {"x": point.x, "y": point.y, "d": keys.ec.private_numbers().private_value}
    return {"kty": "EC", "crv": "P-256", **{name: encode_number(value, 32) for name, value in parts.items()}}


def cng(keys: Keys, magic: bytes) -> bytes:
    """Return the RSA key as a blob of CNG: RSA2 without the exponent, RSA3 with it."""
    held = numbers(keys)
    public = held.public_numbers
    head = magic + struct.pack("<5I", 2048, 3, 256, 128, 128)
    body = public.e.to_bytes(3) + public.n.to_bytes(256) + held.p.to_bytes(128) + held.q.to_bytes(128)
    if magic == b"RSA3":
        body += held.dmp1.to_bytes(128) + held.dmq1.to_bytes(128) + held.iqmp.to_bytes(128) + held.d.to_bytes(256)
    return head + body


def cng_curve(keys: Keys) -> bytes:
    """Return the key of P-256 as a blob of CNG."""
    point = keys.ec.public_key().public_numbers()
    scalar = keys.ec.private_numbers().private_value
    return b"ECS2" + struct.pack("<I", 32) + point.x.to_bytes(32) + point.y.to_bytes(32) + scalar.to_bytes(32)


def capi(keys: Keys) -> bytes:
    """Return the RSA key as a PRIVATEKEYBLOB of CAPI."""
    held = numbers(keys)
    public = held.public_numbers
    head = b"\x07\x02\0\0" + struct.pack("<I", 0xA400) + b"RSA2" + struct.pack("<2I", 2048, public.e)
    halves = (held.p, held.q, held.dmp1, held.dmq1, held.iqmp)
    return (
        head
        + public.n.to_bytes(256, "little")
        + b"".join(half.to_bytes(128, "little") for half in halves)
        + held.d.to_bytes(256, "little")
    )


def xml(keys: Keys) -> bytes:
    """Return the RSA key as .NET writes it in XML."""
    held = numbers(keys)
    public = held.public_numbers
    parts = {"Modulus": public.n, "Exponent": public.e, "P": held.p, "Q": held.q, "DP": held.dmp1}
    parts |= {"DQ": held.dmq1, "InverseQ": held.iqmp, "D": held.d}

    def text(value: int) -> str:
        return base64.b64encode(value.to_bytes((value.bit_length() + 7) // 8)).decode()

    inner = "".join(f"<{name}>{text(value)}</{name}>" for name, value in parts.items())
    return f"<RSAKeyValue>{inner}</RSAKeyValue>".encode()


def openssh(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """Return a key in OpenSSH's format."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def store(keys: Keys, password: bytes) -> bytes:
    """Return the RSA key in a PKCS#12 store under a password."""
    return pkcs12.serialize_key_and_certificates(b"key", keys.rsa, None, None, BestAvailableEncryption(password))


def scalar(keys: Keys, order: str) -> bytes:
    """Return the scalar of the key of P-256, `little` or big-endian."""
    value = keys.ec.private_numbers().private_value
    return value.to_bytes(32, "little" if order == "little" else "big")


