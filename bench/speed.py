"""Times raw JSON to verdicts, beside DuckDB's bare read of the same columns as the limit, in one run.

    python -m bench speed --records 1000000

Half of the records are mail accesses, half sign-ins (fixed seed). The limit is `read_json` with the declared raw
columns of both sources into a table: no positions, no rejects, no hashes, no Parquet, no verdicts.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import ibis

import counterfoil
from counterfoil import app
from counterfoil.lab.history import scenarios
from counterfoil.sources.registry import by_name

LIMIT = (("m365-ual-api", "m365/*.jsonl"), ("entra-signin-azure-monitor", "entra/*SignInLogs.jsonl"))


def limit(logs: Path, threads: int) -> float:
    """Return the seconds of reading the same raw columns with nothing else."""
    con = duckdb.connect(config={"threads": threads})
    began = time.perf_counter()
    for place, (name, pattern) in enumerate(LIMIT):
        source = by_name(name)
        if source is None:
            raise SystemExit(f"no source {name}")
        columns = ", ".join(f"'{column}': '{_type(kind)}'" for column, kind in source.raw.items())
        con.execute(
            f"CREATE TABLE t{place} AS SELECT * FROM read_json('{logs / pattern}', "  # noqa: S608  # our own names
            f"columns = {{{columns}}}, format = 'newline_delimited')"
        )
    return time.perf_counter() - began


def _type(kind: Any) -> str:
    if isinstance(kind, str):
        return "VARCHAR"
    if isinstance(kind, Mapping):
        return "STRUCT(" + ", ".join(f'"{name}" {_type(inner)}' for name, inner in kind.items()) + ")"
    return f"{_type(kind[0])}[]"


def hunt(logs: Path, case: Path, scenario: scenarios.Scenario, threads: int) -> tuple[float, int]:
    """Return the seconds of a whole hunt and the forged tokens it found."""
    began = time.perf_counter()
    report = app.hunt([str(logs)], scenario.settings(case, threads=threads))
    return time.perf_counter() - began, report.tokens(counterfoil.Verdict.FORGED)


def main(arguments: Sequence[str]) -> None:
    """Print one line per run and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args(arguments)
    scenario = scenarios.bench(asked.records)
    print(f"counterfoil {counterfoil.__version__}, duckdb {duckdb.__version__}, ibis {ibis.__version__}, "
          f"Python {platform.python_version()}, {platform.machine()}, {asked.threads} threads, seed 1")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        records = scenario.write(logs, Path(folder) / "truth.jsonl").records
        size = sum(path.stat().st_size for path in logs.rglob("*.jsonl"))
        bare = limit(logs, asked.threads)
        took, forged = hunt(logs, Path(folder) / "case", scenario, asked.threads)
    print(f"records          {records:,} ({size / 1e9:.2f} GB of JSON)")
    print(f"bare read_json   {bare:.1f} s, {records / bare / 1000:.0f} k records/s")
    print(f"hunt             {took:.1f} s, {records / took / 1000:.0f} k records/s, {forged} of 100 forged")
    print(f"ratio            {bare / took:.2f} of the limit")
