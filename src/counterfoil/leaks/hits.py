"""What a kernel returns: candidates for parts of a key, places where a written form may start, and runs of text."""

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


# What is known of a place of a text that was decoded (plain numbers: there are many places). FIRST: something that is
# coded by itself begins. RUN: a run of text begins. UNEVEN: lines of the run hold no whole groups, so that they may be
# coded one by one. GLUED: what stands before may not be of it.
FIRST, UNEVEN, GLUED, RUN = 1, 2, 4, 8


class Place(NamedTuple):
    """What stands at [start, end) of a text was decoded to [at, at + size)."""

    start: int
    end: int
    at: int
    size: int
    marks: int = 0


class Run(NamedTuple):
    """A run of bytes of one class at [start, end)."""

    start: int
    end: int


# Runs of Base64 are so long somewhere; after a gap a shorter line is the last; longer gaps end a run.
LEAST_RUN, LEAST_LINE, MOST_GAP = 32, 16, 160
# A place is told at least for so many decoded bytes.
PLACE_EVERY = 1024
# What stands between two texts that were decoded, so that they never read as one.
BETWEEN = b"\n\0\n"
