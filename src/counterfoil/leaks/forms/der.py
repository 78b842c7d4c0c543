"""Keys in DER: PKCS#1 (RFC 8017 A.1.2), SEC 1 (RFC 5915), and either in PKCS#8 (RFC 5958); Ed25519 (RFC 8410)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from counterfoil.leaks.curves import CURVES
from counterfoil.leaks.forms.found import AHEAD, NOT_UNDERSTOOD, Found, Mark
from counterfoil.leaks.private import CurveScalar, PrivateKey, RsaParts, Seed

_INTEGER, _BITS, _OCTETS, _OID, _SEQUENCE = 2, 3, 4, 6, 0x30
# What may be cut off: an integer that is not whole says nothing.
_HOLDING = (_SEQUENCE, _OCTETS)
_RSA_OIDS = (bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01010a"))
_EC_OID = bytes.fromhex("2a8648ce3d0201")
_ED25519_OID = bytes.fromhex("2b6570")
# X25519, X448 and Ed448; DSA; Diffie-Hellman in two ways; ML-KEM, ML-DSA and SLH-DSA.
_OTHER_OIDS = tuple(
    bytes.fromhex(oid)
    for oid in (
        "2b656e", "2b656f", "2b6571", "2a8648ce380401", "2a864886f70d010301", "2a8648ce3e0201", "6086480165030404",
        "6086480165030403",
    )
)
CURVE_OIDS = {
    bytes.fromhex("2a8648ce3d030107"): "secp256r1",
    bytes.fromhex("2b8104000a"): "secp256k1",
    bytes.fromhex("2b81040022"): "secp384r1",
    bytes.fromhex("2b81040023"): "secp521r1",
}
# The primes and exponents of a key are no longer than its modulus.
_MOST_INTEGER_BYTES = 2049


@dataclass(frozen=True)
class Element:
    """One element: its tag, and where its content stands in the data."""

    tag: int
    start: int
    end: int


@dataclass(frozen=True, repr=False)
class DerKey:
    """A key in DER: its form without the prefix that says how it is written, and the end of it.

    `cut`: there is less of it than it says.
    """

    form: str
    key: PrivateKey
    end: int
    cut: bool = False


def element(data: bytes, at: int, end: int | None = None, *, cut: bool = False) -> Element | None:
    """Return the element at `at`, None if there is none that ends before `end` (default: of the data).

    `cut`: what holds others may go on behind the end.
    """
    end = len(data) if end is None else end
    if not 0 <= at <= end - 2:
        return None
    size, start = data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or start + count > end:
            return None
        size, start = int.from_bytes(data[start : start + count]), start + count
    if start + size > end and cut and data[at] in _HOLDING:
        size = end - start
    return Element(data[at], start, start + size) if start + size <= end else None


def inside(data: bytes, whole: Element, *, cut: bool = False) -> list[Element]:
    """Return the elements in one, up to the first that is damaged."""
    found: list[Element] = []
    at = whole.start
    while at < whole.end and len(found) < 20 and (part := element(data, at, whole.end, cut=cut)) is not None:
        found.append(part)
        at = part.end
    return found


def key_in(data: bytes, at: int = 0) -> DerKey | None:
    """Return the private key that starts at `at`, also one that is cut off; what follows it does not matter."""
    end = min(len(data), at + AHEAD)
    whole, complete = element(data, at, end, cut=True), element(data, at, end)
    if whole is None or whole.tag != _SEQUENCE:
        return None
    held = _key(data, whole)
    return held and replace(held, cut=complete is None)


def _key(data: bytes, whole: Element) -> DerKey | None:
    parts = inside(data, whole, cut=True)
    if len(parts) < 2 or parts[0].tag != _INTEGER:
        return None
    version = data[parts[0].start : parts[0].end]
    if version == b"\0" and parts[1].tag == _INTEGER:
        return _rsa(data, parts, whole.end)
    if version == b"\1" and parts[1].tag == _OCTETS:
        return _sec1(data, parts, whole.end, "")
    if version in (b"\0", b"\1") and len(parts) >= 3 and parts[1].tag == _SEQUENCE and parts[2].tag == _OCTETS:
        return _pkcs8(data, parts, whole.end)
    return None


def _rsa(data: bytes, parts: list[Element], end: int) -> DerKey | None:
    """Read the integers as far as they are there; up to the exponent they must be."""
    numbers = list(takewhile(lambda part: part.tag == _INTEGER, parts[:9]))
    if len(numbers) < 4 or any(part.end - part.start > _MOST_INTEGER_BYTES for part in numbers):
        return None
    n, e, d, p, q = (*(int.from_bytes(data[part.start : part.end]) for part in numbers[1:6]), 0, 0)[:5]
    return DerKey("pkcs1", RsaParts(n, e, d, p, q), end)


def _sec1(data: bytes, parts: list[Element], end: int, curve: str) -> DerKey | None:
    scalar = data[parts[1].start : parts[1].end]
    if not 28 <= len(scalar) <= 66:
        return None
    public: tuple[int, int] | None = None
    for part in parts[2:]:
        inner = element(data, part.start, part.end)
        if inner is None:
            continue
        content = data[inner.start : inner.end]
        if part.tag == 0xA0:
            curve = _curve(data, inner)
        if part.tag == 0xA1 and inner.tag == _BITS and content[:2] == b"\0\4" and len(content) % 2 == 0:
            half = (len(content) - 2) // 2
            public = int.from_bytes(content[2 : 2 + half]), int.from_bytes(content[2 + half :])
    return DerKey("sec1", CurveScalar(int.from_bytes(scalar), len(scalar), curve, public), end)


def _curve(data: bytes, parameters: Element) -> str:
    """Return the curve that is named, or whose prime is given (RFC 3279, 2.3.5); "other" for others."""
    if parameters.tag == _OID:
        return CURVE_OIDS.get(data[parameters.start : parameters.end], "other")
    field = next((part for part in inside(data, parameters) if part.tag == _SEQUENCE), None)
    numbers = inside(data, field) if field is not None else []
    if len(numbers) < 2 or numbers[1].tag != _INTEGER or numbers[1].end - numbers[1].start > _MOST_INTEGER_BYTES:
        return "other"
    prime = int.from_bytes(data[numbers[1].start : numbers[1].end])
    return next((name for name, curve in CURVES.items() if curve.p == prime), "other")


def _pkcs8(data: bytes, parts: list[Element], end: int) -> DerKey | None:
    names = inside(data, parts[1])
    if not names or names[0].tag != _OID:
        return None
    algorithm = data[names[0].start : names[0].end]
    inner = element(data, parts[2].start, parts[2].end, cut=True)
    if inner is None:
        return None
    if algorithm == _ED25519_OID and inner.tag == _OCTETS and inner.end - inner.start == 32:
        return DerKey("pkcs8-ed25519", Seed(data[inner.start : inner.end]), end)
    if inner.tag != _SEQUENCE:
        return None
    within = inside(data, inner, cut=True)
    if algorithm in _RSA_OIDS:
        held = _rsa(data, within, end)
        return held and DerKey("pkcs8-rsa", held.key, end)
    if algorithm == _EC_OID and len(within) >= 2 and within[1].tag == _OCTETS:
        curve = _curve(data, names[1]) if len(names) > 1 else ""
        held = _sec1(data, within, end, curve)
        return held and DerKey("pkcs8-ec", held.key, end)
    return None


def _other(data: bytes, at: int) -> Element | None:
    """Return a PKCS#8 key at `at` whose algorithm, or whose curve, is known and not read."""
    whole = element(data, at, min(len(data), at + AHEAD))
    parts = inside(data, whole) if whole is not None else []
    if whole is None or len(parts) < 3 or (parts[0].tag, parts[1].tag, parts[2].tag) != (_INTEGER, _SEQUENCE, _OCTETS):
        return None
    names = inside(data, parts[1])
    algorithm = data[names[0].start : names[0].end] if names and names[0].tag == _OID else b""
    curve = algorithm == _EC_OID and len(names) > 1 and _curve(data, names[1]) == "other"
    return whole if curve or algorithm.startswith(_OTHER_OIDS) else None


# What follows a head of a key in a program that writes keys is whatever lies there: text, zeros, the next head.
_HEADS = tuple(bytes.fromhex(oid) for oid in ("06032b65", "06052b8104", "06072a8648"))
LEAST_VALUES, MOST_TEXT = 20, 0.75


def is_template(secret: bytes) -> bool:
    """Tell whether so many bytes, which nothing proves to be a key's, are no random ones.

    >>> is_template(b"external/rules_rust++crate+envoy")
    True
    """
    text = sum(0x20 <= value < 0x7F for value in secret)
    few = len(set(secret)) < min(LEAST_VALUES, len(secret) // 2)
    return few or text > MOST_TEXT * len(secret) or any(head in secret for head in _HEADS)


def _secret(key: PrivateKey | None) -> bytes | None:
    """Return the bytes that are the whole of a key, None if something beside them may prove it."""
    if isinstance(key, Seed):
        return key.seed
    if isinstance(key, CurveScalar) and key.public is None:
        return key.scalar.to_bytes(key.size, "big")
    return None


def _read(data: bytes, at: int) -> Iterator[Found]:
    """Read the key whose version number stands at the mark: its header is the two to five bytes before."""
    for back in (4, 3, 2, 5):
        if at >= back and data[at - back] == _SEQUENCE:
            other = _other(data, at - back)
            if other is not None and not is_template(data[other.end - 32 : other.end]):
                yield Found(f"der-{NOT_UNDERSTOOD}", at - back, other.end, note="a key, its content not understood")
                return
            held = key_in(data, at - back)
            if held is not None and not is_template(_secret(held.key) or b""):
                yield Found(f"der-{held.form}", at - back, held.end, held.key, cut=held.cut)
                return


MARKS = tuple(
    Mark(bytes.fromhex(literal), _read)
    for literal in (
        "0201000282",  # PKCS#1: version 0, a modulus of 256 bytes or more ...
        "0201000281",  # ... or of 128
        "0201000241",  # ... or of 64
        "020100300d06092a864886f70d010101",  # PKCS#8: version 0, then the algorithm
        "020100300b06092a864886f70d01010a",
        "020100301306072a8648ce3d0201",
        "020100301006072a8648ce3d0201",
        "0201003081",  # PKCS#8 with parameters written out, of a curve or of DSA
        "0201003082",
        "02010030140607",  # a curve with a longer name
        "020100300506032b65",  # X25519 and its kin ...
        "020101300506032b65",
        "020100300b06096086480165030404",  # ... and those after quantum computers
        "020100300b06096086480165030403",
        "0201010420",  # SEC 1: version 1, a scalar
        "0201010430",
        "0201010442",
    )
)
