"""Keys in PEM (RFC 7468), also as JSON, shells and programs escape it, and OpenSSH's own format."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from counterfoil.leaks.forms.der import element, inside, key_in
from counterfoil.leaks.forms.found import Found, Mark
from counterfoil.leaks.private import CurveScalar, PrivateKey, RsaParts, Seed

MOST_PEM_BYTES = 32 << 10
_BEGIN = re.compile(rb"-----BEGIN ((?:[A-Z0-9]+ ){0,3}PRIVATE KEY)-----")
_ESCAPED = re.compile(rb"\\+(?:[nrt]|u000[aAdD9])|%0[aAdD]|&#1[03];|<br\s*/?>")
_SIGNS = (
    (re.compile(rb"\\+u002[bB]|%2[bB]"), b"+"),
    (re.compile(rb"\\+u003[dD]|%3[dD]"), b"="),
    (re.compile(rb"\\+/|%2[fF]"), b"/"),
)
_RUN = re.compile(rb"[A-Za-z0-9+/_=\s,\"'>|\\-]*")
_NOISE = re.compile(rb"[^A-Za-z0-9+/_-]+")
_OPENSSH_MAGIC = b"openssh-key-v1\0"
# PBES2 and the older schemes of PKCS#5 and PKCS#12, by the start of their identifiers.
_PASSWORD_SCHEMES = (bytes.fromhex("2a864886f70d0105"), bytes.fromhex("2a864886f70d010c01"))
_UNFIT = (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error)


def unwrapped(text: bytes) -> bytes:
    """Return text with the escapes for line ends, plus, slash and equals undone."""
    text = _ESCAPED.sub(b"\n", text)
    for pattern, sign in _SIGNS:
        text = pattern.sub(sign, text)
    return text


def decoded(text: bytes) -> bytes:
    """Return what base64 or base64url text holds, without what is not of it; as far as whole groups go."""
    signs = _NOISE.sub(b"", text).replace(b"-", b"+").replace(b"_", b"/")
    if len(signs) % 4 == 1:
        signs = signs[:-1]
    return binascii.a2b_base64(signs + b"=" * (-len(signs) % 4))


def openssh(data: bytes) -> PrivateKey | None:
    """Return the key of OpenSSH's format, None if it is none, of another kind, or encrypted."""
    body = base64.encodebytes(data).strip()
    text = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + body + b"\n-----END OPENSSH PRIVATE KEY-----\n"
    try:
        key = serialization.load_ssh_private_key(text, None)
    except _UNFIT:
        return None
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return RsaParts(numbers.public_numbers.n, numbers.public_numbers.e, numbers.d, numbers.p, numbers.q)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        value = key.private_numbers().private_value
        return CurveScalar(value, (key.key_size + 7) // 8, key.curve.name, (point.x, point.y))
    return Seed(key.private_bytes_raw()) if isinstance(key, ed25519.Ed25519PrivateKey) else None


def openssh_size(data: bytes, at: int) -> int:
    """Return the length of a key in OpenSSH's format at `at`, 0 if it is cut off or none (PROTOCOL.key)."""
    place = at + len(_OPENSSH_MAGIC)
    for string in range(6):
        if string == 3:
            place += 4  # the number of keys, between the options of the key derivation and the public key
        if string == 5:
            break
        size = int.from_bytes(data[place : place + 4])
        place += 4 + size
        if size > MOST_PEM_BYTES or place > len(data):
            return 0
    return place - at


def encrypted(data: bytes) -> bool:
    """Tell whether this is an EncryptedPrivateKeyInfo (RFC 5958, 3)."""
    whole = element(data, 0)
    parts = inside(data, whole) if whole is not None and whole.tag == 0x30 else []
    if len(parts) != 2 or parts[0].tag != 0x30 or parts[1].tag != 4:
        return False
    names = inside(data, parts[0])
    return bool(names) and names[0].tag == 6 and data[names[0].start : names[0].end].startswith(_PASSWORD_SCHEMES)


def _read(data: bytes, at: int) -> Iterator[Found]:
    match = _BEGIN.match(data, at)
    if match is None:
        return
    close = data.find(b"-----END", match.end(), match.end() + MOST_PEM_BYTES)
    raw = data[match.end() : close] if close >= 0 else data[match.end() : match.end() + MOST_PEM_BYTES]
    end = close if close >= 0 else match.end() + len(raw)
    text = unwrapped(raw)
    if b"Proc-Type: 4,ENCRYPTED" in text[:200] and b"DEK-Info:" in text[:300]:
        yield Found("pem-encrypted", at, end, note="encrypted with a password: its content was not seen")
        return
    run = _RUN.match(text)
    body = decoded(run[0] if run else b"")
    if encrypted(body):
        yield Found("pem-encrypted", at, end, note="encrypted with a password: its content was not seen")
        return
    escaped = "-escaped" if raw[:64].lstrip(b"\r\n ")[:1] == b"\\" or text.count(b"\n") > raw.count(b"\n") else ""
    if body.startswith(_OPENSSH_MAGIC):
        yield from _openssh_found(body, at, end, escaped)
        return
    held = key_in(body)
    if held is not None:
        yield Found(f"pem-{held.form}{escaped}", at, end, held.key)


def _openssh_found(body: bytes, at: int, end: int, escaped: str) -> Iterator[Found]:
    size = openssh_size(body, 0)
    key = openssh(body[:size])
    if key is not None:
        yield Found(f"openssh{escaped}", at, end, key)
    elif size and body[15:23] != b"\0\0\0\4none":
        yield Found("openssh-encrypted", at, end, note="encrypted with a password: its content was not seen")


def _read_openssh(data: bytes, at: int) -> Iterator[Found]:
    size = openssh_size(data, at)
    if size:
        yield from _openssh_found(data[at : at + size], at, at + size, "")


MARKS = (Mark(b"-----BEGIN ", _read, text=True), Mark(_OPENSSH_MAGIC, _read_openssh))
