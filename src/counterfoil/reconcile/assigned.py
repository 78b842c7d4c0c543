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
    """Return every miss that some largest assignment leaves out, with a number: 1 on as many as it leaves out, else 0.

    `pairs`: a miss, a record that may hide it, and how many the record may hide.
    """
    given = _Assignment(pairs)
    free = [miss for miss in sorted(given.records) if not given.place(miss)]
    held = (miss for record in given.dead for miss in given.held[record])
    return dict.fromkeys(held, 0) | dict.fromkeys(free, 1)
