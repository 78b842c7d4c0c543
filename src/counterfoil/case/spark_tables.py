"""Tables in a Spark: what reconciliation and the rules ask of an engine, as Parquet in the case's folder."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from counterfoil.case.evidence import FILES, is_whole
from counterfoil.case.folder import PRIVATE, REJECTED, CaseFolder, pattern, quoted
from counterfoil.case.given import written
from counterfoil.case.manifest import Manifest
from counterfoil.case.piles import pile_sql
from counterfoil.case.spark import Spark, uri
from counterfoil.case.tables import MAX_ROWS
from counterfoil.errors import CaseError
from counterfoil.expressions import ir
from counterfoil.expressions.tables import table as named
from counterfoil.model import schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

# How evidence is written, beside the columns of the schema, and which of all these are names of folders.
_BESIDE = {"reject": "string", "leg": "string", "bucket": "string"}
_FOLDERS = ("leg", "bucket")
_TYPES = {"int64": "bigint", "timestamp(6)": "timestamp_ntz"}
_MAX_LACKING = 5  # columns that a message names


class SparkTables:
    """Keeps tables under the scratch folder of a Spark, which lives as long as the run."""

    form: ClassVar[str] = "a folder each"

    def __init__(
        self, spark: Spark, con: duckdb.DuckDBPyConnection, piles: Path, earlier: Sequence[Path] = ()
    ) -> None:
        """Pile up in the folder `piles`, on top of what lies in the folders `earlier`; results go home to `con`."""
        self._spark, self._con = spark, con
        self._piles = piles.resolve()
        self._earlier = tuple(folder.resolve() for folder in earlier)

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, store it under `name` (replacing one of that name), and return it."""
        return self._seen(name, self._written(self._frame(table), self._place(name)))

    def pile(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, add it to the pile `name` as a folder of files, and return what was added."""
        folder = self._piles / name
        for level in (self._piles.parent, self._piles, folder):
            level.mkdir(exist_ok=True, mode=PRIVATE)
        place = folder / f"{len(list(folder.iterdir())):04}"
        return self._seen(f"pile_{name}_added", self._written(self._frame(table), self._place(name), place))

    def piled(self, name: str) -> ir.Table:
        """Return all that lies on the pile `name`."""
        query = pile_sql((*self._earlier, self._piles), name, self.files)
        return self._seen(f"pile_{name}", self._spark.session.sql(query))

    def files(self, generation: Path, name: str) -> str:
        """Return what reads a pile's files of a generation; engines write a file each, or a folder of them."""
        view = f"pile_{name}_of_{generation.name}"
        parts = [uri(part) for part in sorted((generation / name).iterdir())]
        self._spark.session.read.parquet(*parts).createOrReplaceTempView(view)
        return f"`{view}`"

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """Compute a small table and return its rows."""
        return list(self._frame(table).limit(MAX_ROWS).toArrow().to_pylist())

    def given(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> ir.Table:
        """Return a small table with these columns (name -> Ibis type) and rows."""
        return self.copied(name, written(columns, rows))

    def copied(self, name: str, query: str) -> ir.Table:
        """Return a table of what one of our own queries finds in the embedded engine."""
        file = self._place(name).with_suffix(".parquet")
        self._con.execute(f"COPY ({query}) TO '{quoted(file)}' (FORMAT parquet)")
        return self._seen(name, self._spark.session.read.parquet(uri(file)))

    def viewed(self, name: str, table: ir.Table) -> ir.Table:
        """Return the table under this name, computed anew by each that asks it."""
        return self._seen(name, self._frame(table))

    def has(self, name: str) -> bool:
        """Tell whether a table of that name was kept or given."""
        return name in self._spark.views

    def table(self, name: str) -> ir.Table:
        """Return a table that was kept or given before."""
        return self._spark.views[name]

    def home(self, name: str, table: ir.Table) -> ir.Table:
        """Return a table of the embedded engine that holds what this one computes."""
        place = self._place(name)
        self._written(self._frame(table), place)
        files = quoted(pattern(place) / "*.parquet")
        self._con.execute(f"CREATE OR REPLACE VIEW \"{name}\" AS SELECT * FROM read_parquet('{files}')")  # noqa: S608
        found = self._con.table(name)
        there: ir.Table = named(name, list(zip(found.columns, map(str, found.types), strict=True)))
        return there

    def evidence(
        self, name: str, folder: CaseFolder, manifest: Manifest, *, rejected: bool = False,
        only: Collection[str] | None = None,
    ) -> ir.Table:
        """Return the committed evidence with its `bucket`, or the rejects, under this name. `only`: these batches.

        Raises CaseError for evidence that lacks columns.
        """
        batches = sorted(batch.id for batch in manifest.batches if only is None or batch.id in only)
        self._check(folder, batches)
        of_leg = f"leg {'=' if rejected else '<>'} '{REJECTED}'"
        whole = self._batches(name, folder, batches)
        return self._seen(name, whole.where(of_leg).select(*schema.NAMES, "reject" if rejected else "bucket"))

    def _check(self, folder: CaseFolder, batches: Sequence[str]) -> None:
        """Raise CaseError for a file without a column: of what it lacks an engine would make NULLs."""
        asked = [batch for batch in batches if batch not in self._spark.whole]
        globs = [quoted(pattern(folder.evidence / batch) / FILES) for batch in asked]
        files = ", ".join(f"'{each}'" for each in globs)
        query = f"SELECT file_name, list(name) FROM parquet_schema([{files}]) GROUP BY file_name ORDER BY file_name"  # noqa: S608
        for file, there in self._con.execute(query).fetchall() if asked else ():
            lacking = sorted({*schema.NAMES, *_BESIDE} - {*there, *_FOLDERS})
            if lacking:
                more = " and more" if len(lacking) > _MAX_LACKING else ""
                told = f"the evidence {Path(file).parts[-4]} lacks columns: {', '.join(lacking[:_MAX_LACKING])}{more}"
                raise CaseError(told, hint="read the logs again, into a new case")
        self._spark.whole.update(asked)

    def _batches(self, name: str, folder: CaseFolder, batches: Sequence[str]) -> DataFrame:
        """Return all that the batches hold, in a read of those that are whole and one of those that are parted.

        Several roots of folders that are named by parts are no table to a Spark, and a read of each is a plan each: a
        folder of links to them is one table.
        """
        found = [folder.evidence.resolve() / batch for batch in batches]
        whole = [uri(file) for batch in found if is_whole(batch) for file in sorted(batch.glob(str(FILES)))]
        parted = [batch for batch in found if not is_whole(batch)]
        reader = self._spark.session.read
        frames = [reader.schema(_DDL).parquet(*whole)] if whole else []
        if parted:
            place = self._place(name)
            place.mkdir(mode=PRIVATE)
            for batch in parted:
                (place / f"batch={batch.name}").symlink_to(batch, target_is_directory=True)
            frames.append(reader.schema(f"{_DDL}, `batch` string").parquet(uri(place)).drop("batch"))
        if not frames:
            return self._spark.session.createDataFrame([], _DDL)
        return frames[0] if len(frames) == 1 else frames[0].unionByName(frames[1])

    def _place(self, name: str) -> Path:
        return self._spark.scratch / f"{name}_{secrets.token_hex(4)}"

    def _frame(self, table: ir.Table) -> DataFrame:
        return self._spark.session.sql(self._spark.sql(table))

    def _written(self, frame: DataFrame, place: Path, then: Path | None = None) -> DataFrame:
        """Return what was computed, from its files: their types are true, those of a plan not always (Sail's).

        They are moved to the folder `then` when they are whole: a server may write on after the run has ended. Of an
        empty table some engines write no file.
        """
        frame.write.parquet(uri(place))
        if not any(place.glob("*.parquet")):
            place.mkdir(exist_ok=True, mode=PRIVATE)
            pq.write_table(_arrow(frame.schema).empty_table(), place / "empty.parquet")
        return self._spark.session.read.parquet(uri(place if then is None else place.rename(then)))

    def _seen(self, name: str, frame: DataFrame) -> ir.Table:
        frame.createOrReplaceTempView(name)
        found: ir.Table = named(name, _columns(frame.schema))
        self._spark.views[name] = found
        return found


def _columns(kinds: StructType) -> list[tuple[str, str]]:
    """Return columns with the embedded engine's names of their types, which expressions go by."""
    empty = duckdb.arrow(_arrow(kinds).empty_table())
    return list(zip(empty.columns, map(str, empty.types), strict=True))


def _arrow(kinds: StructType) -> pa.Schema:
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(kinds)


_DDL = ", ".join(
    f"`{name}` {_TYPES.get(dtype, dtype)}" for name, dtype in {**schema.TYPES, **_BESIDE}.items()
)
