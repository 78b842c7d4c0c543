"""Pivots in a case of 10 M evidence rows: from a token, an address, a user, an application to what touches it.

    python -m bench pivot --rows 10M --results bench/figures/pivot.json

The case is generated (fixed seed) and judged, which is not measured; then each pivot runs in a process of its own, as a
person types it, `--rounds` times: the best is told, with the processor time of that run. `--case DIR` keeps the case
for the next time.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench import results
from bench.evidence import Made, make
from bench.reconcile import how_many
from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.model.coverage import Declaration
from counterfoil.model.pivot import Trait

ASKED = """SELECT token_id AS token, ip, subject AS user, client_id AS client FROM tokens
WHERE verdict = 'forged' ORDER BY first_seen LIMIT 1"""


def main(arguments: Sequence[str]) -> None:
    """Make the case if it is not there, measure each pivot, and tell."""
    parser = argparse.ArgumentParser(
        prog="python -m bench pivot", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="10M", help="evidence rows, such as 10M")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of the reconciliation")
    parser.add_argument("--case", type=Path, default=None, help="where the case is kept; default: removed afterwards")
    parser.add_argument("--results", type=Path, default=None, help="file for the results")
    parser.add_argument("--part", nargs=2, metavar=("TRAIT", "VALUE"), help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.part:
        print(json.dumps(_measured(asked.case, *asked.part)))
        return
    made = Made(how_many(asked.rows) // 2)
    case = asked.case or Path(tempfile.mkdtemp(prefix="counterfoil-pivot-")) / "case"
    try:
        rows = _all(case, made, asked)
    finally:
        if asked.case is None:
            shutil.rmtree(case.parent)
    told = [word for word in arguments if asked.case is None or word not in ("--case", str(asked.case))]
    results.keep(asked.results, "pivot", told, {"seed": made.seed, "rounds": asked.rounds}, rows, ("duckdb",))


def _all(case: Path, made: Made, asked: argparse.Namespace) -> list[dict[str, Any]]:
    if not (case / "case.duckdb").is_file():
        print("making and judging the case", file=sys.stderr)
        make(case, made)
        begin, end = (datetime.combine(day, datetime.min.time()) for day in (made.start, made.end))
        complete = tuple(Declaration("entra-signin", kind, begin, end) for kind in ("interactive", "non-interactive"))
        app.reconcile(HuntSettings(case, complete=complete, exported_at=end + timedelta(days=30), memory="4GB",
                                   threads=asked.threads))
    shutil.rmtree(case / "traits", ignore_errors=True)
    found = app.sql(case, ASKED)
    values = dict(zip(found.columns, map(str, found.rows[0]), strict=True))
    first = _own_process(case, "token", values["token"])
    rows = [{"pivot": "token, making the index", **first}]
    for trait, value in values.items():
        rounds = [_own_process(case, trait, value) for _ in range(asked.rounds)]
        rows.append({"pivot": trait, **min(rounds, key=lambda row: float(row["wall s"]))})
    return rows


def _own_process(case: Path, trait: str, value: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench", "pivot", "--case", str(case), "--part", trait, value]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{trait} failed:\n{done.stderr[-2000:]}")
    return {"wall s": time.perf_counter() - began, **json.loads(done.stdout)}


def _measured(case: Path, trait: str, value: str) -> dict[str, Any]:
    """Return what one pivot found, and what this process needed for it."""
    found = app.pivot(case, {Trait(trait): [value]})
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu s": used.ru_utime + used.ru_stime, "peak MB": used.ru_maxrss // 1024, "of records": found.case_records,
        "found": found.total, "shown": len(found.lines), "next": len(found.next),
    }
