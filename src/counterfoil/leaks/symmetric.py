"""Secrets of HMAC-signed tokens (HS256, HS384, HS512: RFC 7518 3.2), proven by the MAC of a token that is known.

A secret has no public half and no form of its own. What may be one is tried: texts in the ways in which secrets are
written and decoded, and bytes of the usual lengths.
"""

from __future__ import annotations

import binascii
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from counterfoil.errors import CounterfoilError, InputError, UsageError
from counterfoil.jose.base64url import decode_leniently
from counterfoil.leaks.known import KnownMac, read
from counterfoil.tokens.decoded import decoded

# Tokens tried in one scan: each costs an HMAC for every candidate.
MAX_TOKENS = 16
# Lengths in bytes that libraries make secrets of.
LENGTHS = (32, 64, 48, 24, 16)
# Bytes are tried at multiples of this, as allocators align, unless every offset is asked for.
ALIGNED = 8
_MOST_TEXT = 1024
# Texts of a chunk that are remembered so as not to be tried again, and how long they may be.
_MOST_TRIED, _MOST_TRIED_BYTES = 1 << 14, 128
# Random bytes of 16 have so many different values, and so few zeros, but for one in ten thousand.
_DISTINCT, _ZEROS = 11, 2
_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_TOKEN = re.compile(rb"ey[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]{2,65536}\.[A-Za-z0-9_-]{43,86}(?![A-Za-z0-9_-])")
# Texts: what stands between quotes, a run without spaces, and in it what follows a name's equals sign or colon.
_QUOTED = re.compile(rb"(?<=\")[\x20\x21\x23-\x7e]{6,1024}(?=\")|(?<=')[\x20-\x26\x28-\x7e]{6,1024}(?=')")
_WIDE = re.compile(rb"(?:[\x20-\x7e]\0){6,1024}")
_RUN = re.compile(rb"[\x21-\x7e]{6,1024}")
_VALUE = re.compile(rb"[^=:,;\"'`\\<>&?()\[\]{}]{6,1024}=*")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,1024}={0,2}\Z")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){16,512}\Z")


@dataclass(frozen=True, repr=False)
class Secret:
    """The secret of a token stands at [start, start + size) of a text."""

    start: int
    size: int
    mac: KnownMac
    how: str


def macs(files: Iterable[Path]) -> tuple[KnownMac, ...]:
    """Return the tokens with an HMAC in the files, each once.

    Raises InputError for a file that cannot be read or holds none, UsageError for more than MAX_TOKENS.
    """
    found: dict[str, KnownMac] = {}
    for path in files:
        tokens = [mac for match in _TOKEN.finditer(read(path)) if (mac := _mac(match[0])) is not None]
        if not tokens:
            raise InputError(
                f"{path} holds no token with an HMAC", hint="a JWT in compact form whose alg is HS256, HS384 or HS512"
            )
        found |= {mac.digest: mac for mac in tokens}
    if len(found) > MAX_TOKENS:
        raise UsageError(f"{len(found):,} tokens are too many for one scan: at most {MAX_TOKENS}")
    return tuple(found.values())


def _mac(token: bytes) -> KnownMac | None:
    try:
        said = decoded(token)
    except (CounterfoilError, ValueError):
        return None
    algorithm, kid = said.header.get("alg"), said.header.get("kid")
    signed, _, signature = token.rpartition(b".")
    if algorithm not in _DIGESTS:
        return None
    value = decode_leniently(signature)
    name = _DIGESTS[str(algorithm)]
    if len(value) != hmac.new(b"", b"", name).digest_size:
        return None
    return KnownMac(str(algorithm), kid if isinstance(kid, str) else "", sha256(token).hexdigest(), signed, value, name)


def secrets_in(data: bytes, begin: int, end: int, known: tuple[KnownMac, ...], step: int = ALIGNED) -> Iterator[Secret]:
    """Yield the secrets that start in data[begin:end]; bytes are tried at offsets that are multiples of `step`."""
    if not known:
        return
    tried: set[bytes] = set()
    told: set[tuple[int, str]] = set()
    for start, size, secret, how in _candidates(data, begin, end, step):
        if start >= end or secret in tried:
            continue
        if len(secret) <= _MOST_TRIED_BYTES and len(tried) < _MOST_TRIED:
            tried.add(secret)
        for mac in known:
            if hmac.compare_digest(hmac.digest(secret, mac.signed, mac.name), mac.value):
                tried.discard(secret)  # every place of it is told, each once
                if (start, mac.digest) not in told:
                    told.add((start, mac.digest))
                    yield Secret(start, size, mac, how)


def _candidates(data: bytes, begin: int, end: int, step: int) -> Iterator[tuple[int, int, bytes, str]]:
    for start, size, text in _texts(data, begin, end):
        yield start, size, text, "as text"
        for value, how in _undone(text):
            yield start, size, value, how
    for start in range(begin + -begin % step, min(end, len(data) - LENGTHS[-1] + 1), step):
        first = data[start : start + 16]
        if len(set(first)) < _DISTINCT or first.count(0) > _ZEROS:
            continue
        for size in LENGTHS:
            yield start, size, data[start : start + size], f"as {size} bytes"


def _texts(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield what may be a secret in text: place, size there, and the text; a place may come with several ends."""
    until = min(len(data), end + _MOST_TEXT)
    for match in _QUOTED.finditer(data, begin, until):
        yield match.start(), len(match[0]), match[0]
    for run in _RUN.finditer(data, begin, until):
        for at, text in _values(run[0]):
            yield run.start() + at, len(text), text
    for wide in _WIDE.finditer(data, begin, until):
        for at, text in _values(wide[0][::2]):
            yield wide.start() + 2 * at, 2 * len(text), text


def _values(run: bytes) -> Iterator[tuple[int, bytes]]:
    yield 0, run
    for value in _VALUE.finditer(run):
        yield value.start(), value[0]
        if value[0].endswith(b"="):
            yield value.start(), value[0].rstrip(b"=")


def _undone(text: bytes) -> Iterator[tuple[bytes, str]]:
    if _HEX.match(text):
        yield bytes.fromhex(text.decode()), "as hex"
    if _BASE64.match(text):
        plain = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        try:
            yield binascii.a2b_base64(plain + b"=" * (-len(plain) % 4)), "as base64"
        except binascii.Error:
            return
