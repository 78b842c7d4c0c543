"""Tables in DuckDB: what reconciliation and the rules ask of an engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from counterfoil.case.engine import joined_as_written
from counterfoil.case.evidence import evidence_sql
from counterfoil.case.folder import PRIVATE, CaseFolder, pattern, quoted
from counterfoil.case.given import written
from counterfoil.case.manifest import Manifest
from counterfoil.case.piles import pile_sql
from counterfoil.expressions import ir
from counterfoil.expressions.compiled import sql
from counterfoil.expressions.tables import table as named

# A table that is read into Python is small by design; more rows than this are a mistake of ours.
MAX_ROWS = 1_000_000
_PRIVATE = 0o600
_FORM = "(FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1)"


class Tables:
    """Keeps tables in the engine's working database, which lives as long as the run."""

    form: ClassVar[str] = "a file each"

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
        with joined_as_written(self._con):
            self._con.execute(f"COPY ({sql(table)}) TO '{quoted(file)}' {_FORM}")
        file.chmod(_PRIVATE)
        return self._view(f"pile_{name}_added", f"SELECT * FROM read_parquet('{quoted(pattern(file))}')")  # noqa: S608

    def piled(self, name: str) -> ir.Table:
        """Return all that lies on the pile `name`."""
        return self._view(f"pile_{name}", pile_sql((*self._earlier, self._piles), name))

    def viewed(self, name: str, table: ir.Table) -> ir.Table:
        """Return the table under this name, computed anew by each that asks it."""
        return self._view(name, sql(table))

    def evidence(
        self, name: str, folder: CaseFolder, manifest: Manifest, *, rejected: bool = False,
        only: Collection[str] | None = None,
    ) -> ir.Table:
        """Return the committed evidence with its `bucket`, or the rejects, under this name. `only`: these batches."""
        return self._view(name, evidence_sql(folder, manifest, rejected=rejected, only=only))

    def _view(self, name: str, query: str) -> ir.Table:
        self._con.execute(f'CREATE OR REPLACE VIEW "{name}" AS {query}')
        return self.table(name)

    def copied(self, name: str, query: str) -> ir.Table:
        """Return a table of what one of our own queries finds."""
        self._con.execute(f'CREATE OR REPLACE TABLE "{name}" AS {query}')
        return self.table(name)

    def has(self, name: str) -> bool:
        """Tell whether a table of that name was kept or given."""
        return (name,) in self._con.execute("SELECT table_name FROM duckdb_tables()").fetchall()

    def table(self, name: str) -> ir.Table:
        """Return a table that was kept or given before."""
        found = self._con.table(name)  # a sixteenth of what DESCRIBE takes
        kinds = zip(found.columns, map(str, found.types), strict=True)
        table: ir.Table = named(name, [*kinds])
        return table

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """Compute a small table and return its rows."""
        cursor = self._con.execute(sql(table.limit(MAX_ROWS)))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def given(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> ir.Table:
        """Return a small table with these columns (name -> Ibis type) and rows."""
        return self.copied(name, written(columns, rows))

    def home(self, name: str, table: ir.Table) -> ir.Table:  # noqa: ARG002  # here it is at home already
        """Return a table of the embedded engine that holds what this one computes."""
        return table
