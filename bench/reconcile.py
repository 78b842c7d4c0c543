"""Reconciles N acceptances with N issuances, N from 1 M to 100 M, beside DuckDB's plain anti-join as the limit.

    python -m bench reconcile --tokens 1M,3M,10M --memory 4GB --results bench/results/reconcile.json

For each size: evidence is generated as Parquet (fixed seed), the two id columns are anti-joined by DuckDB alone in a
process of its own (the limit: it finds the forged ids and nothing else), then the case is reconciled in a process of
its own: all rules, findings and result tables. Peak memory is the kernel's figure for that whole process. Sizes that
the results file holds already are kept; the last column is the exponent of growth from the smallest size to this one.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bench import results
from bench.evidence import Made, make
from counterfoil import app
from counterfoil.case.evidence import evidence_sql
from counterfoil.case.folder import existing
from counterfoil.case.manifest import read_manifest
from counterfoil.case.tables import Tables
from counterfoil.config import HuntSettings
from counterfoil.model.coverage import Declaration
from counterfoil.model.verdict import ACCUSING, Verdict

STAGES = 8  # tables that are told of one by one
UNITS = {"K": 1_000, "M": 1_000_000}
PACKAGES = ("duckdb", "ibis-framework", "pyarrow")
ANTI_JOIN = """SELECT count(*) FROM (SELECT token_id FROM ({evidence}) WHERE leg = 'acceptance') AS accepted
ANTI JOIN (SELECT token_id FROM ({evidence}) WHERE leg = 'issuance') AS issued USING (token_id)"""


def main(arguments: Sequence[str]) -> None:
    """Measure each size that is not in the results yet, and tell all."""
    parser = argparse.ArgumentParser(
        prog="python -m bench reconcile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", default="1M,3M,10M", help="sizes, such as 1M,3M,10M,30M,100M")
    parser.add_argument("--memory", default="4GB", help="limit of the process that reconciles, and of the limit's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=None, help="where cases are made (some 300 bytes a token)")
    parser.add_argument("--results", type=Path, default=None, help="file for the results; sizes in it are not repeated")
    parser.add_argument("--plot", type=Path, default=None, help="SVG to draw of the results")
    parser.add_argument("--stages", action="store_true", help="tell where the processor time goes, too")
    parser.add_argument("--part", nargs=2, metavar=("PART", "CASE"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.part:
        size = how_many(asked.tokens)
        print(json.dumps(_PARTS[asked.part[0]](Path(asked.part[1]), Made(size), asked)))
        return
    rows = _earlier(asked.results)
    for size in sorted({how_many(text) for text in asked.tokens.split(",")} - {row["tokens"] for row in rows}):
        row, stages = _measure(size, asked)
        rows = sorted([*rows, row], key=lambda row: row["tokens"])
        _tell(asked, arguments, rows)
        if asked.stages:
            print("\n" + results.table(stages))
    if asked.plot is not None:
        from bench.growth import draw

        draw(rows, asked.plot)


def how_many(text: str) -> int:
    """Return a number as it is typed, such as 10M."""
    text = text.strip().upper()
    return int(float(text[:-1]) * UNITS[text[-1]]) if text[-1:] in UNITS else int(text)


def _earlier(path: Path | None) -> list[dict[str, Any]]:
    if path is None or not path.is_file():
        return []
    return list(json.loads(path.read_text(encoding="utf-8"))["rows"])


def _tell(asked: argparse.Namespace, arguments: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    settings = {"seed": Made(1).seed, "threads": asked.threads, "memory": asked.memory}
    first = rows[0]
    grown = [dict(row) | {"exponent": _exponent(first, row)} for row in rows]
    told = [word for word in arguments if asked.work is None or word not in ("--work", str(asked.work))]
    results.keep(asked.results, "reconcile", told, settings, grown, PACKAGES)


def _exponent(first: Mapping[str, Any], row: Mapping[str, Any]) -> float | None:
    if row["tokens"] == first["tokens"]:
        return None
    return math.log(row["cpu s"] / first["cpu s"]) / math.log(row["tokens"] / first["tokens"])


def _measure(size: int, asked: argparse.Namespace) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Generate a case, run limit and reconciliation on it, each in its own process, and remove it.

    Returns the row of the results, and the processor time of each table that was computed.
    """
    work = Path(tempfile.mkdtemp(prefix="counterfoil-reconcile-", dir=asked.work))
    try:
        made = Made(size)
        print(f"{size:,} tokens: generating", file=sys.stderr)
        make(work / "case", made)
        bare = _own_process("limit", work / "case", size, asked)
        told = _own_process("reconcile", work / "case", size, asked)
    finally:
        shutil.rmtree(work)
    row = {
        "tokens": size, "limit s": bare["wall"], "limit cpu s": bare["cpu"], "wall s": told["wall"],
        "cpu s": told["cpu"], "ratio": bare["wall"] / told["wall"], "cpu ratio": bare["cpu"] / told["cpu"],
        "k tokens/s": size / told["wall"] / 1000, "peak GB": told["peak"] / 1e9, "limit peak GB": bare["peak"] / 1e9,
        "planted": made.forged, "found": told["found"], "innocents accused": told["innocents"],
    }
    return row, told["stages"]


def _own_process(part: str, case: Path, size: int, asked: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench", "reconcile", "--tokens", str(size), "--memory", asked.memory,
               "--threads", str(asked.threads), "--part", part, str(case)]
    print(f"{size:,} tokens: {part}", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{part} of {size:,} tokens failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout))


def _limit(case: Path, made: Made, asked: argparse.Namespace) -> dict[str, Any]:
    """Anti-join the two id columns."""
    began = _now()
    with duckdb.connect(config={"threads": asked.threads, "memory_limit": asked.memory}) as con:
        con.execute("SET temp_directory = '" + str(case / "spill") + "'")
        folder = existing(case)
        evidence = evidence_sql(folder, read_manifest(folder.manifest))
        (found,) = con.execute(ANTI_JOIN.format(evidence=evidence)).fetchall()[0]
    if found != made.forged:
        raise SystemExit(f"the plain join found {found} of {made.forged}")
    return _spent(began)


def _reconcile(case: Path, made: Made, asked: argparse.Namespace) -> dict[str, Any]:
    """Judge the case, and hold the accused against what was planted."""
    begin, end = (datetime.combine(day, datetime.min.time()) for day in (made.start, made.end))
    settings = HuntSettings(
        case=case, memory=asked.memory, threads=asked.threads, exported_at=end + timedelta(days=30),
        complete=tuple(Declaration("entra-signin", kind, begin, end) for kind in ("interactive", "non-interactive")),
    )
    with _stages() as stages:
        began = _now()
        report = app.reconcile(settings)
        spent = _spent(began)
    accused = sum(report.tokens(verdict) for verdict in ACCUSING)
    planted = f"SELECT count(*) FROM tokens WHERE verdict = 'forged' AND raw_position > {made.tokens}"  # noqa: S608
    found = app.sql(case, planted)
    right = int(str(found.rows[0][0]))
    if report.tokens(Verdict.MINTED) + accused < made.tokens + made.forged:
        print(report.verdicts, file=sys.stderr)
    return spent | {"found": right, "innocents": accused - right, "stages": _largest(stages, spent["cpu"])}


def _largest(stages: Mapping[str, float], whole: float) -> list[dict[str, Any]]:
    """Return the tables that took most, and what all others and the rest of the run took."""
    largest = sorted(stages.items(), key=lambda item: -item[1])[:STAGES]
    others = sum(stages.values()) - sum(cpu for _, cpu in largest)
    rest = [("all other tables", others), ("between them", whole - sum(stages.values()))]
    return [{"table": name, "cpu s": round(cpu, 2)} for name, cpu in [*largest, *rest]]


@contextmanager
def _stages() -> Iterator[dict[str, float]]:
    """Yield what will hold the processor time of every table that is computed meanwhile, with its compilation."""
    spent: dict[str, float] = {}

    def timed(how: Callable[..., Any]) -> Callable[..., Any]:
        def call(tables: Tables, name: str, *rest: Any) -> Any:
            began = _now()
            made = how(tables, name, *rest)
            spent[name] = spent.get(name, 0.0) + _spent(began)["cpu"]
            return made

        return call

    usual = Tables.keep, Tables.pile
    Tables.keep, Tables.pile = timed(Tables.keep), timed(Tables.pile)
    try:
        yield spent
    finally:
        Tables.keep, Tables.pile = usual


_PARTS = {"limit": _limit, "reconcile": _reconcile}


def _now() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime


def _spent(began: tuple[float, float]) -> dict[str, Any]:
    """Return seconds by the clock and of processor time since then, and the peak memory of the process (bytes)."""
    wall, cpu = (now - then for now, then in zip(_now(), began, strict=True))
    return {"wall": wall, "cpu": cpu, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
