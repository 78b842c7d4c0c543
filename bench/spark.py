"""Judges N generated records with the embedded engine and on a Sail: seconds, memory, and how both grow.

    python -m bench spark --records 300K,3M,10M --memory 8GB --results bench/figures/spark.json

For each size, a case of N/2 sign-ins and N/2 acceptances, and a hundred forged ones, is judged by `counterfoil
reconcile` in a process of its own, and again with a Sail in another. Processor time and peak memory are the kernel's
for these processes; the Sail's count beside the program's. `--memory` bounds the program, with a Sail too; a Sail takes
what it takes. The last column is the exponent of growth of the processor time with Sail from the smallest size on.
Whether every row is the same, `python -m tests.reconcile.on_spark --records N` tells; here it is held to what was
planted.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import results
from bench.evidence import Made, make
from bench.reconcile import how_many
from counterfoil import app

DUCKDB = "DuckDB"
WHO = (DUCKDB, "Sail")
SAIL = "Sail cpu s"
PACKAGES = ("duckdb", "pysail", "pyspark-client", "ibis-framework")
SERVER = (
    "import sys, pyspark, pysail.spark as sail;"
    "sail.SparkConnectServer('127.0.0.1', int(sys.argv[1])).start(background=False)"
)
KINDS = ("interactive", "non-interactive", "service-principal", "managed-identity")
START_SECONDS = 60.0


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock and of processor time, and peak memory (bytes)."""

    wall: float
    cpu: float
    peak: int


def main(arguments: Sequence[str]) -> None:
    """Measure each size and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m bench spark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", default="300K,3M", help="sizes, such as 300K,3M,10M")
    parser.add_argument("--memory", default="8GB", help="what the program may take (its own --memory)")
    parser.add_argument("--who", nargs="+", choices=WHO, default=WHO, help="which of the two judge")
    parser.add_argument("--work", type=Path, default=None, help="where cases are made (some 400 bytes a record)")
    parser.add_argument("--results", type=Path, default=None, help="file for the results")
    asked = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    for size in sorted({how_many(text) for text in asked.records.split(",")}):
        rows.append(_measured(size, asked))
        grown = [row | {"exponent": _exponent(rows[0], row)} for row in rows]
        told = [word for word in arguments if asked.work is None or word not in ("--work", str(asked.work))]
        results.keep(asked.results, "spark", told, {"memory": asked.memory, "seed": Made(1).seed}, grown, PACKAGES)


def _exponent(first: Mapping[str, Any], row: Mapping[str, Any]) -> float | None:
    if row["records"] == first["records"] or SAIL not in row:
        return None
    return math.log(row[SAIL] / first[SAIL]) / math.log(row["records"] / first["records"])


def _measured(size: int, asked: argparse.Namespace) -> dict[str, Any]:
    work = Path(tempfile.mkdtemp(prefix="counterfoil-spark-", dir=asked.work))
    try:
        case, made = work / "case", Made(size // 2)
        print(f"{size:,} records: generating", file=sys.stderr)
        make(case, made)
        row: dict[str, Any] = {"records": size}
        for who in asked.who:
            print(f"{size:,} records: {who}", file=sys.stderr)
            row |= _figures(who, case, made, asked.memory)
            shutil.rmtree(case / "settled")
    finally:
        shutil.rmtree(work)
    return row


def _figures(who: str, case: Path, made: Made, memory: str) -> dict[str, float]:
    limit = ["--memory", memory]
    if who == DUCKDB:
        here = _judged(case, made, limit)
        return {"DuckDB wall s": here.wall, "DuckDB cpu s": here.cpu, "DuckDB peak GB": here.peak / 1e9}
    program, server = _on_sail(case, made, limit)
    return {
        "Sail wall s": program.wall, "Sail cpu s": program.cpu + server.cpu,
        "Sail peak GB": server.peak / 1e9, "program peak GB": program.peak / 1e9,
    }


def _on_sail(case: Path, made: Made, limit: Sequence[str]) -> tuple[Spent, Spent]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(port)], stderr=subprocess.DEVNULL)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if time.perf_counter() > began + START_SECONDS:
                raise SystemExit("the Sail did not start")
            time.sleep(0.1)
        program = _judged(case, made, ["--engine", f"sc://127.0.0.1:{port}", *limit])
    finally:
        server.terminate()
        spent = _ended(server, began)
    return program, spent


def _judged(case: Path, made: Made, options: Sequence[str]) -> Spent:
    """Judge the case in a process of its own; SystemExit if it fails, or says anything but what was planted."""
    declared = [word for kind in KINDS for word in ("--complete", f"entra-signin/{kind}")]
    told = [*declared, "--exported-at", f"{made.end + timedelta(days=2)}T00:00:00", "--fail-on", "none", "--quiet"]
    command = [sys.executable, "-m", "counterfoil.cli.main", "reconcile", "--case", str(case), *told, *options]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    spent = _ended(process, began)
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}")
    genuine = f"raw_position <= {made.tokens}"  # the last acceptances of all are forged; some come after the logs' end
    query = f"SELECT {genuine}, verdict, count(*) FROM tokens WHERE verdict <> 'uncovered' GROUP BY ALL ORDER BY ALL"  # noqa: S608
    counted = app.sql(case, query).rows
    if [row[:2] for row in counted] != [(False, "forged"), (True, "minted")] or counted[1][2] != made.tokens:
        raise SystemExit(f"planted {made.forged} forged beside {made.tokens}, found {counted}")
    return spent


def _ended(process: subprocess.Popen[bytes], began: float) -> Spent:
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
