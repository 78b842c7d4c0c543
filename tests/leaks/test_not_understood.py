"""A header of a private key, and what follows it: a key that is not understood is told, words are not."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from counterfoil.leaks.engine import Engine
from counterfoil.leaks.finding import Leak
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys

from .corpus_wrapped import pem_of_der
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


_BODY = textwrap.wrap(base64.b64encode(bytes(range(1, 200))).decode(), 64)


def _under(name: str, lines: list[str] | None = None) -> str:
    return "\n".join((f"-----BEGIN {name}-----", *(lines or _BODY), f"-----END {name}-----"))


SPELLINGS: dict[str, str] = {
    "a name with a dash": _under("A-B PRIVATE KEY"),
    "a name with a line below": _under("A_B PRIVATE KEY"),
    "a name in small letters": _under("Foo Private Key"),
    "all in small letters": _under("RSA PRIVATE KEY").replace("BEGIN RSA PRIVATE KEY", "begin rsa private key"),
    "a name of six words": _under("LONG NAME OF SOME OTHER VENDORS PRIVATE KEY"),
    "blanks that do not break": _under("DSA PRIVATE KEY").replace(" ", "\u00a0"),
    "blanks that do not break, escaped": _under("DSA PRIVATE KEY").replace(" ", "&nbsp;"),
    "blanks that do not break, in an address": _under("DSA PRIVATE KEY").replace(" ", "%C2%A0"),
    "two blanks": _under("RSA PRIVATE  KEY"),
    "one line in colours": "".join(f"\x1b[32m{x}\x1b[0m\n" for x in _under("X PRIVATE KEY", _BODY[:1]).splitlines()),
    "groups of four": _under("DSA PRIVATE KEY", [" ".join(textwrap.wrap("".join(_BODY), 4))]),
    "lines of sixteen": _under("DSA PRIVATE KEY", textwrap.wrap("".join(_BODY), 16)),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_header_is_known_however_it_is_spelled(spelling: str) -> None:
    """What the header says before PRIVATE KEY, and how its blanks and lines are written, hides no key."""
    (leak,) = _found(b"x\n" + SPELLINGS[spelling].encode() + b"\nx")
    assert leak.form == "pem-not-understood"


def _with_slashes() -> bytes:
    """Return a PEM of which a line begins with two slashes, which are signs of Base64."""
    for key in iter(lambda: rsa.generate_private_key(65537, 2048), None):
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        body = b"".join(text.splitlines()[1:-1])
        # lines of any width are read: one is chosen that makes slashes begin a line
        if (at := body.find(b"//")) > 40:
            lines = [body[:at], *(body[begin : begin + at] for begin in range(at, len(body), at))]
            return b"\n".join((b"-----BEGIN PRIVATE KEY-----", *lines, b"-----END PRIVATE KEY-----"))
    raise AssertionError


MARGINS: dict[str, Callable[[bytes], bytes]] = {
    "by itself": lambda pem: pem,
    "in a comment": lambda pem: b"// " + pem.replace(b"\n", b"\n// "),
    "in a comment without blanks": lambda pem: b"//" + pem.replace(b"\n", b"\n//"),
    "in JSON": lambda pem: pem.replace(b"\n", b"\\n"),
}


@pytest.mark.parametrize("margin", MARGINS)
def test_slashes_that_begin_a_line_are_no_comment(margin: str) -> None:
    """A key of which one line begins with two slashes is read whole: its numbers agree."""
    pem = _with_slashes()
    key = load_pem_private_key(pem, None)
    (leak,) = _found(b"x\n" + MARGINS[margin](pem) + b"\nx", known_of(key))
    assert (leak.proven, leak.form.removesuffix("-escaped")) == (True, "pem-pkcs8-rsa")


LISTS: dict[str, Callable[[bytes], str]] = {
    "an array of JavaScript's, as JSON": lambda der: json.dumps({str(at): byte for at, byte in enumerate(der)}),
    "the same, over lines": lambda der: json.dumps({str(at): byte for at, byte in enumerate(der)}, indent=2),
    "a table": lambda der: repr(dict(enumerate(der))),
    "a list in YAML": lambda der: "key:\n" + "".join(f"  - {byte}\n" for byte in der),
    "a list of signed bytes in YAML": lambda der: "".join(f"- {byte - 256 * (byte > 127)}\n" for byte in der),
    "escapes for each byte": lambda der: "".join(f"%{byte:02X}" for byte in der),
    "escapes of escapes": lambda der: "".join(f"%25{byte:02x}" for byte in der),
}


@pytest.mark.parametrize("how", LISTS)
def test_a_key_is_found_in_a_list_of_its_bytes(how: str) -> None:
    """DER, and PEM as well, byte by byte as programs and addresses write it."""
    key = rsa_keys()[0]
    for form in (Encoding.DER, Encoding.PEM):
        data = key.private_bytes(form, PrivateFormat.PKCS8, NoEncryption())
        (leak,) = _found(f"x\n{LISTS[how](data)}\nx".encode(), known_of(key))
        assert (leak.proven, leak.form.startswith("list-")) == (True, True)


def test_a_number_of_javascript_is_found() -> None:
    """A prime as a BigInt, with its n behind it."""
    key = rsa_keys()[0]
    (leak,) = _found(f"const p = {key.private_numbers().p}n;".encode(), known_of(key))
    assert (leak.proven, leak.form) == (True, "list-rsa-factor")


@pytest.mark.parametrize("kind", ["Ed448", "X25519", "P-224", "brainpool", "DSA"])
def test_a_key_of_another_kind_is_told_in_der(kind: str) -> None:
    """Without a header the algorithm of PKCS#8 tells: one finding, in DER and in its hex."""
    der = base64.b64decode(b"".join(OTHERS[kind]().splitlines()[1:-1]))
    for data in (os.urandom(99) + der + os.urandom(99), b"key: " + der.hex().encode()):
        (leak,) = _found(data)
        assert leak.form.endswith("der-not-understood")
        assert not leak.proven


X25519_HEAD = bytes.fromhex("302e020100300506032b656e04220420")
ED25519_HEAD = bytes.fromhex("302e020100300506032b657004220420")
P256_HEAD = bytes.fromhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420")
TEMPLATES = {
    "text": X25519_HEAD + b"external/rules_rust++crate+envoy/src/digest.rs",
    "a program's constants": X25519_HEAD + bytes.fromhex(
        "e9300000007202000000e910000000290f72b800000072f0000000da115f7a65"),
    "the next head": ED25519_HEAD + X25519_HEAD + ED25519_HEAD,
    "the end of a point and another curve's head": P256_HEAD + bytes.fromhex(
        "a14403420030 81b6020100301006072a8648ce3d020106052b81040022 04819e30819b".replace(" ", "")) + bytes(90),
}


@pytest.mark.parametrize("what", TEMPLATES)
def test_the_head_of_a_key_in_a_program_that_writes_keys_is_none(what: str) -> None:
    """Behind it stands whatever the program holds there; what looks like a key's random bytes is told all the same."""
    assert not _found(b"\0" * 99 + TEMPLATES[what] + b"\0" * 99)
    head = X25519_HEAD if what == "text" else ED25519_HEAD
    assert len(_found(b"\0" * 99 + head + random.Random(what).randbytes(32) + b"\0" * 99)) == 1  # noqa: S311


WORDS = {
    "words in a manual": b"It begins with -----BEGIN RSA PRIVATE KEY----- and ends with the matching line, see below",
    "a program": b'if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    return load_pem_private_key(text)',
    "dots for a key": b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG...\n-----END PRIVATE KEY-----",
    "a placeholder": b"-----BEGIN PRIVATE KEY-----\n" + b"X" * 64 + b"\n-----END PRIVATE KEY-----",
    "words of one length": b"-----BEGIN RSA PRIVATE KEY----- " + b"this text says some more than that " * 9,
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
