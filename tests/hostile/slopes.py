"""How the time for an input grows with its size: the exponent, fitted on log-log axes over processor time.

A case is a row: a sentence, and what makes an input of some size. Rows for another reader go into a file of their own,
and into `SLOPES` in `tests.hostile.time_cases`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

KIB = 1 << 10
# From 64 kB to 4 MB: what is cubic or quadratic over this range shows in seconds.
SIZES = (64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB)
MOST_EXPONENT = 1.1
# Times below this are those of starting, and say nothing of growth.
LEAST_SECONDS = 0.02
# An input that takes longer is not made larger: it is a surprise already, unless it grows slowly.
MOST_SECONDS = 60.0


@dataclass(frozen=True)
class Slope:
    """One case: `make` gives an input of about so many bytes, `read` is what takes the time.

    `read` returns "" or what surprised: for example that it gave up.
    """

    sentence: str
    make: Callable[[int], bytes]
    read: Callable[[bytes], str]


@dataclass(frozen=True)
class Growth:
    """What came of a case: seconds at each size, the exponent, and what surprised."""

    seconds: tuple[float, ...]
    exponent: float
    surprise: str = ""


def measured(case: Slope, sizes: Sequence[int] = SIZES) -> Growth:
    """Run the case at each size, smallest first."""
    points: list[tuple[int, float]] = []
    surprise = ""
    for size in sizes:
        data = case.make(size)
        begun = time.process_time()
        surprise = surprise or case.read(data)
        points.append((len(data), time.process_time() - begun))
        if points[-1][1] > MOST_SECONDS:
            break
    exponent = fitted(points)
    if exponent > MOST_EXPONENT:
        surprise = surprise or f"grows with the power {exponent:.2f} of the size"
    return Growth(tuple(seconds for _, seconds in points), exponent, surprise)


def fitted(points: Sequence[tuple[int, float]]) -> float:
    """Return the exponent of size by which seconds grow: least squares on logarithms; 0 if it is all starting time."""
    told = [(math.log(size), math.log(seconds)) for size, seconds in points if seconds >= LEAST_SECONDS]
    if len(told) < 2:
        return 0.0
    middle_x, middle_y = (sum(values) / len(told) for values in zip(*told, strict=True))
    together = sum((x - middle_x) * (y - middle_y) for x, y in told)
    return float(together / sum((x - middle_x) ** 2 for x, _ in told))
