"""Keys in PEM (RFC 7468), also as JSON, shells and programs escape it, and OpenSSH's own format."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from counterfoil.leaks.forms import passwords
from counterfoil.leaks.forms.der import key_in
from counterfoil.leaks.forms.found import NOT_UNDERSTOOD, Found, Mark
from counterfoil.leaks.private import PrivateKey, parts_of

MOST_PEM_BYTES = 32 << 10
# So much Base64 behind a header is a key, whatever it says; words in lines are none, nor is a row of one letter.
_LEAST_SIGNS, _LEAST_PIECE, _LEAST_DISTINCT = 64, 20, 16
# In pieces that are all of one length, as keys are grouped to be read aloud: words are not.
_LEAST_GROUP = 4
# Also one that keeps its line together (U+00A0), in UTF-8 or by itself.
_BLANK = (
    rb"(?:[ \t+]|\xc2?\xa0|%(?:25){0,3}20|%(?:25){0,3}[cC]2%(?:25){0,3}[aA]0|=20|\\+u00[2aA]0|\\+x20|"
    rb"&#(?:32|x20|160|x[aA]0);|&nbsp;)"
)
_DASH = rb"(?:-|%(?:25){0,3}2[dD]|\\+u002[dD]|\\+x2[dD]|&#(?:45|x2[dD]);)"
_BEGIN = re.compile(
    rb"(?i:BEGIN)((?:BLANK{1,4}+[A-Za-z0-9_.-]{1,24}){0,8}?BLANK{1,4}+)(?i:PRIVATE)BLANK{1,4}+(?i:KEY)"
    rb"(BLANK{1,4}+(?i:BLOCK))?BLANK{0,4}+DASH{4,5}"
    .replace(b"BLANK", _BLANK).replace(b"DASH", _DASH)
)
_DASHES = re.compile(rb"%b{1,5}%b?\Z" % (_DASH, _BLANK))
_MOST_DASHES = 48
_ESCAPED = re.compile(
    rb"\\+(?:[nrt]|u000[aAdD9]|x0[aAdD9])|%(?:25){0,3}0[aAdD9]|&#(?:1[03]|9|x0?[aAdD9]);|<br\s{0,4}/?>|=\r?\n"
)
_SIGNS = (
    (re.compile(rb"\\+u002[bB]|\\+x2[bB]|%(?:25){0,3}2[bB]|&#43;|&#x2[bB];"), b"+"),
    (re.compile(rb"\\+u003[dD]|\\+x3[dD]|%(?:25){0,3}3[dD]|=3D|&#61;|&#x3[dD];"), b"="),
    (re.compile(rb"\\+/|\\+u002[fF]|\\+x2[fF]|%(?:25){0,3}2[fF]|&#47;|&#x2[fF];"), b"/"),
    (re.compile(rb"&quot;|&#34;|\\+u0022|\\+x22|%22"), b'"'),
)
# Between two strings that a program joins, and before a line that is quoted or commented.
_JOINED = re.compile(
    rb"[\"'`](?:[\s+.&,_()\\]|vb(?:CrLf|Lf|NewLine)|Environment\.NewLine|PHP_EOL|os\.linesep|[cC][hH][aA]?[rR]\(1[03]\)){0,160}"
    rb"[\"'`]"
)
_MARGIN = re.compile(rb"\n[ \t]{0,40}(?:[>|#*;]|--)[ \t]{0,40}")
# Slashes are signs of Base64: a margin only if the first line has them, for no key of any kind begins with them.
_SLASHES, _SLASHED = re.compile(rb"\n[ \t]{0,40}//[ \t]{0,40}"), re.compile(rb"\s{0,8}\n[ \t]{0,40}//")
# What colours a terminal.
_COLOUR = re.compile(rb"\x1b\[[0-9;]{0,20}[mK]")
# Lines of headers (RFC 1421; RFC 9580, 6.2): names, and what they say.
_HEADERS = re.compile(rb"\s{0,8}(?:[A-Za-z][A-Za-z0-9-]{1,40}:[ +][^\n]{0,200}\n\s{0,8}){1,8}")
_RUN = re.compile(rb"[A-Za-z0-9+/_=\s,\"'>|\\-]*")
_PIECES = re.compile(rb"[A-Za-z0-9+/_-]+=*|[^A-Za-z0-9+/_=\s\\\"'`,-]")
# A line of Base64 among other signs: of a log, a listing or a difference.
_LINE = re.compile(rb"[A-Za-z0-9+/]{40,}")
_NEAR = 400
_NOISE = re.compile(rb"[^A-Za-z0-9+/_-]+")
_OPENSSH_MAGIC = b"openssh-key-v1\0"
_UNFIT = (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error)
_LOCKED = "encrypted with a password: its content was not seen"


def unwrapped(text: bytes) -> bytes:
    """Return text with the escapes for line ends, plus, slash and equals undone, and strings joined."""
    text = _ESCAPED.sub(b"\n", _COLOUR.sub(b"", text))
    if _SLASHED.match(text):
        text = _SLASHES.sub(b"\n", text)
    for pattern, sign in _SIGNS:
        text = pattern.sub(sign, text)
    return _MARGIN.sub(b"\n", _JOINED.sub(b"", text))


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
    return parts_of(key)


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


def _read(data: bytes, at: int) -> Iterator[Found]:
    match = _BEGIN.match(data, at)
    if match is None:
        return
    dashes = _DASHES.search(data[max(0, at - _MOST_DASHES) : at])
    start = at - len(dashes[0]) if dashes else at
    close = data.find(b"----", match.end(), match.end() + MOST_PEM_BYTES)
    raw = data[match.end() : close] if close >= 0 else data[match.end() : match.end() + MOST_PEM_BYTES]
    end = match.end() + len(raw)
    text = unwrapped(raw)
    headers = _HEADERS.match(text)
    if headers and b"Proc-Type: 4,ENCRYPTED" in headers[0] and b"DEK-Info:" in headers[0]:
        yield Found("pem-encrypted", start, end, note=_LOCKED)
        return
    text = text[headers.end() :] if headers else text
    run = _RUN.match(text)
    found = list(_content(decoded(run[0] if run else b""), start, end))
    if not found and (framed := _framed(text)):
        found, text = list(_content(decoded(framed), start, end)), framed
    escaped = "-escaped" if text.count(b"\n") > raw.count(b"\n") or b"\\" in raw[:8] else ""
    yield from (replace(one, form=one.form + escaped) if one.key else one for one in found)
    # should what was read prove to be no key, this is what is told
    if all(one.key for one in found) and _is_body(text):
        words = _NOISE.sub(b" ", match[1] + b"PRIVATE KEY" + (match[2] or b"")).decode().strip()
        yield Found(f"pem-{NOT_UNDERSTOOD}", start, end, note=f"{words}: a key, its content not understood")


def _framed(text: bytes) -> bytes:
    """Return the Base64 in lines that hold other signs as well, none if there are no two lines of one width."""
    first = _LINE.search(text[:_NEAR])
    lines = [line for line in _LINE.findall(text) if first and len(line) == len(first[0])]
    if len(lines) < 2:
        return b""
    added = all(line.startswith(b"+") for line in lines)  # in a difference
    return b"".join(line[added:] for line in lines)


def _content(body: bytes, start: int, end: int) -> Iterator[Found]:
    """Yield the key that the body of a PEM holds, also one that is cut off."""
    if passwords.is_encrypted(body):
        key, how = passwords.opened(body)
        yield Found("pem-encrypted", start, end, key, how)
    elif body.startswith(_OPENSSH_MAGIC):
        yield from _openssh_found(body, start, end)
    elif (held := key_in(body)) is not None:
        yield Found(f"pem-{held.form}", start, end, held.key)


def _is_body(text: bytes) -> bool:
    """Tell whether Base64 stands here: pieces that are too long for words, or all of one length."""
    pieces = _PIECES.findall(text[: 64 * _LEAST_SIGNS])
    signs = b""
    group = len(pieces[0]) if pieces else 0
    if group >= _LEAST_GROUP and all(len(piece) == group for piece in pieces[: -(-_LEAST_SIGNS // group)]):
        signs = b"".join(pieces)[:_LEAST_SIGNS]
        return len(signs) == _LEAST_SIGNS and len(set(signs)) >= _LEAST_DISTINCT
    for piece in pieces:
        if len(piece) < _LEAST_PIECE and len(signs) < _LEAST_SIGNS - _LEAST_PIECE:
            return False
        signs += piece
        if len(signs) >= _LEAST_SIGNS:
            return len(set(signs[:_LEAST_SIGNS])) >= _LEAST_DISTINCT
    return False


def _openssh_found(body: bytes, at: int, end: int) -> Iterator[Found]:
    size = openssh_size(body, 0)
    key = openssh(body[:size])
    if key is not None:
        yield Found("openssh", at, end, key)
    elif size and body[15:23] != b"\0\0\0\4none":
        yield Found("openssh-encrypted", at, end, note=_LOCKED)


def _read_openssh(data: bytes, at: int) -> Iterator[Found]:
    size = openssh_size(data, at)
    if size:
        yield from _openssh_found(data[at : at + size], at, at + size)


def _read_lower(data: bytes, at: int) -> Iterator[Found]:
    yield from _read(data, at + 1)


MARKS = (
    *(Mark(b"BEGIN" + sign, _read) for sign in (b" ", b"\t", b"\xa0", b"\xc2", b"+", b"%", b"=", b"\\", b"&")),
    # with a dash, for this is a word
    *(Mark(b"-" + word, _read_lower) for word in (b"begin ", b"Begin ")),
    Mark(_OPENSSH_MAGIC, _read_openssh),
)
