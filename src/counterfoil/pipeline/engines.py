"""The engine that a run was told to take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection

from counterfoil.case.folder import CaseFolder
from counterfoil.case.tables import Tables
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
