"""Writes records as evidence, as `case.ingest` does, by a Spark: JSON lines that it reads from files itself.

What is plain, whole and of the shape at a glance is mapped there. All else (broken, too long, of another shape, of a
form that only this machine reads, and what the mapping rejects) comes back as text, with its file and line, and is
read here as if it had never been there: so rejects are the embedded engine's.

A file is one row until it is cut into lines: no engine would tell where in a file a line of its own reader stood.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from counterfoil.case.canonical import TRIMMED, canonical_of, form_of, plain_of
from counterfoil.case.folder import CaseFolder, pattern
from counterfoil.case.ingest import (
    ANY_BUCKET,
    BLANK_BYTES,
    BUCKET,
    ELSEWHERE,
    NO_BUCKET,
    Shape,
    Written,
    counts,
    glance,
    is_broken,
    mapped,
    raw_spec,
)
from counterfoil.case.spark import Spark, uri
from counterfoil.case.spark_dialect import column, in_spark, is_json, literal, reading, was_left
from counterfoil.errors import EngineError
from counterfoil.model import schema
from counterfoil.read.records import BATCH_ROWS
from counterfoil.read.texts import LONG_BYTES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Numbers that engines write in several ways once they are texts: of many digits, with an exponent, minus zero.
_ODD_NUMBER = r"[:\[,]\s*(?:-?\d{16}|-?\d[\d.]*[eE][-+\d]|-0[^.\d])"
# Half of a surrogate pair, or a whole one: to some, a half is a character.
_HALF_PAIR = r"\\u[dD][89a-fA-F]"
# A member that stands twice: the first counts here, the last there.
_TWICE = "size(array_distinct(json_object_keys(short))) < size(json_object_keys(short))"
_BEFORE_PATH = re.compile("^(?:file:)?/*")
_BLANKS = " \\r\\n\\t"  # in a text of SQL
_OTHER = "read with the embedded engine, without --engine; docs/lake.md says which versions were tested"
_SHOWN = 200  # characters of a path in a message


@dataclass(frozen=True)
class Piece:
    """Lines of one input: a file that both sides see, whose first line is the input's line `first`, from 1 on."""

    path: Path
    size: int
    sha256: str
    first: int


def write_there(
    spark: Spark, con: duckdb.DuckDBPyConnection, folder: CaseFolder, shape: Shape, pieces: Sequence[Piece], *,
    bucketed: bool,
) -> Written:
    """Read the pieces with `shape` into a batch folder in staging; what is to be read here is left `elsewhere`.

    Raises EngineError for a server that does not see the files as this machine does.
    """
    told = [f"by a Spark {shape.name}", *sorted(f"{piece.sha256} {piece.first}" for piece in pieces)]
    name = hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]
    # A server may go on writing for a run that was killed: each run has places of its own.
    place = spark.scratch / f"batch_{secrets.token_hex(4)}"
    frame = _evidence(spark, shape, _lines(spark, pieces), bucketed=bucketed)
    frame.write.partitionBy("leg", "bucket").option("compression", "zstd").parquet(uri(place))
    for file in [path for path in place.rglob("*") if path.is_file() and path.suffix != ".parquet"]:
        file.unlink()  # marks of success and checksums, which are an engine's own
    _read_once(con, place)
    target, aside = folder.staging / name, place / f"leg={ELSEWHERE}"
    elsewhere = aside.replace(folder.tmp / name) if aside.is_dir() else None
    place.replace(target)
    return Written(name, target, counts(con, target), {}, {}, frozenset(), frozenset(), elsewhere)


def _read_once(con: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Raise EngineError if a line came twice: how an engine cuts files is not taken on trust."""
    found = con.execute(
        """SELECT raw_file FROM read_parquet(?) GROUP BY raw_file
        HAVING count(raw_position) > count(DISTINCT raw_position)""",
        [str(pattern(target) / "*" / "*" / "*.parquet")],
    ).fetchone()
    if found:
        raise EngineError(f"the engine read lines of a file twice (SHA-256 {found[0]})", hint=_OTHER)


def left(written: Written) -> Iterator[pa.RecordBatch]:
    """Yield what the Spark left: raw_file (SHA-256), raw_position, text; of what is no UTF-8, the file alone."""
    if written.elsewhere is not None:
        for path in sorted(written.elsewhere.rglob("*.parquet")):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=["raw_file", "raw_position", "reject"]):
                    text = pc.utf8_slice_codeunits(batch["reject"], 1)
                    yield pa.RecordBatch.from_arrays(
                        [batch["raw_file"], batch["raw_position"], text], names=["raw_file", "raw_position", "text"])


def _lines(spark: Spark, pieces: Sequence[Piece]) -> str:
    """Return a query of the lines of the pieces: sha256, position, text."""
    session = spark.session
    files = session.read.format("binaryFile").load([uri(piece.path) for piece in pieces])
    _checked(files, pieces)
    files.createOrReplaceTempView("cf_read")
    columns = {
        "place": [_place(piece.path) for piece in pieces], "sha256": [piece.sha256 for piece in pieces],
        "first": [piece.first for piece in pieces],
    }
    session.createDataFrame(pa.table(columns)).createOrReplaceTempView("cf_pieces")
    # A file comes twice where an engine cuts what cannot be cut (Sail 0.7). The small side of the join stands first:
    # engines that know nothing of sizes hold that one.
    return f"""SELECT sha256, first + at AS position, concat(line, '\\n') AS text
FROM (SELECT sha256, first,
        try_cast(CASE WHEN is_valid_utf8(content) THEN content END AS string) AS content
    FROM cf_pieces JOIN (SELECT path, max(content) AS content FROM cf_read GROUP BY path)
    ON place = regexp_replace(path, {literal(_BEFORE_PATH.pattern)}, ''))
LATERAL VIEW OUTER posexplode(split(content, '\\n')) lines AS at, line"""  # noqa: S608  # constants


def _checked(files: DataFrame, pieces: Sequence[Piece]) -> None:
    """Raise EngineError unless the server sees every piece at its place, with its size."""
    there = {_place(row["path"]): row["length"] for row in files.select("path", "length").toArrow().to_pylist()}
    for piece in pieces:
        size = there.get(_place(piece.path))
        if size != piece.size:
            seen = "no such file" if size is None else f"{size:,} bytes"
            raise EngineError(
                f"the engine sees {seen} where {str(piece.path)[:_SHOWN]} has {piece.size:,} bytes",
                hint="the server must see the logs under the same path as this machine",
            )


def _place(path: Path | str) -> str:
    """Return a path as it is compared: engines write it with and without a scheme and a first slash."""
    return _BEFORE_PATH.sub("", str(path))


def _evidence(spark: Spark, shape: Shape, lines: str, *, bucketed: bool) -> DataFrame:
    """Return the evidence of the lines, with those that are to be read here under the leg ELSEWHERE."""
    spec = {name: "VARCHAR" if name in shape.embedded else raw_spec(kind) for name, kind in shape.raw.items()}
    fits, spec = glance(shape, spec) if shape.fit is not None else ("true", spec)
    odd = [f"text RLIKE {literal(_ODD_NUMBER)}", f"text RLIKE {literal(_HALF_PAIR)}", _TWICE]
    odd += [in_spark(is_broken(f'r."{name}"')) for name in sorted(shape.embedded)]
    plain = f"NOT ({' OR '.join(f'coalesce({term}, false)' for term in odd)}) AND ({in_spark(fits)})"
    columns = [f"r.{column(name)} AS {column(name)}" for name in shape.raw if name not in shape.embedded]
    columns += [
        f"{_from_json(f'r.{column(name)}', raw_spec(shape.raw[name]))} AS {column(name)}"
        for name in sorted(shape.embedded)
    ]
    steps = {
        "cf_line": lines,
        "cf_parsed": f"""SELECT *, {_from_json("short", spec)} AS r,
    {is_json("short")} AS ok, CAST(NULL AS string) AS why
FROM (SELECT *, CASE WHEN octet_length(text) <= {LONG_BYTES} THEN text END AS short
    FROM cf_line
    WHERE text IS NULL OR octet_length(text) > {BLANK_BYTES} OR trim(BOTH '{_BLANKS}' FROM text) <> '')""",  # noqa: S608
        # The mapping hands the file on, whatever it is: here, the text beside it.
        "cf_raw": f"""SELECT named_struct('sha256', sha256, 'text', text, 'plain', ok AND coalesce({plain}, false))
    AS _file, position AS _position, text AS _text, CAST(NULL AS string) AS _refused, CAST(NULL AS string) AS _dates,
    {", ".join(columns)}
FROM cf_parsed""",  # noqa: S608  # sources' own names
        "cf_mapped": reading(spark, mapped(shape)),
        # each a step of its own: what stands twice in a query is computed twice
        "cf_texts": _more("cf_mapped", cf_text=in_spark(TRIMMED)),
        "cf_forms": _more("cf_texts", cf_form=in_spark(form_of("cf_text", "token_id_kind"))),
        "cf_plains": _more("cf_forms", cf_plain=in_spark(plain_of("cf_text", "cf_form"))),
        "cf_ids": _more("cf_plains", cf_id=in_spark(canonical_of("cf_text", "cf_form", "cf_plain"))),
        "cf_judged": _more("cf_ids", home=f"NOT raw_file.plain OR reject IS NOT NULL OR {was_left()}"),
    }
    for name, query in steps.items():
        spark.session.sql(query).createOrReplaceTempView(name)
    finals = ", ".join(f"{_final(name)} AS {name}" for name in schema.NAMES if name != "leg")
    bucket = in_spark(BUCKET.replace("token_id", "cf_id")) if bucketed else f"'{ANY_BUCKET}'"
    return spark.session.sql(f"""SELECT {finals}, CASE WHEN home THEN concat(chr(1), raw_file.text) END AS reject,
    CASE WHEN home THEN '{ELSEWHERE}' ELSE leg END AS leg,
    CASE WHEN home THEN '{NO_BUCKET}' ELSE {bucket} END AS bucket
FROM cf_judged""")  # noqa: S608  # our own names


def _more(view: str, **columns: str) -> str:
    more = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    return f"SELECT *, {more} FROM {view}"  # noqa: S608  # our own names


def _final(name: str) -> str:
    if name == "raw_file":
        return "raw_file.sha256"
    if name == "token_id":
        return "cf_id"
    if name == "parent_token_ids":
        return f"CASE WHEN parent_token_ids IS NOT NULL THEN filter({_PARENTS}, p -> p IS NOT NULL) END"
    if name == "item_ids":
        return f"slice(item_ids, 1, {schema.MAX_ITEM_IDS})"
    return f"CAST({name} AS bigint)" if schema.TYPES[name] == "int64" else name


# The same steps as for a token, each over the whole list.
_PARENTS = f"""transform(transform(transform(parent_token_ids,
    raw -> named_struct('t', trim(raw), 'f', {in_spark(form_of("trim(raw)", "token_id_kind"))})),
    id -> named_struct('t', id.t, 'f', id.f, 'p', {in_spark(plain_of("id.t", "id.f"))})),
    id -> {in_spark(canonical_of("id.t", "id.f", "id.p"))})"""


def _from_json(text: str, spec: Any) -> str:
    return f"from_json({text}, {literal(_kind(spec))}, map('allowSingleQuotes', 'false'))"


def _kind(kind: Any) -> str:
    """Return a raw type as Spark's schemas name it."""
    if isinstance(kind, Mapping):
        return "struct<" + ", ".join(f"{column(name)}: {_kind(inner)}" for name, inner in kind.items()) + ">"
    return "string" if isinstance(kind, str) else f"array<{_kind(kind[0])}>"
