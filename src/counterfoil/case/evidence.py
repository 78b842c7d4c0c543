"""Where the evidence of a case lies, and how the embedded engine reads it.

    CASE/evidence/BATCH/all/any/*.parquet               a column names the leg of each record
    CASE/evidence/BATCH/leg=.../bucket=.../*.parquet    folders do: there is much, or a Spark wrote it

To part wide rows among folders takes the engine longer than all the rest of writing them (docs/adr/0037).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from counterfoil.case.folder import REJECTED, CaseFolder, pattern, quoted
from counterfoil.case.manifest import Manifest
from counterfoil.model import schema

WHOLE = Path("all", "any")
FILES = Path("*", "*", "*.parquet")  # of a batch
_FOLDERS = "hive_partitioning = true, hive_types = {'leg': VARCHAR, 'bucket': VARCHAR}"
NAMES = ", ".join(schema.NAMES)


def is_whole(batch: Path) -> bool:
    """Tell whether the batch in this folder is not parted among folders."""
    return (batch / WHOLE.parts[0]).is_dir()


def evidence_sql(
    folder: CaseFolder, manifest: Manifest, *, rejected: bool = False, only: Collection[str] | None = None,
    more: Sequence[str] = (),
) -> str:
    """Return a query over the committed evidence with its `bucket`, or over the rejects. `only`: these batches.

    `more`: what else the engine tells of a row, such as the file in which it lies.
    """
    batches = sorted(batch.id for batch in manifest.batches if only is None or batch.id in only)
    condition = f"leg {'=' if rejected else '<>'} '{REJECTED}'"
    columns = ", ".join((NAMES, "reject" if rejected else "bucket", *more))
    if not batches:
        empty = ", ".join(f"CAST(NULL AS {_duck(dtype)}) AS {name}" for name, dtype in schema.TYPES.items())
        told = "".join(f", NULL AS {name}" for name in more)
        return f"SELECT {columns} FROM (SELECT {empty}, NULL AS reject, '' AS bucket{told}) WHERE false"  # noqa: S608
    files = [(is_whole(folder.evidence / batch), folder.evidence / batch) for batch in batches]
    return scan(((whole, pattern(batch) / FILES) for whole, batch in files), columns, f"WHERE {condition}")


def scan(files: Iterable[tuple[bool, Path]], columns: str, rest: str = "") -> str:
    """Return a query of these columns over files, or patterns of files, of which each is (is_whole, path).

    `rest`: what follows the files. The engine takes no files in one list of which only some are parted.
    """
    every = list(files)
    queries = []
    for whole in (True, False):
        if mine := ", ".join(f"'{quoted(path)}'" for kind, path in every if kind is whole):
            read = f"read_parquet([{mine}], {'hive_partitioning = false' if whole else _FOLDERS})"
            queries.append(f"SELECT {columns} FROM {read} {rest}".rstrip())  # noqa: S608  # our own names
    return " UNION ALL ".join(queries)


def _duck(dtype: str) -> str:
    return {"string": "VARCHAR", "int64": "BIGINT", "boolean": "BOOLEAN", "array<string>": "VARCHAR[]"}.get(
        dtype, "TIMESTAMP"
    )
