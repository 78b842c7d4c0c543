"""How many of what is missing some records can hide at most: an assignment of misses to records, as large as can be.

Kuhn's algorithm. What no record is left for, and what could be left out in its place, are the sets of which some are
forged (the part of the Dulmage-Mendelsohn decomposition with too many members).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable


class _Assignment:
    """Who is assigned to which record. `dead`: records from which no search can lead to a free place any more."""

    def __init__(self, pairs: Iterable[tuple[str, str, int]]) -> None:
        self.records: dict[str, list[str]] = defaultdict(list)
        self.room: dict[str, int] = {}
        for miss, record, places in pairs:
            self.records[miss].append(record)
            self.room[record] = places
        self.held: dict[str, set[str]] = defaultdict(set)
        self.at: dict[str, str] = {}
        self.dead: set[str] = set()

    def place(self, miss: str) -> bool:
        """Find a record for the miss, moving others where that frees one; tell whether there is one."""
        reached: dict[str, str] = {}  # record -> the miss from which it was reached
        queue = deque([miss])
        while queue:
            one = queue.popleft()
            for record in self.records[one]:
                if record in reached or record in self.dead:
                    continue
                reached[record] = one
                if len(self.held[record]) < self.room[record]:
                    self._move(record, reached)
                    return True
                queue.extend(sorted(self.held[record]))
        self.dead.update(reached)
        return False

    def _move(self, record: str, reached: dict[str, str]) -> None:
        while True:
            miss = reached[record]
            before = self.at.get(miss)
            self.held[record].add(miss)
            self.at[miss] = record
            if before is None:
                return
            self.held[before].discard(miss)
            record = before


def left_out(pairs: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """Return every miss that some largest assignment leaves out, with a number.

    `pairs`: a miss, a record that may hide it, and how many the record may hide. Misses that share records with each
    other make a set; at least so many of it are in no record: the number stands on its first member, 0 on the others.
    """
    given = _Assignment(pairs)
    free = [miss for miss in sorted(given.records) if not given.place(miss)]
    members = {*free, *(miss for record in given.dead for miss in given.held[record])}
    holders: dict[str, list[str]] = defaultdict(list)
    for miss in sorted(members):
        for record in given.records[miss]:
            holders[record].append(miss)
    found: dict[str, int] = {}
    for miss in sorted(members):
        if miss not in found:
            mates = _mates(miss, given.records, holders)
            found |= dict.fromkeys(mates, 0) | {miss: sum(one in mates for one in free)}
    return found


def _mates(miss: str, records: dict[str, list[str]], holders: dict[str, list[str]]) -> set[str]:
    """Return the members that are connected with this one through records."""
    mates, asked, queue = {miss}, set[str](), deque([miss])
    while queue:
        for record in records[queue.popleft()]:
            if record not in asked:
                asked.add(record)
                new = [one for one in holders[record] if one not in mates]
                mates.update(new)
                queue.extend(new)
    return mates
