"""Evidence that comes in batches, in any order, and is settled in parts, is judged as if it had come at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from .conftest import AnswerOf
from .drawn import groups
from .engine_run import Answer, JudgeSteps, judging_in_steps
from .histories import History, histories
from .rows import Row
from .scenes import SCENES

MANY = 250


@pytest.fixture(scope="module")
def judge_steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JudgeSteps]:
    """Yield what judges batches with the engine."""
    with judging_in_steps(tmp_path_factory.mktemp("steps")) as judge:
        yield judge


def _comparable(answer: Answer) -> dict[str, Any]:
    def sorted_rows(rows: list[Row]) -> list[list[tuple[str, Any]]]:
        return sorted((sorted(row.items()) for row in rows), key=repr)

    return {
        "tokens": sorted_rows(answer.tokens),
        "strata": sorted_rows(answer.strata),
        "twins": sorted_rows(answer.twins),
        "uses": sorted_rows(answer.uses),
        "coverage": answer.coverage,
    }


def _agree(judge: JudgeSteps, count: int) -> None:
    @tries(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(SCENES), st.data())
    def agree(history: History, data: st.DataObject) -> None:
        place = st.integers(0, len(history.rows))
        cuts = sorted(data.draw(st.lists(place, min_size=1, max_size=3)))
        bounds = [0, *cuts, len(history.rows)]
        batches = [history.rows[lo:hi] for lo, hi in pairwise(bounds)]
        whole = judge([history.rows], history.settings, history.policy, 1)
        steps = judge(batches, history.settings, history.policy, data.draw(st.sampled_from([1, 2, 4])))
        assert _different(steps, whole) == []

    agree()


def _different(steps: Answer, whole: Answer) -> list[str]:
    ours, theirs = _comparable(steps), _comparable(whole)
    return [name for name, rows in theirs.items() if ours[name] != rows]


@pytest.mark.xdist_group("histories")
def test_batches_in_any_order_are_judged_as_a_whole(judge_steps: JudgeSteps, answer_of: AnswerOf) -> None:
    """However the records are split, and whatever comes first: tokens, verdicts, strata and uses are the same.

    The histories under small constants are put into three batches, the first of which is settled in two parts.
    """
    group = groups()["tiny"]
    rows = random.Random(12).sample(group.rows, len(group.rows))  # noqa: S311  # no secret
    batches = [rows[place::3] for place in range(3)]
    whole = answer_of("histories tiny", group)
    steps = judge_steps(batches, group.settings, group.policy, 2)
    assert _different(steps, whole) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_histories_in_batches_are_judged_as_a_whole(judge_steps: JudgeSteps) -> None:
    """The same for many histories."""
    _agree(judge_steps, MANY)
