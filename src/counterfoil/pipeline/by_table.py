"""Tables of the lake, as files of the case: a Spark writes their rows as JSON lines, which are inputs like any other.

    CASE/tables/TABLE/*.jsonl       named by their content: what is read again is the same file

They stay, so that the line of a finding can be looked up. A file that no manifest names is swept away.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from counterfoil.case.folder import PRIVATE, CaseFolder
from counterfoil.case.manifest import Input
from counterfoil.case.spark import Spark
from counterfoil.case.spark_lines import first_lines, shown, write_lines
from counterfoil.errors import UsageError
from counterfoil.pipeline.by_spark import PIECE_BYTES
from counterfoil.pipeline.ingest import planned
from counterfoil.pipeline.inputs import digest
from counterfoil.pipeline.members import Found
from counterfoil.pipeline.progress import Progress
from counterfoil.read.sniff import SAMPLE_RECORDS
from counterfoil.unpack.walk import plain

_ODD = re.compile(r"[^A-Za-z0-9@.-]+")
_SPARE = 2  # records of a table may be so many times larger than its first ones, and their file still be read as it is


def lines_of(spark: Spark, folder: CaseFolder, tables: Sequence[str], progress: Progress) -> tuple[Path, ...]:
    """Return files of the case that hold the rows of these tables as JSON lines.

    Raises UsageError, with nothing written, for what is no table, cannot be read, is empty, or holds no log that is
    read; EngineError for a server that fails on the way.
    """
    sizes = {table: _size(spark, table) for table in dict.fromkeys(tables)}
    progress.stage("reading tables", len(sizes))
    written = {}
    for table, size in sizes.items():
        place = spark.scratch / f"table_{secrets.token_hex(4)}"
        written[table] = write_lines(spark, table, place, max(1, PIECE_BYTES // (_SPARE * size)))
        progress.advance(1)
    return tuple(path for table, files in written.items() for path in _kept(folder.tables / _name(table), files))


def _size(spark: Spark, table: str) -> int:
    """Return how many bytes a row has, by the first ones; raises UsageError for what is not worth reading."""
    data = "".join(f"{line}\n" for line in first_lines(spark, table, SAMPLE_RECORDS)).encode()
    if not data.strip():
        hint = "it is empty, or the server does not see what it is made of"
        raise UsageError(f"--table {shown(table)}: no rows", hint=hint)
    sample = spark.scratch / f"sample_{secrets.token_hex(4)}.jsonl"
    sample.write_bytes(data)
    plan = planned(Found(plain(sample), hashlib.sha256(data).hexdigest(), len(data)))
    if isinstance(plan, Input):
        near = f" (nearest: {plan.nearest})" if plan.nearest else ""
        hint = "name what holds the records, such as --table 'SELECT value FROM ...'; counterfoil sources lists shapes"
        raise UsageError(f"--table {shown(table)}: no log that is read: {plan.unread}{near}", hint=hint)
    return len(data) // data.count(b"\n")


def _kept(place: Path, files: Sequence[Path]) -> list[Path]:
    """Return the files that hold something, each where it stays."""
    for level in (place.parent, place):
        level.mkdir(exist_ok=True, mode=PRIVATE)
    kept = {place / f"{digest(file).sha256[:32]}.jsonl": file for file in files if file.stat().st_size}
    for path, file in kept.items():
        if not path.exists():
            file.replace(path)
    return sorted(kept)


def _name(table: str) -> str:
    """Return a table as the name of a folder, which two tables never share.

    >>> _name("delta.`/lake/sign ins`")
    'delta._lake_sign_ins-3b4a9340'
    """
    told = _ODD.sub("_", shown(table)).strip("_.") or "table"
    return f"{told}-{hashlib.sha256(table.encode()).hexdigest()[:8]}"
