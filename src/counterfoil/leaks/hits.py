"""What a kernel returns: candidates for parts of a key, and places where a written form may start."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple


class Order(IntFlag):
    """How a big number lies in memory.

    `WORDS`: 32-bit little-endian words, the most significant first, as Java's BigInteger keeps its magnitude.
    """

    BIG = 1
    LITTLE = 2
    WORDS = 4

    def value_of(self, window: bytes) -> int:
        """Return the number that a window of bytes holds in this order."""
        if self is Order.LITTLE:
            return int.from_bytes(window, "little")
        if self is Order.WORDS:
            window = b"".join(window[at : at + 4][::-1] for at in range(0, len(window), 4))
        return int.from_bytes(window, "big")

    def bytes_of(self, value: int, width: int) -> bytes:
        """Return `width` bytes that hold a number in this order; the inverse of `value_of`."""
        window = value.to_bytes(width, "little" if self is Order.LITTLE else "big")
        if self is Order.WORDS:
            window = b"".join(window[at : at + 4][::-1] for at in range(0, width, 4))
        return window


ALL_ORDERS = Order.BIG | Order.LITTLE | Order.WORDS


class Part(IntEnum):
    """Which part of a private key a window of bytes may be."""

    FACTOR = 0
    EXPONENT = 1
    SCALAR = 2


class Hit(NamedTuple):
    """A candidate: the window at `offset` may be this part of the key with index `key` of its group."""

    offset: int
    key: int
    order: Order
    part: Part


class Anchor(NamedTuple):
    """A literal, by its index, starts at `offset`."""

    offset: int
    literal: int
