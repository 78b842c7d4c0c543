"""A pivot: all records that touch one thing, how each is joined to it, and where one can go from there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Trait(StrEnum):
    """What one can pivot on; the value is the option that names it."""

    TOKEN = "token"  # noqa: S105  # the name of an option
    DIGEST = "digest"
    SESSION = "session"
    IP = "ip"
    USER = "user"
    CLIENT = "client"
    AGENT = "agent"
    DEVICE = "device"
    KEY = "key"
    OBJECT = "object"

    @property
    def words(self) -> str:
        """The trait as a sentence names it."""
        return {Trait.TOKEN: "token id", Trait.IP: "address"}.get(self, str(self))


class Joined(StrEnum):
    """How a record that does not itself carry what was asked is joined to one that does; the surest first."""

    DIGEST = "digest"  # the same signed bytes
    TOKEN = "token id"  # noqa: S105  # the same token, if nobody copied its id
    LINEAGE = "lineage"  # it was obtained with such a token, or such a token with it
    SESSION = "session"  # the same session: a claim of whoever held the token
    ADDRESS = "actor and address"  # the same user from the same address, within a day
    TIME = "time alone"  # the same user, within ten minutes: nothing else joins it


# Joined so, a record tells of the same token or session, and what it carries is worth following.
FOLLOWED = (Joined.DIGEST, Joined.TOKEN, Joined.LINEAGE, Joined.SESSION)


@dataclass(frozen=True)
class Line:
    """One record. `joined`: the trait that was asked and that it carries, or a value of `Joined`.

    `verdict`: of its token, empty where none is told; `lacks`: what of its trail is not in evidence.
    """

    time: datetime | None
    joined: str
    leg: str
    source: str
    operation: str
    outcome: str
    verdict: str
    lacks: tuple[str, ...]
    user: str | None
    ip: str | None
    client: str | None
    user_agent: str | None
    session: str | None
    token: str | None
    digest: str | None
    key: str | None
    device: str | None
    object_kind: str | None
    object: str | None
    file: str
    position: int


@dataclass(frozen=True)
class JoinCount:
    """How many records are joined in one way, and how many of them are among the lines."""

    joined: str
    records: int
    shown: int


@dataclass(frozen=True)
class NextPivot:
    """A value that these records carry, and others too.

    `here`: records of this pivot that carry it, `records`: of the whole case, `users`: whom those name; `sign_ins`:
    successful ones among them, None where a sign-in never carries the trait.
    """

    trait: Trait
    value: str
    here: int
    records: int
    users: int
    sign_ins: int | None


@dataclass(frozen=True)
class Pivot:
    """All that touches what was asked: `asked` are its traits with the values of each.

    `counts` add up to all records that were found; `lines` are the surest of them, in order of time. `absent`: what the
    case does not hold at all, so that no line says it of itself; `unfollowed`: why the search ended early, or empty.
    `next` has the rarest first; `together`, by trait, rare values that no sign-in carries, to be asked at once.
    """

    case: str
    case_records: int
    asked: tuple[tuple[Trait, tuple[str, ...]], ...]
    counts: tuple[JoinCount, ...]
    lines: tuple[Line, ...]
    absent: tuple[str, ...]
    unfollowed: str
    next: tuple[NextPivot, ...]
    together: tuple[tuple[Trait, tuple[str, ...]], ...]

    @property
    def total(self) -> int:
        """All records found."""
        return sum(count.records for count in self.counts)

    @property
    def left_out(self) -> int:
        """Those of them that are not among the lines."""
        return self.total - len(self.lines)
