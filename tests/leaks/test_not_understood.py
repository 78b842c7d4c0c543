"""A header of a private key, and what follows it: a key that is not understood is told, words are not."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.leaks.corpus_wrapped import pem_of_der
from counterfoil.leaks.engine import Engine
from counterfoil.leaks.finding import Leak
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys

from .planting import known_of, rsa_keys, tool, whole


def _found(data: bytes, known: KnownKeys | None = None) -> list[Leak]:
    return Engine(best(), known or KnownKeys()).scan(whole(data), "data")


def _pem(key: object) -> bytes:
    held = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    assert isinstance(held, bytes)
    return held


def _armored() -> bytes:
    body = base64.encodebytes(os.urandom(600))
    head, tail = b"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\n", b"-----END PGP PRIVATE KEY BLOCK-----\n"
    return head + body + b"=abcd\n" + tail


_RSA = rsa_keys()[0].private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
OTHERS: dict[str, Callable[[], bytes]] = {
    "Ed448": lambda: _pem(ed448.Ed448PrivateKey.generate()),
    "X25519": lambda: _pem(x25519.X25519PrivateKey.generate()),
    "P-224": lambda: _pem(ec.generate_private_key(ec.SECP224R1())),
    "brainpool": lambda: _pem(ec.generate_private_key(ec.BrainpoolP256R1())),
    "DSA": lambda: _pem(dsa.generate_private_key(2048)),
    "ML-DSA, by its label": lambda: pem_of_der("PRIVATE KEY", b"\x30\x82\x0a\x00" + os.urandom(2600)),
    "PGP": _armored,
    "RSA, of which two lines are left": lambda: b"\n".join(_RSA.splitlines()[:3]),
    "RSA whose numbers do not agree": lambda: pem_of_der(
        "RSA PRIVATE KEY", base64.b64decode(b"".join(_RSA.splitlines()[1:-1]))[:-700] + os.urandom(700)
    ),
    "SSH2": lambda: b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n" + base64.encodebytes(os.urandom(200)),
}
ESCAPES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda pem: pem,
    "in JSON": lambda pem: pem.replace(b"\n", b"\\n"),
    "in an address": lambda pem: pem.replace(b"\n", b"%0A").replace(b" ", b"+").replace(b"/", b"%2F"),
    "in XML": lambda pem: pem.replace(b"\n", b"&#xA;"),
    "in Base64": base64.b64encode,
    "in UTF-16": lambda pem: pem.decode().encode("utf-16-le"),
    "in joined strings": lambda pem: b'"' + pem.replace(b"\n", b'\\n" +\n  "') + b'"',
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("escape", ESCAPES)
def test_a_key_of_another_kind_is_told(kind: str, escape: str) -> None:
    """Behind a header stands Base64 that is no key that is read: one finding that says so, in every escape."""
    (leak,) = _found(b"x\n" + ESCAPES[escape](OTHERS[kind]()) + b"\nx")
    assert "not-understood" in leak.form
    assert (leak.kid, leak.proven) == ("", False)
    assert "PRIVATE KEY" in leak.how
    assert "not understood" in leak.how


@pytest.mark.parametrize("kind", ["Ed448", "X25519", "P-224", "brainpool", "DSA"])
def test_a_key_of_another_kind_is_told_in_der(kind: str) -> None:
    """Without a header the algorithm of PKCS#8 tells: one finding, in DER and in its hex."""
    der = base64.b64decode(b"".join(OTHERS[kind]().splitlines()[1:-1]))
    for data in (os.urandom(99) + der + os.urandom(99), b"key: " + der.hex().encode()):
        (leak,) = _found(data)
        assert leak.form.endswith("der-not-understood")
        assert not leak.proven


WORDS = {
    "words in a manual": b"It begins with -----BEGIN RSA PRIVATE KEY----- and ends with the matching line, see below",
    "a program": b'if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    return load_pem_private_key(text)',
    "dots for a key": b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG...\n-----END PRIVATE KEY-----",
    "a placeholder": b"-----BEGIN PRIVATE KEY-----\n" + b"X" * 64 + b"\n-----END PRIVATE KEY-----",
    "a header without anything": b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
    "headers in a table": b"BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY, BEGIN EC PRIVATE KEY, and others",
    "a public key": _RSA.replace(b"PRIVATE", b"PUBLIC"),
}


@pytest.mark.parametrize("words", WORDS)
def test_words_about_keys_are_none(words: str) -> None:
    """Headers in programs and manuals, and what stands for a key there, give nothing."""
    assert [leak.form for leak in _found(WORDS[words])] == (["base64-der-pkcs1"] if words == "a public key" else [])


def test_a_truncated_key_is_proven_if_its_public_key_is_known() -> None:
    """A PKCS#1 key of which the exponent is the last that is whole: proven by it, with and without the key known."""
    cut = b"\n".join(_RSA.splitlines()[:13])
    for known, proven in ((known_of(rsa_keys()[0]), True), (KnownKeys(), False)):
        (leak,) = _found(cut, known)
        assert (leak.form, leak.proven) == ("pem-pkcs1", proven)
        assert "exponent factors the modulus" in leak.how


def test_openssl_writes_explicit_parameters_that_are_read(tmp_path: Path) -> None:
    """A key that OpenSSL itself wrote with its curve spelled out, as SEC 1 and as PKCS#8: found, and proven."""
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "key").write_bytes(_pem(key))
    for form in ("ec", "pkey"):
        command = [tool("openssl"), form, "-in", str(tmp_path / "key"), "-param_enc", "explicit"]
        if form == "pkey":
            command[-2:] = ["-ec_param_enc", "explicit"]
        done = subprocess.run(command, capture_output=True, check=True)  # noqa: S603  # OpenSSL, on our own file
        (leak,) = _found(done.stdout, known_of(key))
        assert (leak.proven, leak.kid) == (True, "k0")
