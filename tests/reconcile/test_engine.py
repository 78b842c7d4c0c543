"""The engine says what the double says, about many more histories than test_histories draws: run by run, so slow."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tries

from .engine_run import Judge, differences
from .histories import History, histories
from .scenes import SCENES, Scene

MANY = 15  # histories; one run of the engine takes seconds


def _agree(engine_judge: Judge, scenes: Iterable[Scene], count: int) -> None:
    """Hold the engine against the reference on this many histories of these scenes."""

    @tries(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(scenes))
    def agree(history: History) -> None:
        answer = engine_judge(history.rows, history.settings, history.policy)
        assert differences(answer, history.rows, history.settings, history.policy) == []

    agree()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_the_engine_says_what_the_reference_says_of_each_scene(engine_judge: Judge, scene: Scene) -> None:
    """1 to 7: each kind of situation, alone and repeated, so that its rules meet each other."""
    _agree(engine_judge, [scene], MANY)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_engine_says_what_the_reference_says_of_many(engine_judge: Judge) -> None:
    """1 to 7: all kinds of situations in one case."""
    _agree(engine_judge, SCENES, 10 * MANY)
