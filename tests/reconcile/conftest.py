"""One engine for all tests of a file: opening it and its first query cost more than a history."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .engine_run import Judge, judging


@pytest.fixture(scope="module")
def engine_judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """Yield what judges rows with the engine."""
    with judging(tmp_path_factory.mktemp("engine")) as judge:
        yield judge
