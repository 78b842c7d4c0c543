"""Calls of many threads run one after the other, and each gets its own result."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from counterfoil.custody.turns import Turns
from counterfoil.errors import KeyStoreError


def test_calls_never_overlap_and_results_are_not_mixed_up() -> None:
    """Eight threads, one call at a time, values and errors where they belong."""
    turns, inside, wrong = Turns(), [0], list[str]()

    def call(number: int) -> Callable[[], int]:
        def made() -> int:
            inside[0] += 1
            if inside[0] != 1:
                wrong.append("overlap")
            threading.Event().wait(0.0005)
            inside[0] -= 1
            if number % 7 == 0:
                raise KeyStoreError(str(number))
            return number

        return made

    def work(begin: int) -> None:
        for number in range(begin, begin + 30):
            if _told(turns, call(number)) != number:
                wrong.append(f"another's for {number}")

    threads = [threading.Thread(target=work, args=(place * 100,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _told(turns: Turns, call: Callable[[], int]) -> int:
    """Return what a call says, as a value or as an error."""
    try:
        return turns.run(call)
    except KeyStoreError as error:
        return int(str(error))


def test_an_interrupted_call_ends_no_other() -> None:
    """Ctrl-C in the thread that works for others: they are told, and the next call works."""
    turns = Turns()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turns.run(interrupted)
    assert turns.run(lambda: 1) == 1
