"""What a check is, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from counterfoil.posture.baseline import Baseline

S = TypeVar("S")


class Verdict(StrEnum):
    """The four answers, worst first. Where data are missing the answer is `cannot tell`, never `pass`."""

    FAIL = "fail"
    PARTIAL = "partial"
    CANNOT_TELL = "cannot tell"
    PASS = "pass"  # noqa: S105  # a verdict


class Origin(StrEnum):
    """Whether somebody chose what is seen."""

    DEFAULT = "default"
    DELIBERATE = "deliberate"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Answer:
    """What a check says of one subject. `where`: what it rests on (dates, keys, records), each one line."""

    verdict: Verdict
    seen: str
    expected: str
    origin: Origin = Origin.UNKNOWN
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check(Generic[S]):
    """A question about subjects of the type `reads`.

    `question`: one sentence. `why`: the incident that it comes from, and `sources` the clauses. `needs`: which input
    answers it. `gain`: what mending it brings, 1 to 10, which orders the next steps. `fix`: steps in order; `breaks`:
    what they may break. `judge` is pure.
    """

    id: str
    question: str
    why: str
    sources: tuple[str, ...]
    reads: type[S]
    needs: str
    gain: int
    fix: tuple[str, ...]
    breaks: str
    judge: Callable[[S, Baseline], Answer]


def cannot_tell(seen: str, expected: str) -> Answer:
    """Return the answer for want of data."""
    return Answer(Verdict.CANNOT_TELL, seen, expected)
