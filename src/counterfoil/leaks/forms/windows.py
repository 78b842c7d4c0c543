"""Keys as Windows holds them: the blobs of CNG (bcrypt.h) and CAPI (wincrypt.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from counterfoil.leaks.forms.found import Found, Mark
from counterfoil.leaks.private import CurveScalar, RsaParts

_MOST_BYTES = 2048
_CAPI_HEADER = b"\x07\x02\x00\x00"
_CURVES = {b"2": ("secp256r1", 32), b"4": ("secp384r1", 48), b"6": ("secp521r1", 66)}


def _read_rsa(data: bytes, at: int) -> Iterator[Found]:
    if data[at : at + 4] == b"RSA2" and at >= 8 and data[at - 8 : at - 4] == _CAPI_HEADER:
        yield from _capi(data, at)
    if at + 24 > len(data):
        return
    bits, e_size, n_size, p_size, q_size = struct.unpack_from("<5I", data, at + 4)
    whole = data[at : at + 4] == b"RSA3"
    sizes = (e_size, n_size, p_size, q_size)
    if (bits + 7) // 8 != n_size or not all(0 < size <= _MOST_BYTES for size in sizes):
        return
    e, n, p, q = _numbers(data, at + 24, sizes, "big")
    size = 24 + sum(sizes) + (2 * p_size + q_size + n_size if whole else 0)
    form = "cng-rsafullprivate" if whole else "cng-rsaprivate"
    yield Found(form, at, min(at + size, len(data)), RsaParts(n, e, p=p, q=q))


def _capi(data: bytes, at: int) -> Iterator[Found]:
    if at + 12 > len(data):
        return
    bits, e = struct.unpack_from("<2I", data, at + 4)
    if bits % 16 or not 0 < bits // 8 <= _MOST_BYTES:
        return
    size, half = bits // 8, bits // 16
    n, p, q, _, _, _, d = _numbers(data, at + 12, (size, half, half, half, half, half, size), "little")
    yield Found("capi-privatekeyblob", at - 8, min(at + 12 + 9 * half, len(data)), RsaParts(n, e, d, p, q))


def _read_curve(data: bytes, at: int) -> Iterator[Found]:
    curve, width = _CURVES[data[at + 3 : at + 4]]
    if int.from_bytes(data[at + 4 : at + 8], "little") != width:
        return
    x, y, d = _numbers(data, at + 8, (width, width, width), "big")
    yield Found("cng-ecprivate", at, min(at + 8 + 3 * width, len(data)), CurveScalar(d, width, curve, (x, y)))


def _numbers(data: bytes, at: int, sizes: tuple[int, ...], order: str) -> list[int]:
    numbers: list[int] = []
    for size in sizes:
        part = data[at : at + size]
        numbers.append(int.from_bytes(part, "little" if order == "little" else "big"))
        at += size
    return numbers


MARKS = (
    Mark(b"RSA2", _read_rsa),
    Mark(b"RSA3", _read_rsa),
    *(Mark(literal, _read_curve) for literal in (b"ECS2", b"ECS4", b"ECS6", b"ECK2", b"ECK4", b"ECK6")),
)
