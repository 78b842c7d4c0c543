"""Where JSON values begin and end in bytes: brackets outside of strings, found with vector operations.

Nothing is decoded, and nothing is taken for granted: of broken JSON, it finds the brackets. What lies between them is
for the parser to judge, record by record.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# What the first step looks at, and what it grows to: an array may end soon, and a file of nothing but brackets takes 40
# times a window in memory.
FIRST_WINDOW_BYTES, WINDOW_BYTES = 1 << 12, 1 << 20

_OPEN, _CLOSE, _QUOTE, _ESCAPE = ord("{"), ord("}"), ord('"'), ord("\\")
_FOLD = 0x20  # folds [ into { and ] into }

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class State:
    """Where in a value a piece of bytes begins: so many brackets deep, in a string or not, after a backslash or not."""

    depth: int = 0
    quoted: bool = False
    escaped: bool = False


@dataclass(frozen=True)
class Found:
    """Values of one depth: the positions of their first and last brackets.

    The last one may have a start and no end. `close`: where the bracket around them closes, or -1.
    """

    starts: Positions
    ends: Positions
    close: int
    state: State


def values(data: bytes, state: State | None = None) -> Found:
    """Return the objects and arrays that lie side by side in the data, up to the bracket that closes around them."""
    whole = np.frombuffer(data, dtype=np.uint8)
    here = state or State()
    starts: list[Positions] = []
    ends: list[Positions] = []
    offset, window = 0, FIRST_WINDOW_BYTES
    while offset < len(whole):
        found = _window(whole[offset : offset + window], here)
        starts.append(found.starts + offset)
        ends.append(found.ends + offset)
        here = found.state
        if found.close >= 0:
            return Found(np.concatenate(starts), np.concatenate(ends), found.close + offset, here)
        offset, window = offset + window, min(2 * window, WINDOW_BYTES)
    none = np.empty(0, dtype=np.int64)
    return Found(np.concatenate([none, *starts]), np.concatenate([none, *ends]), -1, here)


def _window(data: npt.NDArray[np.uint8], state: State) -> Found:
    folded = data | _FOLD
    marks = np.flatnonzero((folded == _OPEN) | (folded == _CLOSE) | (data == _QUOTE))
    kinds = folded[marks]
    quotes = kinds == _QUOTE
    escaped = _escaped(data, marks[quotes], state.escaped)
    if len(escaped):
        dropped = np.flatnonzero(quotes)[escaped]
        marks, kinds, quotes = (np.delete(array, dropped) for array in (marks, kinds, quotes))
    quoted = (np.cumsum(quotes) + int(state.quoted)) & 1
    brackets = (quoted == 0) & ~quotes
    at = marks[brackets]
    steps = np.where(kinds[brackets] == _OPEN, 1, -1)
    depths = state.depth + np.cumsum(steps)
    after = State(
        int(depths[-1]) if len(depths) else state.depth,
        bool(quoted[-1]) if len(quoted) else state.quoted,
        len(_escaped(data, np.array([len(data)]), state.escaped)) == 1,
    )
    below = np.flatnonzero(depths < 0)
    close = -1
    if len(below):
        close = int(at[below[0]])
        at, steps, depths = at[: below[0]], steps[: below[0]], depths[: below[0]]
    return Found(at[(steps == 1) & (depths == 1)], at[(steps == -1) & (depths == 0)], close, after)


def _escaped(data: npt.NDArray[np.uint8], marks: Positions, escaped: bool) -> Positions:
    """Return the indices of the marks that follow an odd number of backslashes.

    `escaped`: one more backslash stands before the first byte.
    """
    after = np.flatnonzero((marks > 0) & (data[marks - 1] == _ESCAPE))
    first = np.flatnonzero(marks == 0) if escaped else after[:0]
    if not len(after):
        return first
    slashes = np.flatnonzero(data == _ESCAPE)
    begins = np.concatenate([[True], np.diff(slashes) != 1])
    run_start = slashes[np.flatnonzero(begins)]
    run = np.searchsorted(run_start, marks[after], side="right") - 1
    length = marks[after] - run_start[run]
    if escaped:
        length += run_start[run] == 0
    return np.concatenate([first, after[length % 2 == 1]])
