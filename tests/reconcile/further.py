"""Tests that tell of a mutant what no case can: of farms' keys, bounds, and evidence that comes in batches and parts.

Modules are imported when they are asked for, so that a mutant is among them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest import MonkeyPatch

from counterfoil.case.engine import engine
from counterfoil.case.tables import Tables


def _farm_key(work: Path) -> None:
    tests = importlib.import_module("tests.reconcile.test_farm_key")
    with engine(work, memory=None, threads=1) as con:
        tables = Tables(con, work / "piles")
        for case in tests.CASES:
            tests.test_whoever_reads_the_key_and_is_not_the_farms_own_service_took_it(case, tables)
        tests.test_a_theft_is_a_finding_that_fails_the_run_and_says_who_where_and_when(tables)


def _in_steps(work: Path) -> None:
    tests = importlib.import_module("tests.reconcile.test_added")
    with importlib.import_module("tests.reconcile.engine_run").judging_in_steps(work) as judge:

        def at_once(_: str, group: Any) -> Any:
            return judge([group.rows], group.settings, group.policy, 1)

        tests.test_batches_in_any_order_are_judged_as_a_whole(judge, at_once)


def _together(work: Path) -> None:
    tests = importlib.import_module("tests.reconcile.test_unread")
    with importlib.import_module("tests.reconcile.engine_run").judging(work) as judge, MonkeyPatch.context() as patch:
        for bound, wanted in tests.BOUNDS:
            tests.test_beyond_a_number_of_pairs_all_misses_are_held_against_all_records(bound, wanted, judge, patch)


def _lost(work: Path) -> None:
    tests = importlib.import_module("tests.reconcile.test_unread")
    with importlib.import_module("tests.reconcile.engine_run").judging(work) as judge:
        tests.test_broken_records_that_may_be_acceptances_are_counted(judge)


CHECKS: Mapping[str, Callable[[Path], None]] = {
    "farm_key": _farm_key, "hidden": _together, "parts": _in_steps, "shapes": _in_steps, "touched": _in_steps,
    "unread": _lost,
}
