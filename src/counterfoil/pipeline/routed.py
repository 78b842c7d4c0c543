"""Records of other sources than their file's: each is looked at by its own shape, and goes to its own source.

A file is read with one source; what does not fit that at a glance is set aside by the reader, and comes here: rows of
the other tables of a union, of the other logs on one event hub, and what no source reads, which is rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from counterfoil.case.folder import PRIVATE, CaseFolder
from counterfoil.case.ingest import Fit, Shape, Written, set_aside, write_batch
from counterfoil.expressions import ibis, ir
from counterfoil.pipeline.opened import NoJSON, nested_names, opened
from counterfoil.read.records import SCHEMA, InputText
from counterfoil.sources.mapping import rows
from counterfoil.sources.recognise import OTHER_TABLE
from counterfoil.sources.source import RAW_REFUSED, TEXT, Source

Files = Sequence[tuple[str, InputText]]
Chooser = Callable[[Any], Source | str]
_REST = "rest"  # of no source


def routed(
    con: duckdb.DuckDBPyConnection,
    folder: CaseFolder,
    written: Written,
    choosers: Mapping[str, Chooser],
    main: Source,
    texts: Callable[[Source], Files],
    *,
    bucketed: bool,
) -> Iterator[tuple[Source, Written]]:
    """Yield the batches, by source, of the records that `written` left elsewhere; of no source, they are rejects.

    `choosers`: by the SHA-256 of a file, what tells the source of a record. `texts`: the files as a source reads them.
    `bucketed`: of `write_batch`.
    """
    if written.elsewhere is None:
        return
    spool = folder.tmp / f"routed-{written.id}"
    spool.mkdir(mode=PRIVATE)
    numbers = {sha: text.number for sha, text in texts(main)}
    found = _sorted_out(spool, set_aside(con, written), choosers, numbers)
    for name, source in sorted(found.items()):
        shape = _rest(main) if source is None else shape_of(source)
        reader = main if source is None else source
        file = pq.ParquetFile(spool / name)
        records = file.iter_batches()
        yield reader, write_batch(con, folder, shape, texts(reader), lambda _: None, records, bucketed=bucketed)
        file.close()


def fit_of(source: Source, *, csv: bool = False) -> Fit:
    """Return what shows at a glance that a record is of the source, in JSON or in a CSV."""
    nested = nested_names({name: kind for name, kind in source.raw.items() if name not in source.embedded})
    marks = {} if csv else source.markers
    return Fit(source.asks(csv=csv), source.absent, marks, source.tables, frozenset(nested), source.vital)


def shape_of(source: Source, fit: Fit | None = None) -> Shape:
    """Return the engine's view of a source."""
    return Shape(source.name, source.raw, source.embedded, source.to_evidence, fit, source.breakable)


def _sorted_out(
    spool: Path, aside: Iterator[pa.RecordBatch], choosers: Mapping[str, Chooser], numbers: Mapping[str, int]
) -> dict[str, Source | None]:
    """Write the records to a file for each source, and return the sources by the file's name."""
    found: dict[str, Source | None] = {}
    with ExitStack() as stack:
        files: dict[str, pq.ParquetWriter] = {}
        for batch in aside:
            for name, (source, lines) in _by_source(batch, choosers, numbers).items():
                found[name] = source
                if name not in files:
                    files[name] = stack.enter_context(pq.ParquetWriter(spool / name, SCHEMA))
                    (spool / name).chmod(0o600)
                files[name].write_table(pa.Table.from_pylist(lines, SCHEMA))
    return found


def _by_source(
    batch: pa.RecordBatch, choosers: Mapping[str, Chooser], numbers: Mapping[str, int]
) -> dict[str, tuple[Source | None, list[dict[str, Any]]]]:
    found: dict[str, tuple[Source | None, list[dict[str, Any]]]] = {}
    for row in batch.to_pylist():
        source, record = _choice(choosers[row["raw_file"]], row["text"])
        line = {"file": numbers[row["raw_file"]], "position": row["raw_position"]}
        line |= {"text": record} if source else {"text": row["text"], "refused": record}
        found.setdefault(source.name if source else _REST, (source, []))[1].append(line)
    return found


def _choice(choose: Chooser, text: str) -> tuple[Source | None, str]:
    """Return the source of a record and its text with nested texts opened; or none, and why it is refused."""
    try:
        record = msgspec.json.decode(text)
        source = choose(record)
        if isinstance(source, str):
            return None, source
        loose = {name: kind for name, kind in source.raw.items() if name not in source.embedded}
        whole = opened(record, loose)  # the engine opens those that are always texts
        return source, text if whole == record else msgspec.json.encode(whole).decode()
    except NoJSON as lost:
        return None, str(lost)
    except (msgspec.DecodeError, RecursionError):
        return None, "not JSON"


def _rest(main: Source) -> Shape:
    """Return the shape of what is of no source: rejects, which the file's own source may have lost."""

    def refuse(raw: ir.Table) -> ir.Table:
        source = ibis.cases((raw[RAW_REFUSED] == OTHER_TABLE, ibis.null("string")), else_=main.log.name)
        return rows(raw, source=source, fidelity=99)

    return Shape(_REST, {"none": TEXT}, frozenset(), refuse)  # the engine wants a column to parse
