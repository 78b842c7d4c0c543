"""One engine for all tests of a process, and each group of cases judged once in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from .engine_run import Answer, Judge, judging
from .groups import Group

AnswerOf = Callable[[str, Group], Answer]


@pytest.fixture(scope="session")
def engine_judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """Yield what judges rows with the engine."""
    with judging(tmp_path_factory.mktemp("engine")) as judge:
        yield judge


@pytest.fixture(scope="session")
def answer_of(engine_judge: Judge) -> AnswerOf:
    """Return what judges a group of this name, once. Its tests are of the `xdist_group` of that name."""
    known: dict[str, Answer] = {}

    def answer(name: str, group: Group) -> Answer:
        if name not in known:
            known[name] = engine_judge(group.rows, group.settings, group.policy)
        return known[name]

    return answer
