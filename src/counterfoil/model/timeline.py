"""The timeline of an intrusion: every line says how it is joined, and what is not in evidence for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Lines of one timeline: of more, those that repeat what came before are joined, and the last are left out.
MAX_LINES = 1_000


class Basis(StrEnum):
    """How a record is joined with an intrusion, the surest first."""

    DIGEST = "digest"  # the digest of a token of the intrusion
    TOKEN_ID = "token id"  # noqa: S105  # the id of such a token
    KEY_READ = "key read"  # the farm's key was read, by somebody who is not its service
    SESSION = "session"  # the session of such a token
    ACTOR_AND_ADDRESS = "actor and address"
    TRAITS = "traits"  # shares enough of what is rare in the estate
    ADDRESS = "address"
    ACTOR = "actor"
    TIME = "time alone"


# With these a line is no evidence of the intrusion: it stands beside it, to be looked at.
BESIDE = frozenset({Basis.ADDRESS, Basis.ACTOR, Basis.TIME})


@dataclass(frozen=True)
class Line:
    """Records alike, one after another: from `time` to `until`. `absent`: what is not in evidence for them.

    `path` and `position` name the first one's place.
    """

    time: datetime
    until: datetime
    what: str
    outcome: str
    who: str
    where: str
    by: str
    reached: str
    records: int
    basis: Basis
    absent: tuple[str, ...]
    source: str
    path: str
    position: int
