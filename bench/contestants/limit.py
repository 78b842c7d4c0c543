"""The limit: DuckDB reads the columns that counterfoil declares for these logs into tables, and answers nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.sources.registry import all_sources

NAME = "read_json alone"
PACKAGE = "duckdb"
HOW = "`read_json` with the raw columns that counterfoil declares, into tables: no positions, rejects, hashes, Parquet"
ANSWERS = False

_READ = (
    ("m365-ual-api", "m365/*.jsonl"),
    ("entra-signin-azure-monitor", "entra/*SignInLogs.jsonl"),
    ("graph-activity-azure-monitor", "entra/MicrosoftGraphActivityLogs.jsonl"),
)


def main(logs: Path, out: Path) -> None:
    """Read the same raw columns with nothing else."""
    con = duckdb.connect()
    raw = {source.name: source.raw for source in all_sources()}
    for place, (name, pattern) in enumerate(_READ):
        columns = ", ".join(f"'{column}': '{_type(kind)}'" for column, kind in raw[name].items())
        con.execute(
            f"CREATE TABLE t{place} AS SELECT * FROM read_json('{logs / pattern}', "  # noqa: S608  # our own names
            f"columns = {{{columns}}}, format = 'newline_delimited')"
        )
    out.write_text("", encoding="utf-8")


def _type(kind: Any) -> str:
    if isinstance(kind, str):
        return "VARCHAR"
    if isinstance(kind, Mapping):
        return "STRUCT(" + ", ".join(f'"{name}" {_type(inner)}' for name, inner in kind.items()) + ")"
    return f"{_type(kind[0])}[]"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
