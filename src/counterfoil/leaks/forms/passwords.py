"""Keys under passwords, tried with weak ones: EncryptedPrivateKeyInfo (RFC 5958, 3), by PKCS#5 and PKCS#12.

How many rounds a password costs is read, and bounded, before the first is tried: the file says it, and may lie.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator
from itertools import product

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import pkcs12

from counterfoil.leaks.forms.der import Element, element, inside
from counterfoil.leaks.forms.found import AHEAD, Found, Mark
from counterfoil.leaks.private import PrivateKey, parts_of

# The passwords that tools take by default or that tutorials show.
WEAK_PASSWORDS = (
    "", "changeit", "changeme", "password", "secret", "notasecret", "123456", "12345678", "test", "admin", "pass",
    "keystore", "storepass", "P@ssw0rd", "Password1",
)
# A password costs up to a tenth of a second: all keys of a store together may cost no more than so many rounds each.
MOST_ROUNDS = 600_000
CLOSED = "no weak password opens it: its content was not seen"
COSTLY = "its password costs too many rounds to try, or rounds that are not understood: its content was not seen"
_PBES2, _PBKDF2, _SCRYPT = (
    bytes.fromhex(oid) for oid in ("2a864886f70d01050d", "2a864886f70d01050c", "2b06010401da47040b")
)
_PBES1, _PKCS12 = bytes.fromhex("2a864886f70d0105"), bytes.fromhex("2a864886f70d010c01")
_SHA1 = bytes.fromhex("06052b0e03021a")
_KEY_BYTES = {bytes.fromhex(f"6086480165030401{last}"): size for last, size in (("02", 16), ("16", 24), ("2a", 32))}
_PRFS = ((8, "sha224"), (9, "sha256"), (10, "sha384"), (11, "sha512"))
_HASHES = {bytes.fromhex(f"2a864886f70d020{last:x}"): name for last, name in _PRFS}
_DATA = bytes.fromhex("06092a864886f70d010701")
_SHROUDED = bytes.fromhex("060b2a864886f70d010c0a0102")
_UNFIT = (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error)


def is_encrypted(data: bytes) -> bool:
    """Tell whether this is an EncryptedPrivateKeyInfo under a password."""
    return _scheme(data) is not None


def rounds(data: bytes) -> int:
    """Return what a password costs in rounds; more than any bound for schemes that are not understood."""
    scheme = _scheme(data)
    if scheme is None or len(scheme) != 2 or scheme[1].tag != 0x30:
        return MOST_ROUNDS + 1
    parts = inside(data, scheme[1])
    if _content(data, scheme[0]) == _PBES2:
        derivation = inside(data, parts[0]) if parts else []
        if len(derivation) != 2:
            return MOST_ROUNDS + 1
        numbers = [_integer(data, part) for part in inside(data, derivation[1]) if part.tag == 2]
        name = _content(data, derivation[0])
        if name == _SCRYPT and len(numbers) >= 3:
            return numbers[0] * numbers[1] * numbers[2]
        return numbers[0] if name == _PBKDF2 and numbers else MOST_ROUNDS + 1
    return _integer(data, parts[1]) if len(parts) == 2 and parts[1].tag == 2 else MOST_ROUNDS + 1


def opened(data: bytes) -> tuple[PrivateKey | None, str]:
    """Return the key in an EncryptedPrivateKeyInfo that a weak password opens, and how, or why there is none."""
    if rounds(data) > MOST_ROUNDS:
        return None, COSTLY
    for password in WEAK_PASSWORDS:
        for attempt in _attempts(data, password):
            try:
                key = parts_of(attempt())
            except _UNFIT:
                continue
            if key is not None:
                return key, "opened with a weak password" if password else "opened without a password"
    return None, CLOSED


def undone(scheme: bytes, body: bytes) -> bytes:
    """Return the sequence that a weak password makes of what a store encrypts as a whole; none if it stays closed.

    `scheme` is an AlgorithmIdentifier; of PBES2 with PBKDF2 and AES, as current software writes stores. The rounds are
    bounded by whoever asks.
    """
    names = inside(scheme, Element(0x30, 0, len(scheme)))
    parts = _nested(scheme, inside(scheme, names[0])[1]) if names and len(inside(scheme, names[0])) == 2 else []
    derivation, cipher = (_nested(scheme, part) for part in parts) if len(parts) == 2 else ([], [])
    values = _nested(scheme, derivation[1]) if len(derivation) == 2 else []
    size = _KEY_BYTES.get(_content(scheme, cipher[0]), 0) if len(cipher) == 2 else 0
    if len(values) < 2 or not size or len(body) % 16 or not body:
        return b""
    prf = next((_content(scheme, _nested(scheme, value)[0]) for value in values if _nested(scheme, value)), b"")
    for password in WEAK_PASSWORDS:
        salt, count = _content(scheme, values[0]), _integer(scheme, values[1])
        key = hashlib.pbkdf2_hmac(_HASHES.get(prf, "sha1"), password.encode(), salt, count, size)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(_content(scheme, cipher[1]))).decryptor()
        plain = decryptor.update(body) + decryptor.finalize()
        whole = element(plain, 0)
        if whole is not None and whole.tag == 0x30 and whole.end == len(plain) - plain[-1]:
            return plain[: whole.end]
    return b""


def scheme_of(scheme: bytes, body: bytes) -> bytes:
    """Return what is encrypted under a scheme as an EncryptedPrivateKeyInfo, which `rounds` reads."""
    return _der(0x30, scheme + _der(4, body))


def _nested(data: bytes, part: Element) -> list[Element]:
    return inside(data, part) if part.tag == 0x30 else []


def _attempts(data: bytes, password: str) -> tuple[Callable[[], object], ...]:
    if password:
        return (lambda: serialization.load_der_private_key(data, password.encode()),)
    # the library takes an empty password for none here, but not in a store; there a MAC tells the two kinds apart
    return tuple(
        lambda store=store: pkcs12.load_key_and_certificates(store, b"")[0]
        for store in (_store(data, mac=False), _store(data, mac=True))
    )


def _store(data: bytes, *, mac: bool) -> bytes:
    """Return a PKCS#12 store that holds nothing but this key, with a MAC under the empty password or without one."""
    bag = _der(0x30, _SHROUDED + _der(0xA0, data))
    safe = _der(0x30, _der(0x30, _DATA + _der(0xA0, _der(4, _der(0x30, bag)))))
    check = b""
    if mac:
        # RFC 7292, B.2 with one round: the identifier 3, eight bytes of salt, and two zeros, each filled up to 64 bytes
        salt = bytes(8)
        derived = hashlib.sha1(b"\3" * 64 + salt * 8 + bytes(64), usedforsecurity=False).digest()
        value = _der(0x30, _der(0x30, _SHA1 + b"\5\0") + _der(4, hmac.digest(derived, safe, "sha1")))
        check = _der(0x30, value + _der(4, salt))
    return _der(0x30, b"\2\1\3" + _der(0x30, _DATA + _der(0xA0, _der(4, safe))) + check)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    written = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(written))) + written + content


def _scheme(data: bytes) -> list[Element] | None:
    """Return the identifier of the scheme and its parameters, None if this is no such key."""
    whole = element(data, 0)
    parts = inside(data, whole) if whole is not None and whole.tag == 0x30 else []
    if len(parts) != 2 or parts[0].tag != 0x30 or parts[1].tag != 4:
        return None
    names = inside(data, parts[0])
    if not names or names[0].tag != 6 or not _content(data, names[0]).startswith((_PBES1, _PKCS12)):
        return None
    return names


def _content(data: bytes, part: Element) -> bytes:
    return data[part.start : part.end]


def _integer(data: bytes, part: Element) -> int:
    return int.from_bytes(data[part.start : min(part.end, part.start + 16)])


def _read(data: bytes, at: int) -> Iterator[Found]:
    """Read what the identifier at the mark belongs to: the headers of two sequences are before it."""
    for inner, outer in product((2, 3), (2, 3, 4, 5)):
        start = at - inner - outer
        if start < 0 or data[start] != 0x30 or data[at - inner] != 0x30:
            continue
        whole = element(data, start, min(len(data), start + AHEAD))
        if whole is None or whole.start != at - inner or not is_encrypted(data[start : whole.end]):
            continue
        key, how = opened(data[start : whole.end])
        yield Found("pkcs8-encrypted", start, whole.end, key, how)
        return


MARKS = (Mark(b"\x06\x09" + _PBES1, _read), Mark(b"\x06\x0a" + _PKCS12, _read))
