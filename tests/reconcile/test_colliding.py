"""Hashes that collide, as whoever chooses ids can make the engine's own do, change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from counterfoil.case.tables import Tables

from .engine_run import judging
from .test_cases import GROUPS

COLLIDING = "CREATE OR REPLACE TEMP MACRO hash(x) AS 7::UBIGINT"


def _where_all_collide(con: duckdb.DuckDBPyConnection, piles: Path, earlier: Sequence[Path]) -> Tables:
    con.execute(COLLIDING)
    return Tables(con, piles, earlier)


def test_hashes_that_collide_change_no_answer(tmp_path: Path) -> None:
    """1.1, 2.1, 3.4: a hash chooses what is looked at; what it throws together is told apart by what is compared."""
    group = max(GROUPS, key=lambda group: len(group.rows))
    with judging(tmp_path, _where_all_collide) as judge:
        assert group.wrong(judge(group.rows, group.settings, group.policy)) == {}
