"""Writes records as evidence: one pass of the engine over the record stream, straight to Parquet.

The stream is parsed into the source's raw columns, mapped, and partitioned by leg and
bucket (by token id: what is joined lies in one bucket); what is rejected
goes to a leg of its own with its reason, so that one pass yields both. Measured against reading with the
engine's own JSON reader in docs/adr/0003-reading.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from counterfoil.case.canonical import with_canonical_ids
from counterfoil.case.columns import Order
from counterfoil.case.folder import CaseFolder, pattern
from counterfoil.case.functions import install
from counterfoil.case.records import SCHEMA, Counter, InputText, date_order, stream
from counterfoil.model import schema

REJECTED = "rejected"  # the leg under which rejects are stored
NO_BUCKET = "none"  # of rejects
# The same as `reconcile.families`, which a test holds it to: first digit of the MD5 of the family's name.
BUCKET = """left(md5(coalesce(token_id, 'digest' || chr(31) || signing_input_digest,
    source || chr(31) || record_id)), 1)"""
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
# Rows that the writer holds for each bucket before it writes them: buckets times this is what reading needs.
ROW_GROUP = 30_720
BLANK_BYTES = 64  # longer lines are not looked through for being blank: that costs as much as parsing them

# A raw type as sources declare it: "string", a mapping of members, or a list of one type.
RawType = Any
Mapper = Callable[[ir.Table], ir.Table]


@dataclass(frozen=True)
class Route:
    """Which records of a mixed file a source takes: those that hold one of `values` at `path`."""

    path: str
    values: frozenset[str]


@dataclass(frozen=True)
class Shape:
    """How to parse and map the records: the engine's view of a source.

    `takes`: in a mixed file, the records of this shape, else NULL. `leaves`: in a mixed file, what is left
    when others have taken theirs: these are what no shape takes, and what is no JSON.
    """

    name: str
    raw: Mapping[str, RawType]
    embedded: frozenset[str]
    to_evidence: Mapper
    takes: Route | None = None
    leaves: tuple[Route, ...] = ()


@dataclass(frozen=True)
class FileCount:
    """Records of one file in a batch, and how many of them were rejected."""

    sha256: str
    rows: int
    rejected: int


@dataclass(frozen=True)
class Written:
    """A batch that was written to staging, not yet committed.

    By the SHA-256 of the file: `streamed` counts its records, `cut` says how it shows that its export was cut off;
    `linked` are pages that name one that follows; `two_ways` are files whose dates can be read day or month first.
    """

    id: str
    folder: Path
    files: tuple[FileCount, ...]
    streamed: Mapping[str, int]
    cut: Mapping[str, str]
    linked: frozenset[str]
    two_ways: frozenset[str]

    @property
    def rows(self) -> int:
        """Records in the batch."""
        return sum(file.rows for file in self.files)


def write_batch(
    con: Backend,
    folder: CaseFolder,
    shape: Shape,
    files: Sequence[tuple[str, InputText]],
    advance: Callable[[int], None],
) -> Written:
    """Read `files` ((SHA-256, file) pairs) with `shape` into a batch folder in staging.

    Raises InputError if a file cannot be read to its end.
    """
    # The engine imports this when a stream is registered, and Ctrl-C is lost meanwhile: imported here, it is not.
    import pyarrow.dataset  # noqa: F401

    name = hashlib.sha256("\n".join([shape.name, *sorted(sha for sha, _ in files)]).encode()).hexdigest()[:32]
    target = folder.staging / name
    counter = Counter()
    texts = [text for _, text in files]
    orders = {sha: date_order(text) for sha, text in files}
    reader = pa.RecordBatchReader.from_batches(SCHEMA, stream(texts, counter, advance))
    duck = con.con
    install(duck)
    duck.register("cf_stream", reader)
    duck.register("cf_files", _files(files, orders))
    try:
        duck.execute(_copy(shape, target))
    except duckdb.Error as error:
        if counter.failure is not None:
            raise counter.failure from error
        raise
    finally:
        duck.unregister("cf_stream")
        duck.unregister("cf_files")
    streamed = {sha: counter.records.get(text.number, 0) for sha, text in files}
    cut = {sha: counter.cut[text.number] for sha, text in files if text.number in counter.cut}
    linked = frozenset(sha for sha, text in files if text.number in counter.linked)
    two_ways = frozenset(sha for sha, told in orders.items() if told is Order.TWO_WAYS)
    return Written(name, target, _counts(con, target), streamed, cut, linked, two_ways)


def _files(files: Sequence[tuple[str, InputText]], orders: Mapping[str, Order | None]) -> pa.Table:
    """Return the table that the engine joins the stream with: what is known of each file."""
    columns = {
        "file": [text.number for _, text in files],
        "sha256": [sha for sha, _ in files],
        "dates": pa.array([orders[sha] for sha, _ in files], pa.string()),
    }
    return pa.table(columns)


def commit(folder: CaseFolder, written: Written) -> None:
    """Move a written batch among the evidence; it counts once the manifest names it."""
    if written.files:
        for path in (written.folder, *written.folder.rglob("*")):
            path.chmod(_PRIVATE_FOLDER if path.is_dir() else _PRIVATE_FILE)
        written.folder.replace(folder.evidence / written.id)


def _counts(con: Backend, target: Path) -> tuple[FileCount, ...]:
    if not any(target.glob("*/*/*.parquet")):  # a pass over a mixed file may find nothing
        return ()
    rows = con.con.execute(
        f"""SELECT raw_file, count(*), count(*) FILTER (leg = '{REJECTED}')
        FROM read_parquet(?, hive_partitioning = true) GROUP BY 1 ORDER BY 1""",  # noqa: S608  # a constant
        [str(pattern(target) / "*" / "*" / "*.parquet")],
    ).fetchall()
    return tuple(FileCount(*row) for row in rows)


def _copy(shape: Shape, target: Path) -> str:
    """Return the statement that reads the stream and writes the batch."""
    raw = ibis.table(_raw_schema(shape), name="cf_raw")
    mapped = ibis.to_sql(shape.to_evidence(raw), dialect="duckdb")
    columns = ",\n  ".join(_final(column.name) for column in schema.EVIDENCE if column.name != "leg")
    quoted = str(target).replace("'", "''")
    return f"""COPY (
WITH cf_raw AS ({_parsed(shape)}),
cf_mapped AS ({with_canonical_ids(mapped)})
SELECT CASE WHEN reject IS NOT NULL THEN '{REJECTED}' ELSE leg END AS leg,
  {columns}, reject,
  CASE WHEN reject IS NOT NULL THEN '{NO_BUCKET}' ELSE {BUCKET} END AS bucket
FROM cf_mapped
) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (leg, bucket), ROW_GROUP_SIZE {ROW_GROUP})"""  # noqa: S608


def _final(name: str) -> str:
    if name == "parent_token_ids":
        return (
            "CASE WHEN parent_token_ids IS NOT NULL THEN list_filter("
            "cf_token_ids(token_id_kind, parent_token_ids), lambda p: p IS NOT NULL) END AS parent_token_ids"
        )
    if name == "item_ids":
        return f"item_ids[1:{schema.MAX_ITEM_IDS}] AS item_ids"
    return name


def _parsed(shape: Shape) -> str:
    """Return the query that parses the stream into the raw columns and the reader's own."""
    text = {name: "VARCHAR" if name in shape.embedded else _spec(kind) for name, kind in shape.raw.items()}
    columns = [f"r.{_name(name)}" for name in shape.raw if name not in shape.embedded]
    columns += [
        f"json_transform(CASE WHEN json_valid(r.{_name(name)}) THEN r.{_name(name)} END, "
        f"{_literal(json.dumps(_spec(shape.raw[name])))}) AS {_name(name)}"
        for name in sorted(shape.embedded)
    ]
    return f"""SELECT sha256 AS _file, position AS _position, text AS _text, why AS _refused, dates AS _dates,
  {", ".join(columns)}
FROM (SELECT sha256, dates, position, text, coalesce(refused, CASE WHEN NOT ok THEN 'not JSON' END) AS why,
    json_transform(CASE WHEN ok THEN text END, {_literal(json.dumps(text))}) AS r
  FROM (SELECT sha256, dates, position, refused, text, coalesce(json_valid(text), false) AS ok
    FROM cf_stream JOIN cf_files USING (file)
    WHERE (refused IS NOT NULL OR strlen(text) > {BLANK_BYTES} OR trim(text, E' \\r\\n\\t') <> ''))
  WHERE {_where(shape)})"""  # noqa: S608  # names and values are quoted above


def _where(shape: Shape) -> str:
    if shape.takes is not None:
        return f"ok AND {_matches(shape.takes)}"
    if shape.leaves:
        return f"NOT coalesce(ok AND ({' OR '.join(map(_matches, shape.leaves))}), false)"
    return "true"


def _matches(route: Route) -> str:
    values = ", ".join(map(_literal, sorted(route.values)))
    # CASE, since the engine may look at both sides of an AND, and extracting from what is no JSON is an error
    return f"CASE WHEN ok THEN json_extract_string(text, {_literal('$.' + route.path)}) END IN ({values})"


def _raw_schema(shape: Shape) -> ibis.Schema:
    columns = {name: _dtype(kind) for name, kind in shape.raw.items()}
    reader = {"_file": dt.string, "_position": dt.int64, "_text": dt.string, "_refused": dt.string, "_dates": dt.string}
    return ibis.schema(columns | reader)


def _spec(kind: RawType) -> Any:
    """Return the raw type as the structure that the engine's json_transform takes."""
    if isinstance(kind, str):
        return "VARCHAR"
    if isinstance(kind, Mapping):
        return {name: _spec(inner) for name, inner in kind.items()}
    return [_spec(kind[0])]


def _dtype(kind: RawType) -> dt.DataType:
    """Return the raw type as an Ibis type."""
    if isinstance(kind, str):
        return dt.string
    if isinstance(kind, Mapping):
        return dt.Struct({name: _dtype(inner) for name, inner in kind.items()})
    return dt.Array(_dtype(kind[0]))


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
