"""Tables in DuckDB: what reconciliation and the rules ask of an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from counterfoil.case.folder import PRIVATE, pattern
from counterfoil.case.piles import pile_sql
from counterfoil.expressions import ir
from counterfoil.expressions.compiled import sql
from counterfoil.expressions.tables import table as named

# A table that is read into Python is small by design; more rows than this are a mistake of ours.
MAX_ROWS = 1_000_000
_PRIVATE = 0o600
_FORM = "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
_TYPES = {
    "string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_(),
    "timestamp(6)": pa.timestamp("us"), "decimal(38, 1)": pa.decimal128(38, 1),
}


class Tables:
    """Keeps tables in the engine's working database, which lives as long as the run."""

    def __init__(self, con: duckdb.DuckDBPyConnection, piles: Path, earlier: Sequence[Path] = ()) -> None:
        """Work in `con`; pile up in the folder `piles`, on top of what lies in the folders `earlier`."""
        self._con = con
        self._piles = piles
        self._earlier = tuple(earlier)

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, store it under `name` (replacing one of that name), and return it."""
        return self.copied(name, sql(table))

    def pile(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, add it to the pile `name` as a file, and return what was added."""
        folder = self._piles / name
        for level in (self._piles.parent, self._piles, folder):
            level.mkdir(exist_ok=True, mode=PRIVATE)
        file = folder / f"{len(list(folder.iterdir())):04}.parquet"
        self._con.execute(f"COPY ({sql(table)}) TO '{_quoted(file)}' {_FORM}")
        file.chmod(_PRIVATE)
        return self._view(f"pile_{name}_added", f"SELECT * FROM read_parquet('{_quoted(pattern(file))}')")  # noqa: S608

    def piled(self, name: str) -> ir.Table:
        """Return all that lies on the pile `name`."""
        return self._view(f"pile_{name}", pile_sql((*self._earlier, self._piles), name))

    def viewed(self, name: str, table: ir.Table) -> ir.Table:
        """Return the table under this name, computed anew by each that asks it."""
        return self._view(name, sql(table))

    def _view(self, name: str, query: str) -> ir.Table:
        self._con.execute(f'CREATE OR REPLACE VIEW "{name}" AS {query}')
        return self.table(name)

    def copied(self, name: str, query: str) -> ir.Table:
        """Return a table of what one of our own queries finds."""
        self._con.execute(f'CREATE OR REPLACE TABLE "{name}" AS {query}')
        return self.table(name)

    def has(self, name: str) -> bool:
        """Tell whether a table of that name was kept or given."""
        return bool(self._con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [name]).fetchall())

    def table(self, name: str) -> ir.Table:
        """Return a table that was kept or given before."""
        columns = self._con.execute(f'DESCRIBE "{name}"').fetchall()
        table: ir.Table = named(name, [(column, dtype) for column, dtype, *_ in columns])
        return table

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """Compute a small table and return its rows."""
        cursor = self._con.execute(sql(table.limit(MAX_ROWS)))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def given(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> ir.Table:
        """Return a small table with these columns (name -> Ibis type) and rows."""
        with _registered(self._con, columns, rows) as given:
            return self.copied(name, f"SELECT * FROM {given}")  # noqa: S608  # our own name


def give(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Make a temporary table with these columns (name -> Ibis type) and rows, in place of one of that name."""
    with _registered(con, columns, rows) as given:
        con.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS SELECT * FROM {given}')  # noqa: S608  # our own names


@contextmanager
def _registered(
    con: duckdb.DuckDBPyConnection, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> Iterator[str]:
    """Yield the name under which the engine sees the rows meanwhile."""
    data = [pa.array([row[place] for row in rows], _arrow(dtype)) for place, dtype in enumerate(columns.values())]
    con.register("cf_given", pa.table(data, names=[*columns]))
    try:
        yield "cf_given"
    finally:
        con.unregister("cf_given")


def _arrow(dtype: str) -> pa.DataType:
    """Return a type that Ibis calls by that name as Arrow has it."""
    if dtype.startswith("array<"):
        return pa.list_(_arrow(dtype.removeprefix("array<").removesuffix(">")))
    if dtype.startswith("struct<"):
        members = dtype.removeprefix("struct<").removesuffix(">").split(", ")
        return pa.struct([(name, _arrow(kind)) for name, _, kind in (member.partition(": ") for member in members)])
    return _TYPES[dtype]


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
