"""Writes records as evidence: one pass of the engine over the record stream, straight to Parquet.

The stream is parsed into the source's raw columns, mapped, and written; where there is much of it, to folders by leg
and bucket (by token id: what is joined lies in one bucket). What is rejected is a leg of its own, with its reason, so
that one pass yields both. Measured against reading with the engine's own JSON reader in docs/adr/0003-reading.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from counterfoil.case.canonical import with_canonical_ids
from counterfoil.case.engine import joined_as_written
from counterfoil.case.evidence import FILES, WHOLE, is_whole, scan
from counterfoil.case.folder import REJECTED, CaseFolder, pattern, quoted
from counterfoil.case.given import give
from counterfoil.expressions import ir
from counterfoil.expressions.compiled import sql
from counterfoil.expressions.tables import table
from counterfoil.model import schema
from counterfoil.read.columns import Order
from counterfoil.read.records import BATCH_ROWS, SCHEMA, Counter, InputText, date_order, stream

NO_BUCKET = "none"  # of rejects
ANY_BUCKET = "any"  # of what is written without looking at its bucket
# The leg of records that do not fit at a glance: what would be their reason of a reject is this mark and their text.
ELSEWHERE = "elsewhere"
_MARK = "chr(1)"
# The same as `reconcile.families`, which a test holds it to: first digit of the MD5 of the family's name.
BUCKET = """left(md5(coalesce(token_id, 'digest' || chr(31) || signing_input_digest,
    source || chr(31) || record_id)), 1)"""
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
# Rows that the writer holds for each bucket before it writes them: buckets times this is what reading needs.
ROW_GROUP = 30_720
_FORM = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP}"
_FILE = "data_0.parquet"
# So much text is given without a reader of Arrow's: for that, the engine imports pandas where there is one.
FEW_BYTES = 1 << 20
_STREAM = {"file": "int64", "position": "int64", "text": "string", "refused": "string"}
_FILES = {"file": "int64", "sha256": "string", "dates": "string"}
_TEXT = "VARCHAR"
BLANK_BYTES = 64  # longer lines are not looked through for being blank: that costs as much as parsing them

# A raw type as sources declare it: "string", a mapping of members, or a list of one type.
RawType = Any
Mapper = Callable[[ir.Table], ir.Table]


@dataclass(frozen=True)
class Fit:
    """What shows at a glance that a record is of a shape: dotted paths of members.

    `filled` hold a value, `empty` hold none, `marks` one of their values; Type is empty or one of `tables`; none of the
    members called `nested` holds a JSON text, and none of `vital` another text. Other records may be of the shape all
    the same: whoever knows all shapes looks at them one by one.
    """

    filled: frozenset[str]
    empty: frozenset[str]
    marks: Mapping[str, frozenset[str]]
    tables: frozenset[str] = frozenset()
    nested: frozenset[str] = frozenset()
    vital: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Shape:
    """How to parse and map the records: the engine's view of a source.

    `fit`: where records of others may be among them. `breakable`: those of `embedded` whose loss leaves a record.
    """

    name: str
    raw: Mapping[str, RawType]
    embedded: frozenset[str]
    to_evidence: Mapper
    fit: Fit | None = None
    breakable: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FileCount:
    """Records of one file in a batch, how many of them were rejected, and how many issuances have no date.

    `denied`: the logs that, as the file says, the service refused to whoever exported.
    """

    sha256: str
    rows: int
    rejected: int
    undated: int
    denied: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """A batch that was written to staging, not yet committed.

    By the SHA-256 of the file: `streamed` counts its records, `cut` says how it shows that its export was cut off;
    `linked` are pages that name one that follows; `two_ways` are files whose dates can be read day or month first.
    `elsewhere` holds the records that do not fit the shape at a glance, and belong to no batch yet; None if all do.
    """

    id: str
    folder: Path
    files: tuple[FileCount, ...]
    streamed: Mapping[str, int]
    cut: Mapping[str, str]
    linked: frozenset[str]
    two_ways: frozenset[str]
    elsewhere: Path | None = None

    def has(self, sha256: str) -> bool:
        """Tell whether the batch holds good records of the file."""
        return any(file.sha256 == sha256 and file.rows > file.rejected for file in self.files)

    @property
    def rows(self) -> int:
        """Records in the batch."""
        return sum(file.rows for file in self.files)


def write_batch(
    con: duckdb.DuckDBPyConnection,
    folder: CaseFolder,
    shape: Shape,
    files: Sequence[tuple[str, InputText]],
    advance: Callable[[int], None],
    records: Iterable[pa.RecordBatch] | None = None,
    *,
    bucketed: bool = False,
) -> Written:
    """Read `files` ((SHA-256, file) pairs) with `shape` into a batch folder in staging.

    `records`: those of the files that are meant, where it is not all of them. `bucketed`: there is more than can be
    settled at a time.

    Raises InputError if a file cannot be read to its end.
    """
    part = "" if records is None else "some of"
    told = [part + shape.name, *sorted(sha for sha, _ in files)]
    name = hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]
    target = folder.staging / name
    counter = Counter()
    texts = [text for _, text in files]
    orders = {sha: date_order(text) for sha, text in files}
    batches = stream(texts, counter, advance) if records is None else records
    try:
        give(con, "cf_files", _FILES, [[text.number, sha, orders[sha]] for sha, text in files])
        _given(con, batches)
        with joined_as_written(con):
            con.execute(_copy(shape, target, bucketed=bucketed))
    except duckdb.Error as error:
        if counter.failure is not None:
            raise counter.failure from error
        raise
    finally:
        con.unregister("cf_stream")  # what was given as a table is replaced by the next
    streamed = {sha: counter.records.get(text.number, 0) for sha, text in files}
    cut = {sha: counter.cut[text.number] for sha, text in files if text.number in counter.cut}
    linked = frozenset(sha for sha, text in files if text.number in counter.linked)
    two_ways = frozenset(sha for sha, told in orders.items() if told is Order.TWO_WAYS)
    elsewhere = _set_aside(con, target, folder.tmp / name, bucketed=bucketed)
    return Written(name, target, counts(con, target), streamed, cut, linked, two_ways, elsewhere)


def _set_aside(con: duckdb.DuckDBPyConnection, target: Path, aside: Path, *, bucketed: bool) -> Path | None:
    """Move what a batch left elsewhere to the folder `aside` and return that; None if there is nothing."""
    if bucketed:
        folder = target / f"leg={ELSEWHERE}"
        return folder.replace(aside) if folder.is_dir() else None
    file = target / WHOLE / _FILE
    rows = f"FROM read_parquet('{quoted(file)}', hive_partitioning = false) WHERE leg"
    if con.execute(f"SELECT 1 {rows} = '{ELSEWHERE}' LIMIT 1").fetchone() is None:
        return None
    aside.mkdir(mode=_PRIVATE_FOLDER)
    con.execute(f"COPY (SELECT raw_file, raw_position, reject {rows} = '{ELSEWHERE}') TO '{quoted(aside / _FILE)}'")
    rest = target / _FILE
    con.execute(f"COPY (SELECT * {rows} <> '{ELSEWHERE}') TO '{quoted(rest)}' ({_FORM})")
    rest.replace(file)
    return aside


def set_aside(con: duckdb.DuckDBPyConnection, written: Written) -> Iterator[pa.RecordBatch]:
    """Yield the records that a batch left elsewhere: their file (SHA-256), position and text."""
    if written.elsewhere is not None:
        yield from con.execute(
            "SELECT raw_file, raw_position, reject[2:] AS text FROM read_parquet(?)",
            [str(pattern(written.elsewhere) / "**" / "*.parquet")],
        ).to_arrow_reader(BATCH_ROWS)


def _given(con: duckdb.DuckDBPyConnection, batches: Iterable[pa.RecordBatch]) -> None:
    """Let the engine see the records as `cf_stream`: a few as a table of its own, more of them while they are read."""
    con.execute("DROP TABLE IF EXISTS cf_stream")
    records, held, size = iter(batches), [], 0
    for batch in records:
        held.append(batch)
        size += batch.nbytes
        if size > FEW_BYTES:
            break
    else:
        give(con, "cf_stream", _STREAM, [[*row.values()] for batch in held for row in batch.to_pylist()])
        return
    # The engine imports this when a stream is registered, and Ctrl-C is lost meanwhile: imported here, it is not.
    import pyarrow.dataset  # noqa: F401

    con.register("cf_stream", pa.RecordBatchReader.from_batches(SCHEMA, chain(held, records)))


def commit(folder: CaseFolder, written: Written) -> None:
    """Move a written batch among the evidence; it counts once the manifest names it."""
    if written.files:
        for path in (written.folder, *written.folder.rglob("*")):
            path.chmod(_PRIVATE_FOLDER if path.is_dir() else _PRIVATE_FILE)
        written.folder.replace(folder.evidence / written.id)


def counts(con: duckdb.DuckDBPyConnection, target: Path) -> tuple[FileCount, ...]:
    """Return what the batch in the folder holds of each file."""
    if not any(target.glob(str(FILES))):  # a pass over a mixed file may find nothing
        return ()
    columns = f"""raw_file, count(*), count(*) FILTER (leg = '{REJECTED}'),
        count(*) FILTER (leg NOT IN ('{REJECTED}', '{schema.Leg.CONTEXT}') AND event_time IS NULL),
        list_sort(list(DISTINCT object_id) FILTER (object_kind = '{schema.WHOLE_LOG}'
            AND leg = '{schema.Leg.CONTEXT}' AND outcome = '{schema.Outcome.REFUSED}' AND object_id IS NOT NULL))"""
    rows = con.execute(scan([(is_whole(target), pattern(target) / FILES)], columns, "GROUP BY 1 ORDER BY 1")).fetchall()
    return tuple(FileCount(sha, n, bad, dateless, tuple(denied or ())) for sha, n, bad, dateless, denied in rows)


def mapped(shape: Shape) -> ir.Table:
    """Return the evidence that the raw columns of the table `cf_raw` are mapped to."""
    reader = {"_file": _TEXT, "_position": "BIGINT", "_text": _TEXT, "_refused": _TEXT, "_dates": _TEXT}
    raw = {name: _type(kind) for name, kind in shape.raw.items()} | reader
    return shape.to_evidence(table("cf_raw", [*raw.items()]))


def _copy(shape: Shape, target: Path, *, bucketed: bool) -> str:
    """Return the statement that reads the stream and writes the batch."""
    columns = ",\n  ".join(_final(column.name) for column in schema.EVIDENCE if column.name != "leg")
    bucket = BUCKET if bucketed else f"'{ANY_BUCKET}'"
    return f"""COPY (
WITH cf_raw AS ({_parsed(shape)}),
cf_mapped AS ({with_canonical_ids(sql(mapped(shape)))})
SELECT CASE WHEN reject IS NULL THEN leg WHEN starts_with(reject, {_MARK}) THEN '{ELSEWHERE}'
    ELSE '{REJECTED}' END AS leg,
  {columns}, reject,
  CASE WHEN reject IS NOT NULL THEN '{NO_BUCKET}' ELSE {bucket} END AS bucket
FROM cf_mapped
) TO {destination(target, bucketed=bucketed)}"""  # noqa: S608


def destination(target: Path, *, bucketed: bool) -> str:
    """Return where and how a batch is written to the folder `target`, as COPY takes it; what it needs of it is made."""
    if bucketed:
        return f"'{quoted(target)}' ({_FORM}, PARTITION_BY (leg, bucket))"
    file = target / WHOLE / _FILE
    file.parent.mkdir(parents=True, mode=_PRIVATE_FOLDER)
    return f"'{quoted(file)}' ({_FORM})"


def _final(name: str) -> str:
    if name == "parent_token_ids":
        return (
            "CASE WHEN parent_token_ids IS NOT NULL THEN list_filter("
            "cf_token_ids(token_id_kind, parent_token_ids), lambda p: p IS NOT NULL) END AS parent_token_ids"
        )
    if name == "item_ids":
        return f"item_ids[1:{schema.MAX_ITEM_IDS}] AS item_ids"
    if schema.TYPES[name] == "int64":  # else a number is the smallest type that holds it, and a sum a float
        return f"{name}::BIGINT AS {name}"
    return name


def _parsed(shape: Shape) -> str:
    """Return the query that parses the stream into the raw columns and the reader's own."""
    text = {name: "VARCHAR" if name in shape.embedded else raw_spec(kind) for name, kind in shape.raw.items()}
    columns = [f"r.{_name(name)}" for name in shape.raw if name not in shape.embedded]
    columns += [
        f"json_transform(CASE WHEN json_valid(r.{_name(name)}) THEN r.{_name(name)} END, "
        f"{_literal(json.dumps(raw_spec(shape.raw[name])))}) AS {_name(name)}"
        for name in sorted(shape.embedded)
    ]
    whole = sorted(shape.embedded - shape.breakable)
    broken = [f"WHEN {is_broken(f'r.{_name(name)}')} THEN {_literal(f'{name} is no JSON')}" for name in whole]
    why = f"coalesce(why, CASE {' '.join(broken)} END)" if broken else "why"
    if shape.fit is not None:
        fits, text = glance(shape, text)
        why = f"coalesce(why, CASE WHEN NOT coalesce({fits}, false) THEN {_MARK} || text END, {why})"
    return f"""SELECT sha256 AS _file, position AS _position, text AS _text, {why} AS _refused, dates AS _dates,
  {", ".join(columns)}
FROM (SELECT sha256, dates, position, text, coalesce(refused, CASE WHEN NOT ok THEN 'not JSON' END) AS why,
    json_transform(CASE WHEN ok THEN text END, {_literal(json.dumps(text))}) AS r
  FROM (SELECT sha256, dates, position, refused, text, coalesce(json_valid(text), false) AS ok
    FROM cf_stream JOIN cf_files USING (file)
    WHERE CASE WHEN refused IS NOT NULL OR strlen(text) > {BLANK_BYTES} THEN true
        ELSE trim(text, E' \\r\\n\\t') <> '' END))"""  # noqa: S608  # of OR, both sides would be worked out


def glance(shape: Shape, spec: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the condition under which a parsed record fits at a glance, and what is to be parsed for it."""
    fit, parsed = shape.fit or Fit(frozenset(), frozenset(), {}), dict(spec)

    def member(path: str) -> tuple[str, Any]:
        head, *rest = path.split(".")
        if head.lower() not in map(str.lower, parsed):
            parsed[head] = "VARCHAR"
        kind: Any = parsed.get(head)
        for step in rest:
            kind = kind.get(step) if isinstance(kind, Mapping) else None
        if kind is None:  # the engine takes two names that differ in case for one
            steps = "".join(f".{_name(step)}" for step in path.split("."))
            return f"json_extract_string(CASE WHEN why IS NULL THEN text END, {_literal('$' + steps)})", "VARCHAR"
        return "r." + ".".join(map(_name, (head, *rest))), kind

    def filled(path: str) -> str:
        value, kind = member(path)
        return f"coalesce({value}, '') <> ''" if kind == "VARCHAR" else f"{value} IS NOT NULL"

    terms = [filled(path) for path in sorted(fit.filled)]
    terms += [f"NOT ({filled(path)})" for path in sorted(fit.empty)]
    terms += [f"{member(path)[0]} IN {_list(values)}" for path, values in sorted(fit.marks.items())]
    if fit.tables:
        terms.append(f"coalesce({member('Type')[0]}, '') IN {_list({'', *fit.tables})}")
    if fit.nested:  # an object inside of a text begins so; a pattern costs more than these looks, and one sign least
        names = "|".join(sorted(fit.nested))
        pattern = rf'"(?:{names})"\s*:\s*"\s*[\[{{]'
        terms.append(
            "CASE WHEN contains(text, '\\') AND (contains(text, '{\\') OR contains(text, '[\\')) "
            f"THEN NOT regexp_matches(text, {_literal(pattern)}) ELSE true END"
        )
    for name in sorted(fit.vital):
        pattern = rf'"{name}"\s*:\s*"[^"]'
        members = ", ".join(f"r.{_name(name)}.{_name(inner)}" for inner in shape.raw[name])
        terms.append(
            f"CASE WHEN coalesce({members}) IS NULL AND contains(text, {_literal(_name(name))}) "
            f"THEN NOT regexp_matches(text, {_literal(pattern)}) ELSE true END"
        )
    return " AND ".join(f"({term})" for term in terms) or "true", parsed


def is_broken(value: str) -> str:
    """Return the condition under which a text should be an object or a list, and is none."""
    text = f"trim({value}, E' \\r\\n\\t')"
    return f"{text} NOT IN ('', 'null') AND NOT (left({text}, 1) IN ('{{', '[') AND json_valid({value}))"


def _list(values: Iterable[str]) -> str:
    return "(" + ", ".join(map(_literal, sorted(values))) + ")"


def raw_spec(kind: RawType) -> Any:
    """Return the raw type as the structure that the engine's json_transform takes."""
    if isinstance(kind, str):
        return _TEXT
    if isinstance(kind, Mapping):
        return {name: raw_spec(inner) for name, inner in kind.items()}
    return [raw_spec(kind[0])]


def _type(kind: RawType) -> str:
    """Return the raw type as the engine names it."""
    if isinstance(kind, str):
        return _TEXT
    if isinstance(kind, Mapping):
        return "STRUCT(" + ", ".join(f"{_name(name)} {_type(inner)}" for name, inner in kind.items()) + ")"
    return f"{_type(kind[0])}[]"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
