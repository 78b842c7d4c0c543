"""The kernel without compiled code: the same candidates, on NumPy, some hundred times slower."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from counterfoil.leaks import _portable64
from counterfoil.leaks.curves import CurveSearch
from counterfoil.leaks.hits import Anchor, Hit, Order, Part, Place, Run
from counterfoil.leaks.moduli import Exponent, ModulusGroup
from counterfoil.leaks.private import point_of

# Windows looked at together: bounds memory.
BLOCK = 1 << 18

_Bytes = npt.NDArray[np.uint8]


class PortableKernel:
    """The kernel on NumPy and Python's own integers."""

    name = "portable"

    def rsa(self, data: bytes, begin: int, end: int, group: ModulusGroup, orders: Order, exponents: Order) -> list[Hit]:
        """Return candidates for parts of the keys of a group in windows that start at data[begin:end]."""
        whole = np.frombuffer(data, np.uint8)
        found: list[Hit] = []
        for at in range(begin, end, BLOCK):
            last = min(at + BLOCK, end)
            if not whole[at : last + 2 * group.width].any():
                continue
            for order in Order:
                if order in orders:
                    found += _factors(data, whole, at, last, group, order)
                if order in exponents:
                    found += _exponents(data, whole, at, last, group, order)
        return found

    def anchors(self, data: bytes, begin: int, end: int, literals: Sequence[bytes]) -> list[Anchor]:
        """Return where literals start in data[begin:end], in order of offset."""
        numbers = {literal: number for number, literal in enumerate(literals)}
        longest_first = sorted(numbers, key=len, reverse=True)
        pattern = re.compile(b"(?=(" + b"|".join(re.escape(literal) for literal in longest_first) + b"))", re.DOTALL)
        found = [
            Anchor(match.start(), numbers[literal])
            for match in pattern.finditer(data, begin)
            if match.start() < end
            for literal in longest_first
            if data.startswith(literal, match.start())
        ]
        return sorted(found)

    def runs(self, data: bytes, end: int, members: bytes, least: int, *, first: int = 0, unit: int = 1) -> list[Run]:
        """Return the runs of at least `least` units that start in data[first:end]."""
        listed = b"".join(re.escape(bytes([byte])) for byte in range(256) if members[byte])
        pattern = re.compile(rb"(?:[%b]%b){%d,}" % (listed, b"\\0" * (unit - 1), least), re.DOTALL)
        found, at = list[Run](), first
        while (match := pattern.search(data, at)) is not None and match.start() < end:
            at = match.end() if (match.start() - first) % unit == 0 else match.start() + 1
            if at == match.end():
                found.append(Run(match.start(), match.end()))
        return found

    def undo_base64(self, data: bytes, end: int, *, continued: bool) -> tuple[bytes, list[Place]]:
        """Return what the runs of Base64 that start in data[:end] hold, and where each stands."""
        return _portable64.undo(data, end, continued=continued)

    def redo_base64(self, data: bytes, run: Run, *, skip: int = 0, alone: bool = False) -> tuple[bytes, list[Place]]:
        """Return what one run holds without its first `skip` signs, or if each line stands `alone`."""
        return _portable64.redo(data, run, skip=skip, alone=alone)

    def scalars(self, data: bytes, begin: int, end: int, search: CurveSearch) -> list[Hit]:
        """Return candidates for private scalars in windows that start at data[begin:end], at the search's step."""
        width, curve = search.curve.width, search.curve
        wanted = {x: number for number, (x, _) in enumerate(search.points)}
        found: list[Hit] = []
        for offset in range(begin, min(end, len(data) - width + 1), search.step):
            window = data[offset : offset + width]
            if window.count(0) > curve.most_zeros or window.isascii():
                continue
            value = search.order.value_of(window)
            public = point_of(curve.name, value) if 0 < value < curve.order else None
            if public is not None and public.x in wanted:
                found.append(Hit(offset, wanted[public.x], search.order, Part.SCALAR))
        return found


def _factors(data: bytes, whole: _Bytes, at: int, last: int, group: ModulusGroup, order: Order) -> Iterator[Hit]:
    width = group.width
    count = min(last, len(data) - width + 1) - at
    if count <= 0:
        return
    high, low = {Order.BIG: (0, width - 1), Order.LITTLE: (width - 1, 0), Order.WORDS: (3, width - 4)}[order]
    keep = (whole[at + high : at + high + count] >= group.least_top) & (whole[at + low : at + low + count] & 1 == 1)
    window = whole[at : at + count + width - 1]
    sums = _windowed(window, width)
    for prime in (3, 5, 17):
        keep &= sums % prime != 0  # 256 = 1 modulo each, so that the byte sum is the residue
    keep &= _windowed(window == 0, width) <= group.most_zeros
    for offset in np.flatnonzero(keep).tolist():
        value = order.value_of(data[at + offset : at + offset + width])
        for number, key in enumerate(group.keys):
            if key.n % value == 0:
                yield Hit(at + offset, number, order, Part.FACTOR)


def _exponents(data: bytes, whole: _Bytes, at: int, last: int, group: ModulusGroup, order: Order) -> Iterator[Hit]:
    width = 2 * group.width
    count = min(last, len(data) - width + 1) - at
    if count <= 0:
        return
    top = at + (width - 8 if order is Order.LITTLE else 0)
    tops = np.zeros(count, np.uint64)
    for place in {Order.BIG: range(8), Order.LITTLE: range(7, -1, -1), Order.WORDS: (3, 2, 1, 0, 7, 6, 5, 4)}[order]:
        tops = (tops << np.uint64(8)) | whole[top + place : top + place + count].astype(np.uint64)
    few = _windowed(whole[at : at + count + width - 1] == 0, width) <= 2 * group.most_zeros
    for number, exponent in enumerate(group.exponents):
        if not exponent.tolerance:
            continue
        for offset in np.flatnonzero(few & _near_fraction(tops, exponent)).tolist():
            window = data[at + offset : at + offset + width]
            if order.value_of(window) & 1 and _fits(int(tops[offset]), exponent):
                yield Hit(at + offset, number, order, Part.EXPONENT)


def _near_fraction(tops: npt.NDArray[np.uint64], exponent: Exponent) -> npt.NDArray[np.bool_]:
    """Tell which tops may be those of an exponent, by their upper and lower halves: rougher than `_fits`."""
    fine = (exponent.high << 64) + exponent.low
    upper = np.uint64(((fine << 32) % (1 << 128)) >> 64)
    fraction = (tops >> np.uint64(32)) * upper + (tops & np.uint64(0xFFFFFFFF)) * np.uint64(exponent.high)
    tolerance = min(exponent.tolerance + (exponent.smooth << 34), (1 << 62))
    near: npt.NDArray[np.bool_] = fraction * np.uint64(exponent.smooth) + np.uint64(tolerance) <= np.uint64(
        2 * tolerance
    )
    return near & (tops >= np.uint64(exponent.least))


def _fits(top: int, exponent: Exponent) -> bool:
    fraction = (top * ((exponent.high << 64) + exponent.low)) >> 64
    return (fraction * exponent.smooth + exponent.tolerance) % (1 << 64) <= 2 * exponent.tolerance


def _windowed(values: npt.NDArray[np.uint8] | npt.NDArray[np.bool_], width: int) -> npt.NDArray[np.int64]:
    """Return the sums of all windows of `width` values."""
    total = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    sums: npt.NDArray[np.int64] = total[width:] - total[:-width]
    return sums
