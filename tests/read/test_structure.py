"""Brackets are found as a reader finds them who goes through the text character by character."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.read import structure
from counterfoil.read.structure import State, values


def _slowly(data: bytes) -> tuple[list[int], list[int], int]:
    """Return the same by the definition: starts, ends, and where the bracket around them closes."""
    starts: list[int] = []
    ends: list[int] = []
    depth, quoted, escaped = 0, False, False
    for at, byte in enumerate(data):
        char = chr(byte)
        if char == '"' and not escaped:
            quoted = not quoted
        elif char in "[{" and not quoted:
            depth += 1
            if depth == 1:
                starts.append(at)
        elif char in "]}" and not quoted:
            depth -= 1
            if depth < 0:
                return starts, ends, at
            if depth == 0:
                ends.append(at)
        escaped = char == "\\" and not escaped
    return starts, ends, -1


TEXTS = st.text(alphabet='{}[]"\\ax,', max_size=60).map(str.encode)


@settings(max_examples=300, deadline=None)
@given(data=TEXTS, window=st.integers(1, 9))
def test_it_finds_what_a_slow_reader_finds(data: bytes, window: int) -> None:
    """Whatever the text and wherever its windows end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure, "WINDOW_BYTES", window)
        found = values(data)
    assert (found.starts.tolist(), found.ends.tolist(), found.close) == _slowly(data)


@settings(max_examples=200, deadline=None)
@given(data=TEXTS, cut=st.integers(0, 60))
def test_a_text_in_two_pieces_is_one_text(data: bytes, cut: int) -> None:
    """The state at the end of a piece is all that the next one needs."""
    first = values(data[:cut])
    if first.close >= 0:
        return
    second = values(data[cut:], first.state)
    starts, ends, close = _slowly(data)
    here = min(cut, len(data))
    assert first.starts.tolist() + [at + here for at in second.starts.tolist()] == starts
    assert first.ends.tolist() + [at + here for at in second.ends.tolist()] == ends
    assert (second.close + here if second.close >= 0 else -1) == close


def test_a_long_run_of_backslashes_costs_no_more_than_other_bytes() -> None:
    """Half a million backslashes before a quote are one run, not as many steps."""
    data = b'{"' + b"\\" * 500_000 + b'"}'
    assert values(data).ends.tolist() == [len(data) - 1]
    assert values(data[:2] + data[3:]).state == State(1, True, False)
