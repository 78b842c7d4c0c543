"""Keys as JWK (RFC 7517, 7518, 8037), also inside JSON strings and as Python prints them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from counterfoil.leaks.forms.found import Found, Mark
from counterfoil.leaks.private import CurveScalar, PrivateKey, RsaParts, Seed

_BACK, _AHEAD = 8 << 10, 16 << 10
_MEMBER = re.compile(rb'"(kty|crv|n|e|d|p|q|x|y|k)"\s*:\s*"([A-Za-z0-9_+/=-]{1,8192})"')
_CURVES = {b"P-256": "secp256r1", b"P-384": "secp384r1", b"P-521": "secp521r1", b"secp256k1": "secp256k1"}


def _read(data: bytes, at: int) -> Iterator[Found]:
    start = data.rfind(b"{", max(0, at - _BACK), at)
    close = data.find(b"}", at, at + _AHEAD)
    if start < 0 or close < 0:
        return
    text = data[start : close + 1].replace(b"\\", b"").replace(b"'", b'"')
    members: dict[bytes, bytes] = dict(reversed(_MEMBER.findall(text)))  # the first of a name counts
    try:
        key, form = _key(members)
    except (KeyError, binascii.Error):
        return
    if key is not None:
        yield Found(form, start, close + 1, key)
    elif form:
        yield Found(form, start, close + 1, note="a symmetric key: nothing public tells whose it is")


def _key(members: dict[bytes, bytes]) -> tuple[PrivateKey | None, str]:
    kty = members.get(b"kty")
    if kty == b"oct" and len(members.get(b"k", b"")) >= 16:
        return None, "jwk-oct"
    if b"d" not in members:
        return None, ""
    d = _bytes(members[b"d"])
    if kty == b"RSA":
        parts = {name: _number(members[name]) if name in members else 0 for name in (b"p", b"q")}
        n, e = _number(members[b"n"]), _number(members[b"e"])
        return RsaParts(n, e, int.from_bytes(d), parts[b"p"], parts[b"q"]), "jwk-rsa"
    if kty == b"EC" and members.get(b"crv") in _CURVES:
        public = (_number(members[b"x"]), _number(members[b"y"])) if {b"x", b"y"} <= members.keys() else None
        return CurveScalar(int.from_bytes(d), len(d), _CURVES[members[b"crv"]], public), "jwk-ec"
    if kty == b"OKP" and members.get(b"crv") == b"Ed25519" and len(d) == 32:
        return Seed(d), "jwk-ed25519"
    return None, ""


def _bytes(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text.rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_") + b"==")


def _number(text: bytes) -> int:
    return int.from_bytes(_bytes(text))


MARKS = (
    Mark(b'"kty"', _read, text=True),
    Mark(b'"kty\\"', _read, text=True),
    Mark(b"'kty'", _read, text=True),
)
