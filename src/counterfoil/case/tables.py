"""Ibis tables over DuckDB: what reconciliation and the rules ask of an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.formats.pyarrow import PyArrowSchema

# A table that is read into Python is small by design; more rows than this are a mistake of ours.
MAX_ROWS = 1_000_000


class Tables:
    """Keeps tables in the engine's working database, which lives as long as the run."""

    def __init__(self, con: Backend) -> None:
        """Work in `con`."""
        self._con = con

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, store it under `name` (replacing one of that name), and return it."""
        sql = self._con.compile(table)
        self._con.raw_sql(f'CREATE OR REPLACE TABLE "{name}" AS {sql}')
        return self._con.table(name)

    def table(self, name: str) -> ir.Table:
        """Return a table that was kept or given before."""
        return self._con.table(name)

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """Compute a small table and return its rows."""
        cursor = self._con.raw_sql(self._con.compile(table.limit(MAX_ROWS)))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def given(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> ir.Table:
        """Return a small table with these columns (name -> Ibis type) and rows."""
        schema = PyArrowSchema.from_ibis(ibis.schema(columns))
        data = {column: [row[place] for row in rows] for place, column in enumerate(columns)}
        self._con.con.register("cf_given", pa.table(data, schema=schema))
        self._con.raw_sql(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM cf_given')  # noqa: S608  # our own names
        self._con.con.unregister("cf_given")
        return self._con.table(name)
