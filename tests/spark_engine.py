"""An engine of another kind: Spark, without a JVM, which Sail is. It keeps small tables, and needs no files."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc
from ibis.formats.pyarrow import PyArrowSchema
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from counterfoil.case.piles import TOUCHED
from counterfoil.expressions import ir
from counterfoil.expressions.built import built
from counterfoil.expressions.tables import table as named

# SQL by the keys of expressions, which are the same from run to run but for what is bound in them.
_KNOWN: dict[bytes, str] = {}


class Spark:
    """What `counterfoil.reconcile.engine.Engine` asks for, in a session of Spark."""

    def __init__(self, session: SparkSession, earlier: Sequence[Spark] = ()) -> None:
        """Work in the views of the session, on top of what lies on the piles of earlier engines."""
        self._session = session
        self._generations = (*earlier, self)
        self._compiler = ibis.pyspark.connect(session)  # it reads the session's options
        # as for DuckDB: selects that the engine merges itself need not be merged before
        ibis.options.sql.fuse_selects = False
        self._piles: dict[str, list[pa.Table]] = defaultdict(list)

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, store it under `name` (replacing one of that name), and return it."""
        return self._stored(name, self._computed(table))

    def pile(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, add it to the pile `name`, and return what was added."""
        self._piles[name].append(self._computed(table))
        return self._stored(f"pile_{name}_added", self._piles[name][-1])

    def piled(self, name: str) -> ir.Table:
        """Return all that lies on the pile `name`."""
        return self._stored(f"pile_{name}", pa.concat_tables([
            rows if name == TOUCHED else rows.filter(pc.invert(pc.is_in(rows["family"], self._touched(place + 1))))
            for place, engine in enumerate(self._generations) for rows in engine._piles[name]
        ]))

    def _touched(self, first: int) -> pa.Array:
        """Return the families whose rows count no more in generations before this one."""
        tables = [rows for engine in self._generations[first:] for rows in engine._piles[TOUCHED]]
        return pa.array([family for rows in tables for family in rows["family"].to_pylist()], pa.string())

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """Compute a small table and return its rows."""
        return list(self._computed(table).to_pylist())

    def given(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> ir.Table:
        """Return a small table with these columns (name -> Ibis type) and rows."""
        data = {column: [row[place] for row in rows] for place, column in enumerate(columns)}
        return self._stored(name, pa.table(data, schema=PyArrowSchema.from_ibis(ibis.schema(columns))))

    def _computed(self, table: ir.Table) -> pa.Table:
        found = self._session.sql(self._sql(table)).toArrow()
        # Spark's times have a zone, which is that of the session; DuckDB's have none
        plain = [pa.timestamp("us") if pa.types.is_timestamp(dtype) else dtype for dtype in found.schema.types]
        return found.cast(pa.schema(list(zip(found.column_names, plain, strict=True))))

    def _sql(self, table: Any) -> str:
        if table._key not in _KNOWN or table._bound:
            _KNOWN[table._key] = self._compiler.compile(built(table))
        return _KNOWN[table._key]

    def _stored(self, name: str, rows: pa.Table) -> ir.Table:
        # of an empty table Spark tells no schema
        self._session.createDataFrame(rows, from_arrow_schema(rows.schema)).createOrReplaceTempView(name)
        types = map(str, duckdb.arrow(rows.schema.empty_table()).types)
        table: ir.Table = named(name, list(zip(rows.column_names, types, strict=True)))
        return table


@contextmanager
def session() -> Iterator[SparkSession]:
    """Yield a session of a Sail that listens on loopback meanwhile."""
    main = sys.modules["__main__"]
    if not hasattr(main, "__file__"):  # as in a worker of xdist: pyspark takes such a process for its own doctests
        main.__file__ = __file__
    server = SparkConnectServer()
    server.start(background=True)
    host, port = server.listening_address
    opened = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
    opened.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        yield opened
    finally:
        opened.stop()
        server.stop()
