"""Keys as JWK (RFC 7517, 7518, 8037), also inside strings, as Python prints them, and as YAML."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import islice, product

from counterfoil.jose.algorithms import NAMED_CURVES
from counterfoil.jose.base64url import decode_leniently
from counterfoil.leaks.forms.found import Found, Mark
from counterfoil.leaks.private import CurveScalar, PrivateKey, RsaParts, Seed

_NAME = b"kty"
_BACK, _AHEAD = 8 << 10, 16 << 10
# An object may hold the name as a value as well: so many of its places are looked past.
_NEIGHBOURS = 3
_BRACE = re.compile(rb"[{}]")
# Without a backslash before them, `u0022` and `x22` are signs of Base64.
_QUOTE = re.compile(rb"\\*[\"']|\\+(?:u0022|x22)|&quot;|&#34;|%22")
_COLON = re.compile(rb"%3[aA]")
_NAMES = rb"(kty|crv|n|e|d|p|q|x|y|k)"
_VALUE = rb"([A-Za-z0-9_+/=-]{1,8192})"
_QUOTED = re.compile(rb'"%b"\s{0,20}:\s{0,20}"%b"' % (_NAMES, _VALUE))
_YAML = re.compile(rb"(?:^|(?<=[\s{,\"-]))%b\"?\s{0,20}:[ \t]{0,20}\"?%b" % (_NAMES, _VALUE))
_CURVES = {name.encode(): curve.name for name, curve in NAMED_CURVES.items()}
# Values of one name, and keys that they may be together: a name may stand there twice to lead astray.
_MOST_VALUES, _MOST_KEYS = 3, 27

_Members = dict[bytes, list[bytes]]


def _read(data: bytes, at: int) -> Iterator[Found]:
    start, end, text = _object(data, at)
    text = _COLON.sub(b":", _QUOTE.sub(b'"', text))
    members: _Members = {}
    for name, value in _QUOTED.findall(text) or _YAML.findall(text):
        values = members.setdefault(name, [])
        if value not in values and len(values) < _MOST_VALUES:
            values.append(value)
    try:
        for key, form in islice(_keys(members), _MOST_KEYS):
            yield Found(form, start, end, key)
    except binascii.Error:
        return
    if b"oct" in members.get(_NAME, []) and any(len(value) >= 16 for value in members.get(b"k", [])):
        yield Found("jwk-oct", start, end, note="a symmetric key: nothing public tells whose it is")


def _object(data: bytes, at: int) -> tuple[int, int, bytes]:
    """Return where the object around a name stands, and it without the objects in it; what is around, if it is none."""
    low, high = _stretch(data, at, _NEIGHBOURS)
    start, before = _opened(data, low, at)
    if start < 0:
        low, high = _stretch(data, at, 1)
        return low, high, data[low:high]
    end, after = _closed(data, at, high)
    text, place = b"", start
    for first, last in (*reversed(before), *after):
        text, place = text + data[place:first] + b'"" ', last
    return start, end, text + data[place:end]


def _stretch(data: bytes, at: int, neighbours: int) -> tuple[int, int]:
    """Return from where to where to look: no further than to so many other places of the name."""
    low, high = at, at + 1
    for _ in range(neighbours):
        low = data.rfind(_NAME, max(0, at - _BACK), max(low, 0)) if low > 0 else low
        high = data.find(_NAME, high + 1, at + _AHEAD) if high >= 0 else high
    return (low + len(_NAME) if low >= 0 else max(0, at - _BACK)), (high if high >= 0 else min(len(data), at + _AHEAD))


def _opened(data: bytes, low: int, at: int) -> tuple[int, list[tuple[int, int]]]:
    """Return where the object begins that is open at a place, -1 if none is, and the objects in it till there."""
    depth, last, holes = 0, 0, list[tuple[int, int]]()
    for brace in reversed(list(_BRACE.finditer(data, low, at))):
        if brace[0] == b"}":
            last, depth = (last if depth else brace.end()), depth + 1
        elif not depth:
            return brace.start(), holes
        else:
            depth -= 1
            if not depth:
                holes.append((brace.start(), last))
    return -1, []


def _closed(data: bytes, at: int, high: int) -> tuple[int, list[tuple[int, int]]]:
    """Return where the object ends that is open at a place, `high` if it does not, and the objects in it from there."""
    depth, first, holes = 0, 0, list[tuple[int, int]]()
    for brace in _BRACE.finditer(data, at, high):
        if brace[0] == b"{":
            first, depth = (first if depth else brace.start()), depth + 1
        elif not depth:
            return brace.end(), holes
        else:
            depth -= 1
            if not depth:
                holes.append((first, brace.end()))
    return high, holes


def _keys(members: _Members) -> Iterator[tuple[PrivateKey, str]]:
    """Yield the keys that the members may be; which of them is one, is proven later."""
    scalars = [decode_leniently(value) for value in members.get(b"d", [])]
    kinds = members.get(_NAME, [])
    if b"RSA" in kinds:
        n, e, p, q = ([_number(value) for value in members.get(name, [])] for name in (b"n", b"e", b"p", b"q"))
        exponents = [int.from_bytes(scalar) for scalar in scalars] or [0]
        for modulus, public, exponent, factor in product(n, e, exponents, (*p, *q) or (0,)):
            yield RsaParts(modulus, public, exponent, factor), "jwk-rsa"
    if b"EC" in kinds:
        points = product(members.get(b"crv", []), members.get(b"x", [b""]), members.get(b"y", [b""]), scalars)
        for crv, x, y, d in points:
            if crv in _CURVES:
                point = (_number(x), _number(y)) if x and y else None
                yield CurveScalar(int.from_bytes(d), len(d), _CURVES[crv], point), "jwk-ec"
    if b"OKP" in kinds and b"Ed25519" in members.get(b"crv", []):
        yield from ((Seed(scalar), "jwk-ed25519") for scalar in scalars if len(scalar) == 32)


def _number(text: bytes) -> int:
    return int.from_bytes(decode_leniently(text))


MARKS = tuple(Mark(_NAME + sign, _read) for sign in (b'"', b"'", b"\\", b"&", b"%", b":"))
