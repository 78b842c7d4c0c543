"""RSA keys whose parts are told by name, in Base64: XML of .NET and XML signatures, JSON of .NET, DNSSEC's `.private`.

RSAKeyValue and RSAParameters, with or without a prefix, escaped or not; tempkey files of IdentityServer; BIND's files.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from counterfoil.leaks.forms.found import Found, Mark
from counterfoil.leaks.forms.pem import decoded
from counterfoil.leaks.private import RsaParts

_MARK = b"Modulus"
_BACK, _AHEAD = 8 << 10, 16 << 10
_ESCAPES = (
    (re.compile(rb"&lt;|\\+u003[cC]|\\+x3[cC]|%3[cC]"), b"<"),
    (re.compile(rb"&gt;|\\+u003[eE]|\\+x3[eE]|%3[eE]"), b">"),
    (re.compile(rb"&quot;|&#34;|\\+u0022|%22|\\+\"|'"), b'"'),
    (re.compile(rb"\\+u002[bB]|%2[bB]|&#43;|&#x2[bB];"), b"+"),
    (re.compile(rb"\\+[nrt]|\\+u000[aAdD]|&#1[03];|&#x[aAdD];|%0[aAdD]"), b"\n"),
    (re.compile(rb"%2[fF]|\\+/"), b"/"),
    (re.compile(rb"%3[dD]|\\+u003[dD]"), b"="),
    (re.compile(rb"%3[aA]"), b":"),
)
_XML = re.compile(
    rb"<(?:[A-Za-z0-9]{1,20}:)?(Modulus|Exponent|P|Q|D)(?:\s[^<>]{0,200})?>([^<>]{1,12000})<"
)
_PLAIN = re.compile(
    rb"\b(Modulus|Exponent|PublicExponent|PrivateExponent|Prime1|Prime2|P|Q|D)[\"\s]{0,4}[:=]\s{0,20}\"?"
    rb"([A-Za-z0-9+/=_-]{1,12000})"
)
_NAMES = {b"PublicExponent": b"Exponent", b"PrivateExponent": b"D", b"Prime1": b"P", b"Prime2": b"Q"}
# So many signs of a value tell where it stands: the rest of it may be escaped. Fewer, as the usual exponent, stand
# anywhere.
_TELLING = 12
# A closing tag, as far as it stands before its name.
_CLOSING = re.compile(rb"/(?:[A-Za-z0-9]{1,20}:)?\Z")


def _read(data: bytes, at: int) -> Iterator[Found]:
    if _closes(data, at):
        return
    before = data.rfind(_MARK, max(0, at - _BACK), at)
    start = before + len(_MARK) if before >= 0 else max(0, at - _BACK)
    end = data.find(_MARK, at + 1, at + _AHEAD)
    if end >= 0 and _closes(data, end):
        end = data.find(_MARK, end + 1, at + _AHEAD)
    end = end if end >= 0 else min(len(data), at + _AHEAD)
    text = data[start:end]
    for pattern, sign in _ESCAPES:
        text = pattern.sub(sign, text)
    parts: dict[bytes, int] = {}
    first, last = at, at + len(_MARK)
    for name, value in _XML.findall(text) or _PLAIN.findall(text):
        try:
            parts.setdefault(_NAMES.get(name, name), int.from_bytes(decoded(value)))
        except binascii.Error:
            return
        place = data.find(value[:_TELLING], start, end)
        if place >= 0 and len(value) >= _TELLING:
            first, last = min(first, place), max(last, min(place + len(value), end))
    n, e = parts.get(b"Modulus", 0), parts.get(b"Exponent", 0)
    p, q, d = (parts.get(name, 0) for name in (b"P", b"Q", b"D"))
    if n and e and (p or q or d):
        yield Found("rsa-members", first, last, RsaParts(n, e, d, p, q))


def _closes(data: bytes, at: int) -> bool:
    return _CLOSING.search(data[max(0, at - 24) : at]) is not None


MARKS = (Mark(_MARK, _read),)
