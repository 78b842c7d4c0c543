"""Files of JSON lines that a Spark reads: which, in what pieces, and what of them is read here all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from counterfoil.case.folder import CaseFolder
from counterfoil.case.ingest import Shape, Written, write_batch
from counterfoil.case.spark import PLAIN_PATH, Spark
from counterfoil.case.spark_ingest import Piece, left, write_there
from counterfoil.files import writing
from counterfoil.read.encoding import BOM, Encoding
from counterfoil.read.records import SCHEMA, Counter, InputText, stream
from counterfoil.read.texts import Limits, one_by_one
from counterfoil.unpack.kinds import COMPRESSED, HEAD_BYTES, kind_of

# A Spark holds a file of text three times over while it cuts it into lines: of larger ones it is given parts.
PIECE_BYTES = 32 << 20
_HIDDEN = ("_", ".")  # engines pass over files whose names begin so

Advance = Callable[[int], None]


@dataclass(frozen=True)
class OneInput:
    """An input file: its size, and what reads it here."""

    sha256: str
    size: int
    text: InputText


def written_there(
    spark: Spark, con: duckdb.DuckDBPyConnection, folder: CaseFolder, shape: Shape, inputs: Sequence[OneInput],
    advance: Advance, *, bucketed: bool,
) -> tuple[Written, Written]:
    """Return a batch of what the Spark read of the files, and one of what is read here of them.

    Of the last, `elsewhere` holds what does not fit the shape at a glance. Raises InputError for a file that cannot be
    read to its end, EngineError for a server that does not see the files.
    """
    with TemporaryDirectory(prefix="pieces-", dir=spark.scratch) as cut:
        refused = Path(cut) / "refused.parquet"
        with pq.ParquetWriter(refused, SCHEMA) as lost:
            pieces = [piece for one in inputs for piece in _pieces(one, Path(cut), lost, advance)]
        there = write_there(spark, con, folder, shape, pieces, bucketed=bucketed)
        files = [(one.sha256, one.text) for one in inputs]
        rest = chain(pq.ParquetFile(refused).iter_batches(), _left(there, dict(files)))
        named = replace(shape, name=f"what a Spark left of {shape.name}")
        here = write_batch(con, folder, named, files, lambda _: None, rest, bucketed=bucketed)
    return replace(there, elsewhere=None), here


def _pieces(one: OneInput, cut: Path, lost: pq.ParquetWriter, advance: Advance) -> Iterator[Piece]:
    """Yield the file as it stands, if a Spark can take it so, or copies of its parts, without the lines `lost`."""
    path = Path(one.text.member.name).resolve()
    if _stands(one, path):
        advance(one.size)
        yield Piece(path, one.size, one.sha256, 1)
        return
    held: list[bytes] = []
    first = position = 1
    for batch in stream([one.text], Counter(), advance):
        lost.write_batch(batch.filter(batch["refused"].is_valid()))
        held.append(_bytes(batch["text"]))
        position += len(batch)
        if sum(map(len, held)) >= PIECE_BYTES:
            yield _copied(held, cut, one.sha256, first)
            held, first = [], position
    if held:
        yield _copied(held, cut, one.sha256, first)


def _stands(one: OneInput, path: Path) -> bool:
    """Tell whether the file is on disk, is plain UTF-8, is small, and has a name that engines take for one file's."""
    text = one.text
    if text.member.nested or text.encoding is not Encoding.UTF_8 or one.size > PIECE_BYTES:
        return False
    if path.name.startswith(_HIDDEN) or not PLAIN_PATH.fullmatch(str(path)):
        return False
    with text.member.stored() as handle:
        head = handle.read(HEAD_BYTES)
    return kind_of(head) not in COMPRESSED and not head.startswith(BOM)


def _bytes(texts: pa.Array) -> bytes:
    """Return the lines in a row; where one was refused, a blank line keeps its place."""
    return "".join(texts.fill_null("\n").to_pylist()).encode()


def _copied(held: Sequence[bytes], cut: Path, sha256: str, first: int) -> Piece:
    path = cut / f"{sha256}-{first}.jsonl"
    with writing(path) as file:
        file.writelines(held)
    return Piece(path, sum(map(len, held)), sha256, first)


def _left(there: Written, texts: Mapping[str, InputText]) -> Iterator[pa.RecordBatch]:
    """Yield the records that a Spark left, with the limits of a reader; of a file that is no UTF-8, all of it."""
    for batch in left(there):
        whole = batch["raw_position"].is_null()
        for sha256 in batch.filter(whole)["raw_file"].to_pylist():
            yield from stream([texts[sha256]], Counter(), lambda _: None)
        lines = batch.filter(pc.invert(whole))
        found, refusals = one_by_one(map(str.encode, lines["text"].to_pylist()), Limits())
        numbers = [texts[sha256].number for sha256 in lines["raw_file"].to_pylist()]
        columns = [pa.array(numbers, pa.int32()), lines["raw_position"], found, refusals]
        yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
