"""A real Spark: the results of a standalone cluster, whole and with a worker that dies on the way."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.alike import VALUES, by_spark, odd, read

from .on_spark import again
from .small import options, small

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3_600),
    pytest.mark.skipif(shutil.which("java") is None, reason="a Spark needs Java: default-jre-headless"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Spark."""
    pytest.importorskip("pyspark")
    from .cluster import spark_home

    return spark_home(tmp_path_factory.mktemp("spark"))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """Return a case that was judged by the embedded engine."""
    return small(tmp_path)


@pytest.mark.parametrize("dies", [False, True], ids=["whole", "a worker dies"])
def test_a_cluster_judges_alike(home: Path, case: Path, tmp_path: Path, dies: bool) -> None:
    """Every row of every table of results; what a dead worker held lies in the case's folder, or is made again."""
    from .cluster import cluster

    with cluster(home, tmp_path / "cluster") as spark:
        if dies:
            threading.Thread(target=_kill_when_settled, args=(spark.kill_worker, case), daemon=True).start()
        assert again(case, options(case.parent), spark.address) == []
        assert [worker.poll() is not None for worker in spark.workers] == [dies, False]


def test_a_cluster_reads_alike(home: Path, tmp_path: Path) -> None:
    """Values and lines of every kind: what its reader of JSON takes otherwise than DuckDB's is read here."""
    from .cluster import cluster

    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "odd.jsonl").write_bytes(odd())
    with cluster(home, tmp_path / "cluster") as spark:
        assert by_spark(read(logs, tmp_path, spark.address)) > len(VALUES) // 2


def _kill_when_settled(kill: Callable[[], None], case: Path) -> None:
    """Kill when the first pile lies there: then two thirds of the run are still to come."""
    while not list((case / "settled").glob("*/tokens/*/*.parquet")):
        time.sleep(0.2)
    kill()
