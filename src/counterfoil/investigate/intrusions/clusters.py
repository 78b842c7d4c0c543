"""Clusters: which faces are one intruder's. Pure, and the same for the same faces in any order.

A face is what evidence shows of whoever made it: a person whose name was used, from where, with what. Two faces are
one intruder's if what they share is worth GLUE (`traits`); an intruder is what such links join. The links are taken
from the worthiest down, so that those kept are the best reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from counterfoil.investigate.intrusions.traits import LEASE_DAYS, TRAITS, enough, reaches, worth

# What is worth less is not told.
TELLING = 0.05
_LEASE = timedelta(days=LEASE_DAYS)


@dataclass(frozen=True)
class Face:
    """A face: `values` in the order of TRAITS, None where unknown. Times are naive UTC."""

    id: int
    values: tuple[str | None, ...]
    first: datetime
    last: datetime
    grave: bool = True  # of a finding that accuses, not of a suspicion


@dataclass(frozen=True)
class Tie:
    """Faces that share something beyond their traits (a token, a session, lineage), in words, and its worth."""

    kind: str
    value: str
    worth: float
    faces: tuple[int, ...]


@dataclass(frozen=True)
class Shared:
    """A trait that two faces share, and how many people of the estate show it."""

    kind: str
    value: str
    people: int
    worth: float


@dataclass(frozen=True)
class Link:
    """Why two faces are one intruder's: what they share, the worthiest first."""

    first: int
    second: int
    worth: float
    shared: tuple[Shared, ...]


@dataclass(frozen=True)
class Clustered:
    """Groups of face ids, the earliest first, and the links that hold each together."""

    groups: tuple[tuple[int, ...], ...]
    links: tuple[Link, ...]


def clustered(faces: Sequence[Face], ties: Iterable[Tie], people: Mapping[tuple[str, str], int]) -> Clustered:
    """Return the clusters of the faces. `people`: how many of the estate show a trait, by kind and value.

    What is grave is joined first. Faces of mere suspicions join it then, or each other, and never join two groups
    that are apart without them: an innocent may be among them.
    """
    ordered = sorted(faces, key=lambda face: (face.first, face.id))
    by_id = {face.id: face for face in ordered}
    known = list(ties)
    sets = _Sets(ordered)
    links = [
        _link(by_id[first], by_id[second], people, None if tie < 0 else known[tie])
        for _, _, _, first, second, tie in sorted(_offers(ordered, known, people))
        if sets.join(first, second)
    ]
    groups: dict[int, list[int]] = {}
    for face in ordered:
        groups.setdefault(sets.find(face.id), []).append(face.id)
    return Clustered(tuple(tuple(group) for group in groups.values()), tuple(links))


class _Sets:
    """Disjoint sets of faces (union-find), of which it is known whether a grave face is in them."""

    def __init__(self, faces: Iterable[Face]) -> None:
        self._root = {face.id: face.id for face in faces}
        self._grave = {face.id for face in faces if face.grave}
        self._own = set(self._grave)

    def find(self, face: int) -> int:
        """Return the face that stands for the set."""
        while self._root[face] != face:
            self._root[face] = self._root[self._root[face]]
            face = self._root[face]
        return face

    def join(self, first: int, second: int) -> bool:
        """Make one set of two; tell whether that was done."""
        low, high = self.find(first), self.find(second)
        if low == high:
            return False
        low, high = min(low, high), max(low, high)
        if low in self._grave and high in self._grave and not {first, second} <= self._own:
            return False
        self._root[high] = low
        if high in self._grave:
            self._grave.add(low)
        return True


# Its turn, what it is worth (negated), its kind, two faces, and the place of its tie or -1: in order, the best first.
_Offer = tuple[int, float, str, int, int, int]


def _offers(ordered: Sequence[Face], ties: Sequence[Tie], people: Mapping[tuple[str, str], int]) -> Iterable[_Offer]:
    """Yield links that hold: of all faces that share enough, each with the next in time; first the grave ones."""
    place = {face.id: number for number, face in enumerate(ordered)}
    for rank, tie in enumerate(ties):
        if reaches(tie.worth):
            members = [ordered[number] for number in sorted(place[face] for face in tie.faces)]
            for turn, some in _turns(members):
                yield from ((turn, -tie.worth, tie.kind, a.id, b.id, rank) for a, b in pairwise(some))
    sharing: dict[tuple[tuple[int, str], ...], list[Face]] = {}
    for face in ordered:
        for choice in enough(_worths(face, people)):
            key = tuple((number, face.values[number] or "") for number in choice)
            sharing.setdefault(key, []).append(face)
    for key, members in sharing.items():
        value = sum(worth(TRAITS[number].kind, people.get((TRAITS[number].kind, text), 0)) for number, text in key)
        placed = any(TRAITS[number].aspect == "place" for number, _ in key)
        for turn, some in _turns(members):
            yield from ((turn, -value, "traits", a.id, b.id, -1) for a, b in _next(some, leased=placed))


def _turns(members: Sequence[Face]) -> Iterable[tuple[int, Sequence[Face]]]:
    grave = [face for face in members if face.grave]
    yield 0, grave
    if len(grave) < len(members):
        yield 1, members


def _next(members: Sequence[Face], *, leased: bool) -> Iterable[tuple[Face, Face]]:
    """Yield each with the next in time; an address that lay idle for longer than a lease may be another's since."""
    if not leased or not members:
        yield from pairwise(members)
        return
    reached = members[0].last
    for a, b in pairwise(members):
        if b.first - reached <= _LEASE:
            yield a, b
        if b.last > reached:
            reached = b.last


def _worths(face: Face, people: Mapping[tuple[str, str], int]) -> tuple[float, ...]:
    return tuple(
        0.0 if value is None else worth(trait.kind, people.get((trait.kind, value), 0))
        for trait, value in zip(TRAITS, face.values, strict=True)
    )


def _link(first: Face, second: Face, people: Mapping[tuple[str, str], int], tie: Tie | None) -> Link:
    """Return the link with all that the two share; of a place the worthier of address and network."""
    shared: dict[str, Shared] = {}
    for trait, a, b in zip(TRAITS, first.values, second.values, strict=True):
        if a is not None and a == b:
            known = people.get((trait.kind, a), 0)
            told = Shared(trait.kind, a, known, worth(trait.kind, known))
            if told.worth < TELLING:
                continue
            if trait.aspect not in shared or told.worth > shared[trait.aspect].worth:
                shared[trait.aspect] = told
    told_first = [] if tie is None else [Shared(tie.kind, tie.value, 0, tie.worth)]
    best = sorted(shared.values(), key=lambda each: (-each.worth, each.kind))
    every = (*told_first, *best)
    return Link(first.id, second.id, sum(each.worth for each in every), every)
