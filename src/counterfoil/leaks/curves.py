"""The curves of signing keys, and what a kernel must know to find a private scalar: points, computed once per key set.

The arithmetic is plain and slow, for a few thousand points at the start of a scan; see native/curve.c for the search.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from counterfoil.leaks.hits import Order

Point = tuple[int, int]

# Windows that one lane of the kernel looks at, and points that one call looks for: as in native/curve.c.
STRETCH = 256
MOST_KEYS = 16
# A random scalar of 32 bytes has more zero bytes once in 3 * 10^8.
_ZEROS_IN_32 = 5


@dataclass(frozen=True)
class Curve:
    """A short Weierstrass curve y^2 = x^3 + a x + b over a prime field (SEC 2, FIPS 186-4)."""

    name: str
    p: int
    a: int
    order: int
    g: Point

    @cached_property
    def width(self) -> int:
        """Return the bytes of a scalar."""
        return (self.order.bit_length() + 7) // 8

    @cached_property
    def most_zeros(self) -> int:
        """Return the most zero bytes that a scalar may hold."""
        return _ZEROS_IN_32 * self.width // 32

    def add(self, left: Point, right: Point) -> Point:
        """Return the sum of two points, neither the inverse of the other."""
        (x1, y1), (x2, y2) = left, right
        if left == right:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def multiply(self, scalar: int, point: Point) -> Point:
        """Return a multiple of a point, 0 < scalar < order."""
        result: Point | None = None
        for bit in bin(scalar)[2:]:
            result = None if result is None else self.add(result, result)
            if bit == "1":
                result = point if result is None else self.add(result, point)
        if result is None:
            raise ValueError("a multiple of a point by zero is no point")
        return result


def _curve(name: str, p: str, a: int, order: str, x: str, y: str) -> Curve:
    return Curve(name, int(p, 16), a % int(p, 16), int(order, 16), (int(x, 16), int(y, 16)))


CURVES: dict[str, Curve] = {
    curve.name: curve
    for curve in (
        _curve(
            "secp256r1",
            "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
            -3,
            "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        ),
        _curve(
            "secp256k1",
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
            0,
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
        ),
        _curve(
            "secp384r1",
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
            -3,
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
            "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
            "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
        ),
        _curve(
            "secp521r1",
            "01ff" + "f" * 128,
            -3,
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
            "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
            "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
            "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
        ),
    )
}


@dataclass(frozen=True)
class CurveSearch:
    """Public points of one curve that are looked for in one byte order, and the tables for it.

    `step`: windows looked at start at multiples of it; a multiple of 4 for Order.WORDS.
    """

    curve: Curve
    order: Order
    step: int
    points: tuple[Point, ...]

    @cached_property
    def start(self) -> Point:
        """Return a point that nobody knows."""
        return self.curve.multiply(secrets.randbelow(self.curve.order - 2) + 1, self.curve.g)

    @cached_property
    def bases(self) -> tuple[Point, ...]:
        """Return B(j): what one at place j of a stretch adds to the running sum."""
        return self._multiples([self._exponent(place) for place in range(STRETCH + self.curve.width)], self.curve.g)

    def targets(self, point: Point) -> tuple[Point | None, ...]:
        """Return R(i): what a window that starts at place i adds if it is the private scalar of `point`."""
        # every byte counts one more than it is, so that none adds nothing
        ones = sum(256**place for place in range(self.curve.width)) % self.curve.order
        whole = self.curve.add(point, self.curve.multiply(ones, self.curve.g))
        starts = range(0, STRETCH, self.step)
        after = {Order.BIG: self.curve.width - 1, Order.LITTLE: 0, Order.WORDS: self.curve.width - 4}[self.order]
        targets: list[Point | None] = [None] * STRETCH
        found = self._multiples([self._exponent(start + after) for start in starts], whole)
        for start, target in zip(starts, found, strict=True):
            targets[start] = target
        return tuple(targets)

    def _exponent(self, place: int) -> int:
        """Return which power of 256 a byte at this place counts; the byte that counts one is `after` the start."""
        if self.order is Order.BIG:
            return -place
        return place if self.order is Order.LITTLE else -(place // 4 * 4) + place % 4

    def _multiples(self, exponents: Sequence[int], point: Point) -> tuple[Point, ...]:
        """Return the multiples of a point by powers of 256."""
        low, high = min(exponents), max(exponents)
        result = {low: self.curve.multiply(pow(256, low, self.curve.order), point)}
        for exponent in range(low, high):
            raised = result[exponent]
            for _ in range(8):
                raised = self.curve.add(raised, raised)
            result[exponent + 1] = raised
        return tuple(result[exponent] for exponent in exponents)
