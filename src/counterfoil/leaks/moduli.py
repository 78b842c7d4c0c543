"""RSA moduli, and what a kernel must know to find their private parts.

A private exponent is known by its top: e * d = 1 + k * phi(n) / g, so e * d / n lies within 2^-1000 of k / g, where g
divides n - 1. See native/exponent.c; the numbers are computed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isqrt

# Moduli that are looked for by their parts: as wide as the kernel's numbers, and no smaller than anyone uses.
LEAST_BITS, MOST_BITS = 512, 8192
# A random factor of 1024 bits has more zero bytes once in 10^13; code, text and tables have many.
MOST_ZERO_BYTES = 10
# g = gcd(p - 1, q - 1) divides the product of the small primes in n - 1, as far as these reach, but for one key in some
# 6,000 (for one in 1,000 with 2^20). Both bound what a chance hit costs.
SMOOTH_BOUND = 4096
MOST_SMOOTH = 1 << 27
# Keys of which that product is remembered: chance hits ask for it again and again.
MAX_CACHED = 4096
_MOST_TOLERANCE = 1 << 44
_MOST_TOLERANCE52 = 1 << 36


@dataclass(frozen=True)
class Modulus:
    """A public RSA key: modulus `n` and exponent `e`; `key` is whatever the caller knows it by."""

    n: int
    e: int
    key: int


@dataclass(frozen=True)
class Exponent:
    """What tells a private exponent: see `struct exponent` in native/kernel.h for units."""

    high: int
    low: int
    smooth: int
    tolerance: int
    least: int
    high52: int
    low52: int
    tolerance52: int


@dataclass(frozen=True)
class ModulusGroup:
    """Moduli whose factors are equally wide: `width` bytes, a multiple of 8."""

    width: int
    keys: tuple[Modulus, ...]

    @cached_property
    def least_top(self) -> int:
        """Return the least top byte of a factor: p > n / 2^(8 width), so its top byte is at least that of n."""
        return min(key.n >> (16 * self.width - 8) for key in self.keys)

    @cached_property
    def most_zeros(self) -> int:
        """Return the most zero bytes that a factor may hold."""
        return MOST_ZERO_BYTES

    @cached_property
    def exponents(self) -> tuple[Exponent, ...]:
        """Return what tells the private exponent of each key."""
        return tuple(_exponent(key, 16 * self.width) for key in self.keys)


def groups(keys: Iterable[Modulus]) -> tuple[ModulusGroup, ...]:
    """Return the keys by the width of their factors; keys out of bounds are left out."""
    by_width: dict[int, list[Modulus]] = {}
    for key in keys:
        if fits(key.n):
            by_width.setdefault(-(-key.n.bit_length() // 128) * 8, []).append(key)
    return tuple(ModulusGroup(width, tuple(held)) for width, held in sorted(by_width.items()))


def fits(n: int) -> bool:
    """Tell whether the parts of a key with this modulus can be looked for."""
    return LEAST_BITS <= n.bit_length() <= MOST_BITS and n % 2 == 1


def factors_from_exponent(key: Modulus, d: int) -> tuple[int, int] | None:
    """Return the factors of n if `d` is a private exponent of the key, else None.

    With s any multiple of g: (e d - 1) s = k phi(n) for k = round(e d s / n), so phi(n) follows by one exact division,
    p + q = n + 1 - phi(n) from it, and p and q as the roots of a quadratic.
    """
    smooth = smooth_part(key)
    product = key.e * d
    k = (2 * product * smooth + key.n) // (2 * key.n)
    if k <= 0:
        return None
    # phi(n) is below n, so that k may be short by one where e d s / n rounds down
    for guess in (k, k + 1):
        phi, rest = divmod((product - 1) * smooth, guess)
        if rest == 0 and (found := _roots(key.n, key.n + 1 - phi)) is not None:
            return found
    return None


@lru_cache(maxsize=MAX_CACHED)
def smooth_part(key: Modulus) -> int:
    """Return the product of the small prime powers that divide n - 1, as large as the key's exponent allows."""
    number, smooth = key.n - 1, 1
    most = min(MOST_SMOOTH, _MOST_TOLERANCE // (2 * key.e + 2))
    for prime in range(2, SMOOTH_BOUND):
        while number % prime == 0 and smooth * prime <= most:
            number //= prime
            smooth *= prime
    return smooth


def _roots(n: int, total: int) -> tuple[int, int] | None:
    """Return p and q with p * q = n and p + q = total, else None."""
    square = total * total - 4 * n
    if total <= 0 or square < 0:
        return None
    root = isqrt(square)
    p = (total + root) // 2
    return (p, n // p) if 1 < p < n and p * (n // p) == n else None


def _exponent(key: Modulus, bits: int) -> Exponent:
    smooth = smooth_part(key)
    tolerance, tolerance52 = smooth * (2 * key.e + 2), smooth * (2 * key.e + 4)
    if tolerance > _MOST_TOLERANCE:
        # so large a public exponent leaves nothing to tell by: none is looked for
        return Exponent(0, 0, 0, 0, 2**64 - 1, 0, 0, 0)
    fine = (key.e << (bits - 64 + 128)) // key.n % (1 << 128)
    fine52 = (key.e << (bits - 52 + 104)) // key.n % (1 << 104)
    return Exponent(
        high=fine >> 64,
        low=fine % (1 << 64),
        smooth=smooth,
        tolerance=tolerance,
        least=max((key.n >> (bits - 64)) // (key.e * smooth) - 1, 1),
        high52=fine52 >> 52,
        low52=fine52 % (1 << 52),
        tolerance52=tolerance52 if tolerance52 < _MOST_TOLERANCE52 else 0,
    )
