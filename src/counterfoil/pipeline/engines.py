"""The engine that a run was told to take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duckdb import DuckDBPyConnection

from counterfoil.case.engine import engine as embedded
from counterfoil.case.folder import CaseFolder, locked
from counterfoil.case.manifest import read_manifest
from counterfoil.case.tables import Tables
from counterfoil.pipeline.progress import Progress
from counterfoil.pipeline.store import StoreOn

if TYPE_CHECKING:
    from counterfoil.case.spark import Spark


@contextmanager
def stores(engine: str | None, con: DuckDBPyConnection, folder: CaseFolder) -> Iterator[StoreOn]:
    """Yield what makes stores of the case: in `con`, or in the Spark at the address `engine`.

    Raises UsageError for what is no address, EngineError for a server that cannot be worked with, before and during.
    """
    with reader(engine, folder) as spark:
        if spark is None:
            yield partial(Tables, con)
            return
        from counterfoil.case.spark_tables import SparkTables  # its client: others do without

        yield partial(SparkTables, spark, con)


@contextmanager
def reader(engine: str | None, folder: CaseFolder) -> Iterator[Spark | None]:
    """Yield the Spark at the address `engine`, None where the embedded engine reads; raises as `stores` does."""
    if engine is None:
        yield None
        return
    from counterfoil.case.spark import connected  # its client: others do without

    with connected(engine, folder.tmp) as spark:
        yield spark


def lines_of(
    spark: Spark | None, folder: CaseFolder, tables: Sequence[str], progress: Progress
) -> tuple[Path, ...]:
    """Return files of the case that hold the rows of tables; raises as `pipeline.by_table` does."""
    if spark is None or not tables:
        return ()
    from counterfoil.pipeline.by_table import lines_of  # its client: others do without

    return lines_of(spark, folder, tables, progress)


def asked_there(address: str, case: Path, sql: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return column names and rows of a query over a case's tables that a Spark answers.

    Raises UsageError for what is wrong in it, EngineError as `stores` does, CaseBusyError if a run is on.
    """
    from counterfoil.case.spark import connected
    from counterfoil.case.spark_query import query

    with (
        locked(case) as folder,
        embedded(folder.tmp, memory=None, threads=None) as con,
        connected(address, folder.tmp) as spark,
    ):
        return query(spark, con, folder, read_manifest(folder.manifest), sql)
