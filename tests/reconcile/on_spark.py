"""Judges cases with the embedded engine and with a Spark, and tells where the results differ, row by row.

    python -m tests.reconcile.on_spark [--engine sc://HOST:PORT] [--cases FOLDER] [--records N] [--work DIR] [NAME ...]

The demo, every scenario of the lab, each case of FOLDER (`logs/`, and `case.json` with the `args` of the hunt), all of
them as one tenant's (a case by its own is what its author meant; together they are many people, and every doubt at
once), and N generated records. Without `--engine`, a Sail of its own, for all of them. NAMEs choose among them. A line
for each, and one with totals; exit 1 if anything differs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from counterfoil import rehearsal
from counterfoil.case.folder import existing
from counterfoil.case.manifest import read_manifest
from counterfoil.case.results import opened
from counterfoil.cli.main import main as program
from counterfoil.config import HuntSettings
from counterfoil.lab.estate.scenarios import SCENARIOS
from counterfoil.pipeline.asked import options_of
from counterfoil.pipeline.progress import Silent

# All that a reconciliation leaves; `evidence` is not touched by it, and a state is of one run.
TABLES = (
    "tokens", "acceptances", "findings", "coverage", "strata", "keys", "rejects", "inputs", "legs", "lost", "unclaimed",
    "offers", "merged", "names", "key_watch", "key_stores", "intrusions", "intrusion_records", "intrusion_links",
)
DIGITS = 12  # of a measured number: sums have no order
MANY = 500_000
SHOWN = 3  # rows of a table that are told of a difference

Results = Mapping[str, Sequence[str]]


def results(case: Path) -> dict[str, list[str]]:
    """Return every row of the case's results as text, by table, in an order that no engine gives them.

    Of a table of more than MANY rows, the digests of their texts.
    """
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        found: dict[str, list[str]] = {}
        for name in TABLES:
            if con.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0] > MANY:  # noqa: S608
                found[name] = _digests(con, name)
                continue
            cursor = con.execute(f'SELECT * FROM "{name}"')  # noqa: S608  # our own names
            names = [column[0] for column in cursor.description or ()]
            found[name] = sorted(
                str({column: _value(value) for column, value in sorted(zip(names, row, strict=True))})
                for row in cursor.fetchall()
            )
        return found


def _digests(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    cells = []
    for column, kind, *_ in sorted(con.execute(f'DESCRIBE "{name}"').fetchall()):
        measured = kind.startswith(("DOUBLE", "FLOAT", "DECIMAL"))
        text = f"printf('%.{DIGITS}g', \"{column}\"::DOUBLE)" if measured else f'"{column}"::VARCHAR'
        cells.append(f"coalesce({text}, chr(30))")
    told = f"md5(concat_ws(chr(31), {', '.join(cells)}))"
    return sorted(digest for (digest,) in con.execute(f'SELECT {told} FROM "{name}"').fetchall())  # noqa: S608


def _value(value: Any) -> Any:
    if isinstance(value, float | Decimal):
        return f"{float(value):.{DIGITS}g}"
    return value


def differences(one: Results, other: Results) -> list[str]:
    """Return in words which rows only one of two has."""
    words = []
    for name, rows in one.items():
        lost, more = sorted({*rows} - {*other[name]}), sorted({*other[name]} - {*rows})
        words += [f"{name}: only DuckDB has {row}" for row in lost[:SHOWN]]
        words += [f"{name}: only Spark has {row}" for row in more[:SHOWN]]
        if len(rows) != len(other[name]) and not (lost or more):
            words.append(f"{name}: {len(rows)} rows, and {len(other[name])} on Spark")
    return words


def again(case: Path, options: Sequence[str], engine: str) -> list[str]:
    """Judge a judged case again on a Spark, from its evidence on, and return in words what differs."""
    before = results(case)
    shutil.rmtree(case / "settled")
    quiet(["reconcile", "--case", str(case), "--engine", engine, *options])
    if not any(part.is_dir() for part in (case / "settled").glob("*/tokens/*")):
        return ["the tokens on the piles were not settled on Spark"]
    return differences(before, results(case))


def quiet(command: Sequence[str]) -> None:
    """Run a command of the program; raises RuntimeError if it could not be done."""
    with contextlib.redirect_stdout(io.StringIO()):
        code = program([*command, "--quiet"])
    if code not in (0, 1, 3):
        raise RuntimeError(f"exit {code}: counterfoil {' '.join(command)}")


def plays(cases: Path | None, records: int) -> Iterator[tuple[str, Callable[[Path], Sequence[str]]]]:
    """Yield by name what makes a judged case in a folder, and returns the options that it was judged with."""
    yield "demo", _demo
    for name in SCENARIOS:
        yield f"lab {name}", partial(_lab, name)
    folders = sorted(path.parent for path in cases.glob("*/case.json")) if cases else []
    for folder in folders:
        yield folder.name, partial(_cases, [folder])
    if folders:
        yield "all of these in one", partial(_cases, folders)
    if records:
        yield f"{records:,} records", partial(_generated, records)


def _demo(case: Path) -> list[str]:
    quiet(["demo", "--case", str(case)])
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        return [word for pair in options_of(con) for word in pair]


def _lab(name: str, case: Path) -> list[str]:
    ran = rehearsal.lab(name, HuntSettings(case), Silent(), strict=False, countersigned=False).ran
    words = [word for key in ran.log_keys for word in ("--log-key", key)]
    words += [word for path in ran.checkpoints for word in ("--checkpoint", str(path))]
    return words + ([] if ran.token_policy is None else ["--token-policy", str(ran.token_policy)])


def _cases(folders: Sequence[Path], case: Path) -> list[str]:
    """Judge the logs of these cases as one, by the options of the first."""
    told = json.loads((folders[0] / "case.json").read_text("utf-8"))["args"]
    options = [str(folders[0] / word) if (folders[0] / word).is_file() else word for word in told]
    quiet(["hunt", *(str(folder / "logs") for folder in folders), "--case", str(case), *options])
    return options


def _generated(records: int, case: Path) -> list[str]:
    """Generate a sign-in and an acceptance of each token, a hundred forged ones among them, as `bench growth` does."""
    from bench.evidence import Made, make

    made = Made(records // 2)
    make(case, made)
    options = ["--exported-at", f"{made.end + timedelta(days=2)}T00:00:00"]
    for kind in ("interactive", "non-interactive", "service-principal", "managed-identity"):
        options += ["--complete", f"entra-signin/{kind}"]
    quiet(["reconcile", "--case", str(case), *options])
    return options


def main() -> int:
    """Play, judge twice, and tell what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine")
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--records", type=int, default=0)
    parser.add_argument("--work", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args()
    with contextlib.ExitStack() as stack:
        engine = asked.engine or stack.enter_context(_sail())
        work = asked.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cases = asked.cases and asked.cases.resolve()
        work.mkdir(exist_ok=True)
        stack.enter_context(contextlib.chdir(work))
        chosen = [each for each in plays(cases, asked.records) if not asked.names or each[0] in asked.names]
        begun = time.monotonic()
        told = [_compared(name, play, engine) for name, play in chosen]
        same = sum(rows is not None for rows in told)
        sys.stdout.write(f"{len(told)} cases, {sum(rows or 0 for rows in told):,} rows of results: {same} the same,"
                         f" {len(told) - same} not ({time.monotonic() - begun:.0f} s)\n")
        return int(same < len(told))


def _compared(name: str, play: Callable[[Path], Sequence[str]], engine: str) -> int | None:
    """Judge a case twice, tell what differs, and return how many rows its results have; None if anything differs."""
    case, begun = Path("case"), time.monotonic()
    try:
        options = play(case)
        middle = time.monotonic()
        words = again(case, options, engine)
    except RuntimeError as error:
        words, middle = [str(error)], time.monotonic()
    sys.stdout.write(f"{name}: {'; '.join(words) or 'the same'} (made and judged in {middle - begun:.1f} s,"
                     f" on Spark judged in {time.monotonic() - middle:.1f} s)\n")
    sys.stdout.flush()
    rows = None if words else sum(map(len, results(case).values()))
    shutil.rmtree(case, ignore_errors=True)
    return rows


@contextlib.contextmanager
def _sail() -> Iterator[str]:
    from .sail import sail

    with sail() as address:
        yield address


if __name__ == "__main__":
    raise SystemExit(main())
