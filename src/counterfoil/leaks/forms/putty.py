"""Keys as PuTTY keeps them, versions 2 and 3 (PuTTY's manual, appendix C)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from counterfoil.leaks.forms.found import Found, Mark
from counterfoil.leaks.forms.pem import decoded, unwrapped
from counterfoil.leaks.private import CurveScalar, PrivateKey, RsaParts, Seed

_MARK = b"PuTTY-User-Key-File-"
_MOST_BYTES = 16 << 10
_SCHEME = re.compile(rb"Encryption:[ ]{1,4}([a-z0-9-]{1,20})")
_PART = re.compile(rb"-Lines:[ ]{1,4}[0-9]{1,4}\s{1,8}([A-Za-z0-9+/=\s]{1,16000})")
_CURVES = {b"nistp256": ("secp256r1", 32), b"nistp384": ("secp384r1", 48), b"nistp521": ("secp521r1", 66)}


def _read(data: bytes, at: int) -> Iterator[Found]:
    following = data.find(_MARK, at + 1, at + _MOST_BYTES)
    text = unwrapped(data[at : following if following >= 0 else at + _MOST_BYTES])
    end = at + min(len(text), _MOST_BYTES)
    scheme = _SCHEME.search(text)
    if scheme is not None and scheme[1] != b"none":
        yield Found("putty-encrypted", at, end, note="encrypted with a password: its content was not seen")
        return
    # the word Private is of Base64, too: there the first part ends
    parts = [match and _strings(decoded(match[1])) for match in map(_PART.search, text.split(b"Private", 1))]
    key = _key(parts[0] or [], parts[-1] or [])
    if key is not None:
        yield Found("putty", at, end, key)


def _key(public: list[bytes], private: list[bytes]) -> PrivateKey | None:
    kind = public[0] if public else b""
    numbers = [int.from_bytes(part) for part in private]
    if kind == b"ssh-rsa" and len(public) >= 3 and len(numbers) >= 3:
        e, n = (int.from_bytes(part) for part in public[1:3])
        return RsaParts(n, e, *numbers[:3])
    if kind.startswith(b"ecdsa-sha2-") and len(public) >= 3 and public[1] in _CURVES and numbers:
        curve, width = _CURVES[public[1]]
        point = public[2][1:]
        return CurveScalar(numbers[0], width, curve, (int.from_bytes(point[:width]), int.from_bytes(point[width:])))
    if kind == b"ssh-ed25519" and private and len(private[0]) == 32:
        return Seed(private[0])
    return None


def _strings(data: bytes) -> list[bytes]:
    """Return the strings of SSH (RFC 4251, 5) that lie one behind the other, as far as they are whole."""
    found: list[bytes] = []
    at = 0
    while at + 4 <= len(data) and len(found) < 8:
        size = int.from_bytes(data[at : at + 4])
        if at + 4 + size > len(data):
            break
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


MARKS = (Mark(_MARK, _read),)
