"""Stores of keys under passwords: PKCS#12 (RFC 7292) and Java keystores.

Weak passwords are tried; a store that does not open is reported as closed.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from counterfoil.leaks.forms.der import element, inside, key_in
from counterfoil.leaks.forms.found import AHEAD, Found, Mark
from counterfoil.leaks.private import CurveScalar, PrivateKey, RsaParts, Seed

# The passwords that tools take by default or that tutorials show.
WEAK_PASSWORDS = (
    "", "changeit", "changeme", "password", "secret", "notasecret", "123456", "12345678", "test", "admin", "pass",
    "keystore", "storepass", "P@ssw0rd", "Password1",
)  # fmt: skip
# A password costs up to a tenth of a second (the store says how many rounds): no store may cost more than a few.
MOST_ROUNDS = 600_000
_DATA_OID = bytes.fromhex("06092a864886f70d010701")
_JKS_OID = bytes.fromhex("2b060104012a021101 01".replace(" ", ""))
_JKS_MAGIC, _JCEKS_MAGIC = b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"
_MOST_ENTRIES = 1_000
_CLOSED = "no weak password opens it: its content was not seen"
_UNFIT = (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error)


def _read_pkcs12(data: bytes, at: int) -> Iterator[Found]:
    for back in (4, 3, 2, 5):
        whole = element(data, at - back, min(len(data), at + AHEAD)) if at >= back else None
        if whole is None or whole.tag != 0x30 or whole.start != at:
            continue
        parts = inside(data, whole)
        if len(parts) < 2 or not data.startswith(_DATA_OID, parts[1].start):
            continue
        start = at - back
        yield from opened(data[start : whole.end], start, whole.end)
        return


def opened(store: bytes, start: int, end: int) -> Iterator[Found]:
    """Yield what a PKCS#12 store that stands at [start, end) holds, as far as weak passwords open it."""
    if _rounds(store) > MOST_ROUNDS:
        yield Found("pkcs12", start, end, note="its password costs too many rounds to try: its content was not seen")
        return
    for password in WEAK_PASSWORDS:
        for tried in (password.encode(), None) if not password else (password.encode(),):
            try:
                key, _, _ = pkcs12.load_key_and_certificates(store, tried)
            except _UNFIT:
                continue
            held = _parts(key)
            if held is not None:
                how = "opened with a weak password" if password else "opened without a password"
                yield Found("pkcs12", start, end, held, how)
            return
    yield Found("pkcs12", start, end, note=_CLOSED)


def _rounds(store: bytes) -> int:
    """Return the largest count of rounds that the store names: the integers behind its salts."""
    most = 0
    for match in re.finditer(rb"\x04[\x08-\x40]", store):
        after = element(store, match.start())
        count = element(store, after.end) if after is not None else None
        if count is not None and count.tag == 2 and count.end - count.start <= 4:
            most = max(most, int.from_bytes(store[count.start : count.end]))
    return most


def _parts(key: object) -> PrivateKey | None:
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.private_numbers()
        return RsaParts(numbers.public_numbers.n, numbers.public_numbers.e, numbers.d, numbers.p, numbers.q)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        value = key.private_numbers().private_value
        return CurveScalar(value, (key.key_size + 7) // 8, key.curve.name, (point.x, point.y))
    return Seed(key.private_bytes_raw()) if isinstance(key, ed25519.Ed25519PrivateKey) else None


def _read_java(data: bytes, at: int) -> Iterator[Found]:
    """Read the private keys of a Java keystore (sun.security.provider.JavaKeyStore)."""
    if at + 12 > len(data):
        return
    version, count = struct.unpack_from(">2I", data, at + 4)
    if version not in (1, 2) or not 0 < count <= _MOST_ENTRIES:
        return
    place, sealed = at + 12, list[bytes]()
    for _ in range(count):
        tag = int.from_bytes(data[place : place + 4])
        alias = int.from_bytes(data[place + 4 : place + 6])
        place += 4 + 2 + alias + 8
        if tag != 1:
            break  # a certificate or a secret key: what follows it is not looked for
        size = int.from_bytes(data[place : place + 4])
        if not 0 < size <= AHEAD or place + 4 + size > len(data):
            break
        sealed.append(data[place + 4 : place + 4 + size])
        place += 4 + size
        place = _after_chain(data, place)
    for blob in sealed:
        der, password = _unsealed(blob)
        held = key_in(der) if der else None
        if held is not None:
            yield Found(
                "java-keystore",
                at,
                place,
                held.key,
                "opened with a weak password" if password else "opened without a password",
            )
        else:
            yield Found("java-keystore", at, place, note=_CLOSED)


def _after_chain(data: bytes, place: int) -> int:
    chain = int.from_bytes(data[place : place + 4])
    place += 4
    for _ in range(min(chain, _MOST_ENTRIES)):
        place += 2 + int.from_bytes(data[place : place + 2])
        place += 4 + int.from_bytes(data[place : place + 4])
    return place


def _unsealed(blob: bytes) -> tuple[bytes, str]:
    """Undo the key protector of JKS: a stream of SHA-1 over the password, checked by a SHA-1 of the key."""
    whole = element(blob, 0)
    parts = inside(blob, whole) if whole is not None else []
    names = inside(blob, parts[0]) if len(parts) == 2 else []
    if not names or blob[names[0].start : names[0].end] != _JKS_OID:
        return b"", ""
    body = blob[parts[1].start : parts[1].end]
    salt, sealed, check = body[:20], body[20:-20], body[-20:]
    for password in WEAK_PASSWORDS:
        secret, block, stream = password.encode("utf-16-be"), salt, bytearray()
        while len(stream) < len(sealed):
            block = hashlib.sha1(secret + block, usedforsecurity=False).digest()
            stream += block
        der = bytes(left ^ right for left, right in zip(sealed, stream, strict=False))
        if hmac.compare_digest(hashlib.sha1(secret + der, usedforsecurity=False).digest(), check):
            return der, password
    return b"", ""


MARKS = (
    *(Mark(b"\2\1\3\x30" + size, _read_pkcs12) for size in (b"\x82", b"\x81", b"\x83")),
    Mark(_JKS_MAGIC + b"\0\0\0", _read_java),
    Mark(_JCEKS_MAGIC + b"\0\0\0", _read_java),
)
