"""Stores of keys under passwords: PKCS#12 (RFC 7292) and Java keystores.

Weak passwords are tried; a store that does not open is reported as closed.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator

from counterfoil.leaks.forms import passwords
from counterfoil.leaks.forms.der import Element, element, inside, key_in
from counterfoil.leaks.forms.found import AHEAD, Found, Mark

_DATA_OID = bytes.fromhex("06092a864886f70d010701")
_JKS_OID = bytes.fromhex("2b060104012a021101 01".replace(" ", ""))
_JKS_MAGIC, _JCEKS_MAGIC = b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"
_MOST_ENTRIES = 1_000
# Kinds of bags (RFC 7292, 4.2): a key as it is, and one under a password.
_KEY_BAG, _SHROUDED_BAG = bytes.fromhex("2a864886f70d010c0a0101"), bytes.fromhex("2a864886f70d010c0a0102")
_BER = b"\x30\x80"
_FOREIGN = "a store in BER, or damaged: its content was not understood"


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
    if data.startswith(_BER, at - 2) and data.startswith(_BER + _DATA_OID, at + 3):
        yield Found("pkcs12", at - 2, at + 3, note=_FOREIGN)


def opened(store: bytes, start: int, end: int) -> Iterator[Found]:
    """Yield the keys of a PKCS#12 store that stands at [start, end), as far as weak passwords open them.

    The store is taken apart here, and its MAC is of no interest: whoever made it may ask for any number of rounds in
    places that are seen only once something else is decrypted.
    """
    reader, told = _Store(store), False
    if not reader.parts:
        yield Found("pkcs12", start, end, note=_FOREIGN)
    for kind, content in reader.bags():
        told = told or kind in (_KEY_BAG, _SHROUDED_BAG)
        if kind == _SHROUDED_BAG:
            key, how = passwords.opened(content) if reader.affords(content) else (None, passwords.COSTLY)
            yield Found("pkcs12", start, end, key, how)
        elif kind == _KEY_BAG and (held := key_in(content)) is not None:
            yield Found("pkcs12", start, end, held.key, "opened without a password")
    if reader.closed and not told:
        yield Found("pkcs12", start, end, note=passwords.CLOSED)


class _Store:
    """A store, and how many rounds of passwords are left for it. `closed`: a part of it did not open."""

    def __init__(self, store: bytes) -> None:
        outer = _within(store, element(store, 0), 0x30)
        self._text = _data(store, outer[1]) if len(outer) > 1 else b""
        self.parts = _within(self._text, element(self._text, 0), 0x30)
        self.closed = False
        self._left = passwords.MOST_ROUNDS

    def affords(self, locked: bytes) -> bool:
        """Count the rounds that a password for this costs; tell whether it may be tried."""
        cost = passwords.rounds(locked)
        if cost > self._left:
            return False
        self._left -= cost
        return True

    def bags(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (kind, content) of the bags that lie open, or that a weak password opens."""
        for info in self.parts:
            safe = _data(self._text, info) or self._decrypted(info)
            for bag in _within(safe, element(safe, 0), 0x30):
                names = _within(safe, bag, 0x30)
                if len(names) >= 2 and names[0].tag == 6 and names[1].tag == 0xA0:
                    yield safe[names[0].start : names[0].end], safe[names[1].start : names[1].end]

    def _decrypted(self, info: Element) -> bytes:
        """Return what is encrypted as a whole (EncryptedData: RFC 5652, 8)."""
        text, self_closed = self._text, self.closed
        self.closed = True
        names = _within(text, info, 0x30)
        wrapped = _within(text, names[1], 0xA0) if len(names) == 2 else []
        versioned = _within(text, wrapped[0], 0x30) if wrapped else []
        content = _within(text, versioned[1], 0x30) if len(versioned) > 1 else []
        if len(content) < 3 or content[1].tag != 0x30 or content[2].tag != 0x80:
            return b""
        scheme, body = text[content[0].end : content[1].end], text[content[2].start : content[2].end]
        if not self.affords(passwords.scheme_of(scheme, body)):
            return b""
        plain = passwords.undone(scheme, body)
        self.closed = self_closed or not plain
        return plain


def _data(text: bytes, info: Element) -> bytes:
    """Return the content of a ContentInfo of the type data, none for another type."""
    names = _within(text, info, 0x30)
    if len(names) != 2 or not text.startswith(_DATA_OID, info.start):
        return b""
    octets = _within(text, names[1], 0xA0)
    return text[octets[0].start : octets[0].end] if octets and octets[0].tag == 4 else b""


def _within(text: bytes, whole: Element | None, tag: int) -> list[Element]:
    return inside(text, whole) if whole is not None and whole.tag == tag else []


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
            yield Found("java-keystore", at, place, note=passwords.CLOSED)


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
    for password in passwords.WEAK_PASSWORDS:
        secret = password.encode("utf-16-be")
        block = hashlib.sha1(secret + salt, usedforsecurity=False).digest()
        if not sealed or sealed[0] ^ block[0] != 0x30:
            continue  # no DER: the rest need not be computed
        stream = bytearray(block)
        while len(stream) < len(sealed):
            block = hashlib.sha1(secret + block, usedforsecurity=False).digest()
            stream += block
        size = len(sealed)
        der = (int.from_bytes(sealed) ^ int.from_bytes(stream[:size])).to_bytes(size)
        if hmac.compare_digest(hashlib.sha1(secret + der, usedforsecurity=False).digest(), check):
            return der, password
    return b"", ""


MARKS = (
    *(Mark(b"\2\1\3\x30" + size, _read_pkcs12) for size in (b"\x80", b"\x81", b"\x82", b"\x83")),
    Mark(_JKS_MAGIC + b"\0\0\0", _read_java),
    Mark(_JCEKS_MAGIC + b"\0\0\0", _read_java),
)
