"""What a form finds, and the text it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from counterfoil.leaks.private import PrivateKey

# Part of the name of a form that is a key, and of which no more is known.
NOT_UNDERSTOOD = "not-understood"
# How far before and after its mark a form may look; the scan gives so much at the borders of its chunks.
BACK = 16 << 10
AHEAD = 64 << 10


@dataclass(frozen=True, repr=False)
class Found:
    """A form stands at [start, end) of the text. Without a `key`, `note` says what it is and why it is not open.

    `sealed` is what a DKM key may open. `cut`: it is not there to its end, so that its structure alone says little.
    """

    form: str
    start: int
    end: int
    key: PrivateKey | None = None
    note: str = ""
    sealed: bytes = b""
    cut: bool = False


# A reader of a form: the text, and where in it a mark stands.
Reader = Callable[[bytes, int], Iterator[Found]]


@dataclass(frozen=True)
class Mark:
    """A literal of at least four bytes by which a form is known, and who reads it.

    A reader looks at a bounded stretch, and where marks may follow one another closely, no further than to the next:
    so that the time for a text grows with its length, whatever stands in it.
    """

    literal: bytes
    reader: Reader
