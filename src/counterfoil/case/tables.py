"""Ibis tables over DuckDB: what reconciliation and the rules ask of an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.formats.pyarrow import PyArrowSchema

from counterfoil.case.compiled import compiled
from counterfoil.case.folder import PRIVATE, pattern
from counterfoil.case.piles import pile_sql

# A table that is read into Python is small by design; more rows than this are a mistake of ours.
MAX_ROWS = 1_000_000
_PRIVATE = 0o600
_FORM = "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1)"


class Tables:
    """Keeps tables in the engine's working database, which lives as long as the run."""

    def __init__(self, con: Backend, piles: Path, earlier: Sequence[Path] = ()) -> None:
        """Work in `con`; pile up in the folder `piles`, on top of what lies in the folders `earlier`."""
        self._con = con
        self._piles = piles
        self._earlier = tuple(earlier)

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, store it under `name` (replacing one of that name), and return it."""
        sql = compiled(self._con, table)
        self._con.raw_sql(f'CREATE OR REPLACE TABLE "{name}" AS {sql}')
        return self._con.table(name)

    def pile(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, add it to the pile `name` as a file, and return what was added."""
        folder = self._piles / name
        for level in (self._piles.parent, self._piles, folder):
            level.mkdir(exist_ok=True, mode=PRIVATE)
        file = folder / f"{len(list(folder.iterdir())):04}.parquet"
        self._con.raw_sql(f"COPY ({compiled(self._con, table)}) TO '{_quoted(file)}' {_FORM}")
        file.chmod(_PRIVATE)
        return self._view(f"pile_{name}_added", f"SELECT * FROM read_parquet('{_quoted(pattern(file))}')")  # noqa: S608

    def piled(self, name: str) -> ir.Table:
        """Return all that lies on the pile `name`."""
        return self._view(f"pile_{name}", pile_sql((*self._earlier, self._piles), name))

    def _view(self, name: str, sql: str) -> ir.Table:
        self._con.raw_sql(f'CREATE OR REPLACE VIEW "{name}" AS {sql}')
        return self._con.table(name)

    def copied(self, name: str, sql: str) -> ir.Table:
        """Return a table of what one of our own queries finds."""
        self._con.raw_sql(f'CREATE OR REPLACE TABLE "{name}" AS {sql}')
        return self._con.table(name)

    def table(self, name: str) -> ir.Table:
        """Return a table that was kept or given before."""
        return self._con.table(name)

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """Compute a small table and return its rows."""
        cursor = self._con.raw_sql(compiled(self._con, table.limit(MAX_ROWS)))
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


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
