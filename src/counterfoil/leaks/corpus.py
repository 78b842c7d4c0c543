"""A corpus to test scanners with: one file for each form of a private key, variants, and clean files.

The keys are made for it and protect nothing. Each key lies in noise, so that only its form or its number tells.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from counterfoil.errors import UsageError
from counterfoil.leaks.hits import Order
from counterfoil.leaks.known import KnownKey, PublicKey, from_public

# The forms of the corpus: 1 to 20, of which 14, 15 and 20 have no structure to be known by.
BARE_FORMS = (14, 15, 20)
_NOISE_BYTES = 24 << 10
# A PEM body in UTF-16 or the like is longer than its key; noise before it puts the key at an odd place.
_LEAST_BEFORE, _MOST_BEFORE = 1_001, 20_000


@dataclass(frozen=True)
class Planted:
    """A file with a key: `form` is 1 to 20, 0 for what is beyond them; `variant` names it."""

    name: str
    form: int
    variant: str
    kid: str


@dataclass(frozen=True)
class Corpus:
    """What was written: `jwks` holds the public keys of all that is planted."""

    folder: Path
    jwks: Path
    planted: tuple[Planted, ...]
    clean: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class _Keys:
    """The keys that are planted."""

    rsa: rsa.RSAPrivateKey
    ec: ec.EllipticCurvePrivateKey
    ed25519: ed25519.Ed25519PrivateKey

    @property
    def public(self) -> tuple[KnownKey, ...]:
        """Return the public halves."""
        held = (from_public(key.public_key()) for key in (self.rsa, self.ec, self.ed25519))
        return tuple(KnownKey(f"corpus-{public.kind.lower()}", public) for public in held if public is not None)


def write(folder: Path) -> Corpus:
    """Write the corpus into a new folder; raises UsageError if it exists."""
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}", hint="name a folder that does not exist") from error
    keys = _keys()
    (folder / "planted").mkdir()
    (folder / "clean").mkdir()
    planted: list[Planted] = []
    for (form, variant), make in _FORMS.items():
        name = f"{form:02}-{variant}.data"
        kind = "ed25519" if "ed25519" in variant else "ec" if "ec" in variant.split("-") else "rsa"
        (folder / "planted" / name).write_bytes(_in_noise(make(keys), text=form in _TEXT_FORMS))
        planted.append(Planted(name, form, variant, f"corpus-{kind}"))
    clean = _clean_files()
    for name, data in clean.items():
        (folder / "clean" / name).write_bytes(data)
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": [_public_jwk(key) for key in keys.public]}, indent=2) + "\n")
    corpus = Corpus(folder, jwks, tuple(planted), tuple(clean))
    (folder / "truth.json").write_text(
        json.dumps([{"name": p.name, "form": p.form, "variant": p.variant, "kid": p.kid} for p in planted], indent=2)
    )
    return corpus


def _keys() -> _Keys:
    return _Keys(
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    )


def pem_of(key: rsa.RSAPrivateKey) -> bytes:
    """Return a key in PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def forms_of_fixed_keys() -> tuple[bytes, ...]:
    """Return every form of one set of keys, made once a process: what tests change bytes of."""
    keys = _keys()
    return tuple(make(keys) for make in _FORMS.values())


def _in_noise(data: bytes, *, text: bool) -> bytes:
    before = random.SystemRandom().randrange(_LEAST_BEFORE, _MOST_BEFORE)
    noise = os.urandom(_NOISE_BYTES)
    edge = b"\n" if text else b""
    return noise[:before] + edge + data + edge + noise[before:]


def _numbers(keys: _Keys) -> rsa.RSAPrivateNumbers:
    return keys.rsa.private_numbers()


def _bytes(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, encoding: Encoding, form: PrivateFormat) -> bytes:
    return key.private_bytes(encoding, form, NoEncryption())


def _pem(keys: _Keys) -> bytes:
    return _bytes(keys.rsa, Encoding.PEM, PrivateFormat.PKCS8)


def _der(keys: _Keys) -> bytes:
    return _bytes(keys.rsa, Encoding.DER, PrivateFormat.PKCS8)


def _pkcs1(keys: _Keys) -> bytes:
    return _bytes(keys.rsa, Encoding.DER, PrivateFormat.TraditionalOpenSSL)


def _text(value: int, size: int = 0) -> str:
    data = value.to_bytes(size or (value.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _rsa_jwk(keys: _Keys) -> dict[str, str]:
    held = _numbers(keys)
    public = held.public_numbers
    parts = {"n": public.n, "e": public.e, "d": held.d, "p": held.p, "q": held.q}
    parts |= {"dp": held.dmp1, "dq": held.dmq1, "qi": held.iqmp}
    return {"kty": "RSA", "use": "sig", **{name: _text(value) for name, value in parts.items()}}


def _ec_jwk(keys: _Keys) -> dict[str, str]:
    point = keys.ec.public_key().public_numbers()
    scalar = keys.ec.private_numbers().private_value
    return {"kty": "EC", "crv": "P-256", "x": _text(point.x, 32), "y": _text(point.y, 32), "d": _text(scalar, 32)}


def _cng(keys: _Keys, magic: bytes) -> bytes:
    held = _numbers(keys)
    public = held.public_numbers
    head = magic + struct.pack("<5I", 2048, 3, 256, 128, 128)
    body = public.e.to_bytes(3) + public.n.to_bytes(256) + held.p.to_bytes(128) + held.q.to_bytes(128)
    if magic == b"RSA3":
        body += held.dmp1.to_bytes(128) + held.dmq1.to_bytes(128) + held.iqmp.to_bytes(128) + held.d.to_bytes(256)
    return head + body


def _cng_curve(keys: _Keys) -> bytes:
    point = keys.ec.public_key().public_numbers()
    scalar = keys.ec.private_numbers().private_value
    return b"ECS2" + struct.pack("<I", 32) + point.x.to_bytes(32) + point.y.to_bytes(32) + scalar.to_bytes(32)


def _capi(keys: _Keys) -> bytes:
    held = _numbers(keys)
    public = held.public_numbers
    head = b"\x07\x02\0\0" + struct.pack("<I", 0xA400) + b"RSA2" + struct.pack("<2I", 2048, public.e)
    halves = (held.p, held.q, held.dmp1, held.dmq1, held.iqmp)
    return (
        head
        + public.n.to_bytes(256, "little")
        + b"".join(half.to_bytes(128, "little") for half in halves)
        + held.d.to_bytes(256, "little")
    )


def _xml(keys: _Keys) -> bytes:
    held = _numbers(keys)
    public = held.public_numbers
    parts = {"Modulus": public.n, "Exponent": public.e, "P": held.p, "Q": held.q, "DP": held.dmp1}
    parts |= {"DQ": held.dmq1, "InverseQ": held.iqmp, "D": held.d}

    def text(value: int) -> str:
        return base64.b64encode(value.to_bytes((value.bit_length() + 7) // 8)).decode()

    inner = "".join(f"<{name}>{text(value)}</{name}>" for name, value in parts.items())
    return f"<RSAKeyValue>{inner}</RSAKeyValue>".encode()


def _openssh(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def _pkcs12(keys: _Keys, password: bytes) -> bytes:
    return pkcs12.serialize_key_and_certificates(b"key", keys.rsa, None, None, BestAvailableEncryption(password))


def _scalar(keys: _Keys, order: str) -> bytes:
    value = keys.ec.private_numbers().private_value
    return value.to_bytes(32, "little" if order == "little" else "big")


_Make = Callable[[_Keys], bytes]
_FORMS: dict[tuple[int, str], _Make] = {
    (1, "pem-pkcs8-rsa"): _pem,
    (2, "pem-pkcs1"): lambda keys: _bytes(keys.rsa, Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    (3, "pem-sec1-ec"): lambda keys: _bytes(keys.ec, Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    (4, "pem-utf16"): lambda keys: _pem(keys).decode().encode("utf-16-le"),
    (5, "der-pkcs8-rsa"): _der,
    (6, "der-pkcs1"): _pkcs1,
    (7, "der-pkcs8-ec"): lambda keys: _bytes(keys.ec, Encoding.DER, PrivateFormat.PKCS8),
    (8, "der-sec1-ec"): lambda keys: _bytes(keys.ec, Encoding.DER, PrivateFormat.TraditionalOpenSSL),
    (9, "jwk-rsa"): lambda keys: json.dumps(_rsa_jwk(keys)).encode(),
    (10, "jwk-ec"): lambda keys: json.dumps(_ec_jwk(keys)).encode(),
    (10, "jwk-ec-in-a-string"): lambda keys: json.dumps(json.dumps(_ec_jwk(keys))).encode(),
    (11, "cng-rsafullprivate"): lambda keys: _cng(keys, b"RSA3"),
    (12, "cng-rsaprivate"): lambda keys: _cng(keys, b"RSA2"),
    (12, "cng-ec"): _cng_curve,
    (13, "capi-privatekeyblob"): _capi,
    (14, "factor-p-big"): lambda keys: Order.BIG.bytes_of(_numbers(keys).p, 128),
    (14, "factor-q-little"): lambda keys: Order.LITTLE.bytes_of(_numbers(keys).q, 128),
    (14, "factor-p-java"): lambda keys: Order.WORDS.bytes_of(_numbers(keys).p, 128),
    (15, "exponent-big"): lambda keys: Order.BIG.bytes_of(_numbers(keys).d, 256),
    (15, "exponent-little"): lambda keys: Order.LITTLE.bytes_of(_numbers(keys).d, 256),
    (16, "base64-der"): lambda keys: base64.b64encode(_der(keys)),
    (16, "base64url-der-pkcs1"): lambda keys: base64.urlsafe_b64encode(_pkcs1(keys)).rstrip(b"="),
    (16, "base64-der-ec"): lambda keys: base64.b64encode(_bytes(keys.ec, Encoding.DER, PrivateFormat.PKCS8)),
    (16, "hex-der"): lambda keys: _der(keys).hex().encode(),
    (16, "hex-der-upper-pkcs1"): lambda keys: _pkcs1(keys).hex().upper().encode(),
    (17, "pem-json-escaped"): lambda keys: json.dumps({"private_key": _pem(keys).decode()}).encode(),
    (18, "rsakeyvalue"): _xml,
    (19, "openssh"): lambda keys: _openssh(keys.rsa),
    (19, "openssh-ec"): lambda keys: _openssh(keys.ec),
    (20, "scalar-big-ec"): lambda keys: _scalar(keys, "big"),
    (20, "scalar-little-ec"): lambda keys: _scalar(keys, "little"),
    (0, "openssh-ed25519"): lambda keys: _openssh(keys.ed25519),
    (0, "pkcs8-ed25519"): lambda keys: keys.ed25519.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    (0, "seed-ed25519"): lambda keys: keys.ed25519.private_bytes_raw() + keys.ed25519.public_key().public_bytes_raw(),
    (0, "pkcs12-weak"): lambda keys: _pkcs12(keys, b"changeit"),
}
_TEXT_FORMS = frozenset((1, 2, 3, 4, 9, 10, 16, 17, 18, 19))


def _clean_files() -> dict[str, bytes]:
    words = ["the", "signing", "key", "of", "an", "issuer", "private", "public", "RSA", "modulus", "token", "log"]
    chosen = random.Random(6)  # noqa: S311  # text to scan, nothing secret
    text = " ".join(chosen.choice(words) for _ in range(40_000)).encode()
    public = rsa.generate_private_key(65537, 2048).public_key()
    from cryptography.hazmat.primitives.serialization import PublicFormat

    packed = io.BytesIO()
    packed.write(zlib.compress(text, 9))
    return {
        "random.bin": os.urandom(1 << 20),
        "text.txt": text,
        "zeros.bin": bytes(1 << 20),
        "program.bin": Path(sys.executable).read_bytes()[: 4 << 20],
        "compressed.bin": packed.getvalue(),
        "public.pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "pem-of-nothing.txt": b"-----BEGIN PRIVATE KEY-----\n"
        + base64.encodebytes(os.urandom(1200))
        + b"-----END PRIVATE KEY-----\n",
        "documentation.md": b'Put `"kty": "RSA"` and `"d"` there.\n-----BEGIN RSA PRIVATE KEY-----\n...\n'
        b"-----END RSA PRIVATE KEY-----\n",
    }


def _public_jwk(key: KnownKey) -> dict[str, str]:
    public: PublicKey = key.public
    if public.kind == "RSA":
        return {"kid": key.kid, "kty": "RSA", "n": _text(public.n), "e": _text(public.e)}
    if public.kind == "EC":
        return {"kid": key.kid, "kty": "EC", "crv": "P-256", "x": _text(public.x, 32), "y": _text(public.y, 32)}
    return {
        "kid": key.kid,
        "kty": "OKP",
        "crv": "Ed25519",
        "x": base64.urlsafe_b64encode(public.raw).rstrip(b"=").decode(),
    }
