"""A corpus to test scanners with: one file for each form of a private key, variants, and clean files.

The keys are made for it and protect nothing. Each key lies in noise, so that only its form or its number tells.
`python -m tests.leaks.corpus FOLDER` writes it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from counterfoil.errors import UsageError
from counterfoil.jose import base64url
from counterfoil.leaks.hits import Order

from . import corpus_keys as forms
from .corpus_wrapped import BARE, WRAPPED, Make

# The forms of the corpus: 1 to 20, of which 14, 15 and 20 have no structure to be known by.
BARE_FORMS = (14, 15, 20)
_NOISE_BYTES = 8 << 10
# A PEM body in UTF-16 or the like is longer than its key; noise before it puts the key at an odd place.
_LEAST_BEFORE, _MOST_BEFORE = 1_001, 7_000


@dataclass(frozen=True)
class Planted:
    """A file with a key: `form` is 1 to 20, 0 for what is beyond them; `variant` names it.

    `bare`: there is nothing but a number, which only its public key tells.
    """

    name: str
    form: int
    variant: str
    kid: str
    bare: bool = False


@dataclass(frozen=True)
class Corpus:
    """What was written: `jwks` holds the public keys of all that is planted."""

    folder: Path
    jwks: Path
    planted: tuple[Planted, ...]
    clean: tuple[str, ...]


def write(folder: Path, chance: random.Random | None = None) -> Corpus:
    """Write the corpus into a new folder, its noise by `chance`; raises UsageError if it exists."""
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}", hint="name a folder that does not exist") from error
    chance = chance or random.SystemRandom()
    keys = forms.made()
    (folder / "planted").mkdir()
    (folder / "clean").mkdir()
    planted: list[Planted] = []
    for (form, variant), make in FORMS.items():
        name = f"{form:02}-{variant}.data"
        kind = "ed25519" if "ed25519" in variant else "ec" if "ec" in variant.split("-") else "rsa"
        (folder / "planted" / name).write_bytes(
            _in_noise(make(keys), chance, text=form in _TEXT_FORMS or variant in WRAPPED)
        )
        planted.append(Planted(name, form, variant, f"corpus-{kind}", form in BARE_FORMS or variant in BARE))
    clean = _clean_files()
    for name, data in clean.items():
        (folder / "clean" / name).write_bytes(data)
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": [{"kid": key.kid, **key.public.jwk} for key in keys.public]}, indent=2) + "\n")
    corpus = Corpus(folder, jwks, tuple(planted), tuple(clean))
    (folder / "truth.json").write_text(
        json.dumps([{"name": p.name, "form": p.form, "variant": p.variant, "kid": p.kid} for p in planted], indent=2)
    )
    return corpus


def _in_noise(data: bytes, chance: random.Random, *, text: bool) -> bytes:
    before = chance.randrange(_LEAST_BEFORE, _MOST_BEFORE)
    noise = chance.randbytes(_NOISE_BYTES)
    edge = b"\n" if text else b""
    return noise[:before] + edge + data + edge + noise[before:]


FORMS: dict[tuple[int, str], Make] = {
    (1, "pem-pkcs8-rsa"): forms.pem,
    (2, "pem-pkcs1"): lambda keys: forms.written(keys.rsa, Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    (3, "pem-sec1-ec"): lambda keys: forms.written(keys.ec, Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    (4, "pem-utf16"): lambda keys: forms.pem(keys).decode().encode("utf-16-le"),
    (5, "der-pkcs8-rsa"): forms.der,
    (6, "der-pkcs1"): forms.pkcs1,
    (7, "der-pkcs8-ec"): lambda keys: forms.written(keys.ec, Encoding.DER, PrivateFormat.PKCS8),
    (8, "der-sec1-ec"): lambda keys: forms.written(keys.ec, Encoding.DER, PrivateFormat.TraditionalOpenSSL),
    (9, "jwk-rsa"): lambda keys: json.dumps(forms.rsa_jwk(keys)).encode(),
    (10, "jwk-ec"): lambda keys: json.dumps(forms.ec_jwk(keys)).encode(),
    (10, "jwk-ec-in-a-string"): lambda keys: json.dumps(json.dumps(forms.ec_jwk(keys))).encode(),
    (11, "cng-rsafullprivate"): lambda keys: forms.cng(keys, b"RSA3"),
    (12, "cng-rsaprivate"): lambda keys: forms.cng(keys, b"RSA2"),
    (12, "cng-ec"): forms.cng_curve,
    (13, "capi-privatekeyblob"): forms.capi,
    (14, "factor-p-big"): lambda keys: forms.in_order(Order.BIG, forms.numbers(keys).p, 128),
    (14, "factor-q-little"): lambda keys: forms.in_order(Order.LITTLE, forms.numbers(keys).q, 128),
    (14, "factor-p-java"): lambda keys: forms.in_order(Order.WORDS, forms.numbers(keys).p, 128),
    (15, "exponent-big"): lambda keys: forms.in_order(Order.BIG, forms.numbers(keys).d, 256),
    (15, "exponent-little"): lambda keys: forms.in_order(Order.LITTLE, forms.numbers(keys).d, 256),
    (16, "base64-der"): lambda keys: base64.b64encode(forms.der(keys)),
    (16, "base64url-der-pkcs1"): lambda keys: base64url.encode(forms.pkcs1(keys)).encode(),
    (16, "base64-der-ec"): lambda keys: base64.b64encode(forms.written(keys.ec, Encoding.DER, PrivateFormat.PKCS8)),
    (16, "hex-der"): lambda keys: forms.der(keys).hex().encode(),
    (16, "hex-der-upper-pkcs1"): lambda keys: forms.pkcs1(keys).hex().upper().encode(),
    (17, "pem-json-escaped"): lambda keys: json.dumps({"private_key": forms.pem(keys).decode()}).encode(),
    (18, "rsakeyvalue"): forms.xml,
    (19, "openssh"): lambda keys: forms.openssh(keys.rsa),
    (19, "openssh-ec"): lambda keys: forms.openssh(keys.ec),
    (20, "scalar-big-ec"): lambda keys: forms.scalar(keys, "big"),
    (20, "scalar-little-ec"): lambda keys: forms.scalar(keys, "little"),
    (0, "openssh-ed25519"): lambda keys: forms.openssh(keys.ed25519),
    (0, "pkcs8-ed25519"): lambda keys: keys.ed25519.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    (0, "seed-ed25519"): lambda keys: keys.ed25519.private_bytes_raw() + keys.ed25519.public_key().public_bytes_raw(),
    (0, "pkcs12-weak"): lambda keys: forms.store(keys, b"changeit"),
    **{(0, variant): make for variant, make in WRAPPED.items()},
}
_TEXT_FORMS = frozenset((1, 2, 3, 4, 9, 10, 16, 17, 18, 19))


def _clean_files() -> dict[str, bytes]:
    words = ["the", "signing", "key", "of", "an", "issuer", "private", "public", "RSA", "modulus", "token", "log"]
    chosen = random.Random(6)  # noqa: S311  # text to scan, nothing secret
    text = " ".join(chosen.choice(words) for _ in range(40_000)).encode()
    public = rsa.generate_private_key(65537, 2048).public_key()
    packed = io.BytesIO()
    packed.write(zlib.compress(text, 9))
    return {
        "random.bin": os.urandom(1 << 20),
        "text.txt": text,
        "zeros.bin": bytes(1 << 20),
        "program.bin": Path(sys.executable).read_bytes()[: 4 << 20],
        "compressed.bin": packed.getvalue(),
        "public.pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "certificate.pem": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1) * 3,
        "documentation.md": b'Put `"kty": "RSA"` and `"d"` there.\n-----BEGIN RSA PRIVATE KEY-----\n...\n'
        b"-----END RSA PRIVATE KEY-----\n",
    }


if __name__ == "__main__":
    write(Path(sys.argv[1]))
