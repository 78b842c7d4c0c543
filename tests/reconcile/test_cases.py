"""Every case of the reference, through the engine and beside the double."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from . import (
    cases_coverage,
    cases_custody,
    cases_entitled,
    cases_farms,
    cases_ids,
    cases_lineage,
    cases_links,
    cases_misses,
    cases_own_ledger,
    cases_own_log,
    cases_records,
    cases_without_id,
)
from .cases import Case
from .engine_run import Judge
from .groups import grouped

TABLES = (
    cases_records, cases_links, cases_ids, cases_without_id, cases_coverage, cases_farms, cases_misses, cases_lineage,
    cases_own_ledger, cases_own_log, cases_custody, cases_entitled,
)  # fmt: skip
CASES: dict[str, Case] = {sentence: case for table in TABLES for sentence, case in table.CASES.items()}
GROUPS = grouped(CASES)
RUNS = [(number, sentence) for number, group in enumerate(GROUPS) for sentence in group.placed]
Wrong = Callable[[int], dict[str, list[str]]]


@pytest.fixture(scope="module")
def wrong(engine_judge: Judge) -> Wrong:
    """Return what is wrong with the cases of a group, judged in one run."""

    @cache
    def of(number: int) -> dict[str, list[str]]:
        group = GROUPS[number]
        return group.wrong(engine_judge(group.rows, group.settings, group.policy))

    return of


@pytest.mark.parametrize(
    ("number", "sentence"),
    [pytest.param(number, sentence, id=sentence, marks=pytest.mark.xdist_group(f"reference-{number}"))
     for number, sentence in RUNS],
)  # fmt: skip
def test_case(wrong: Wrong, number: int, sentence: str) -> None:
    """1 to 8: the engine says what the case wants, and what the double says."""
    assert wrong(number).get(sentence, []) == []
