"""Hunts folders of logs with the programs of two checkouts, and tells every row in which their answers differ.

    python -m tests.pipeline.compared ../earlier/src FOLDER ...

A folder holds logs, or `logs/` beside a `case.json` whose `args` are the options of the hunt. Compared are the verdict,
reason, diagnosis and findings of each token, the findings, and the coverage. Exit code 1: something differs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
SRC = HERE.parents[2] / "src"
ASKED = {
    "tokens": "SELECT token_key, verdict, reason, diagnosis, group_rule, suspicion, rules FROM tokens ORDER BY ALL",
    "findings": "SELECT id, rule, verdict, severity, title, detail, token_count, at_least FROM findings ORDER BY ALL",
    "coverage": "SELECT * FROM coverage ORDER BY ALL",
}

Answers = dict[str, dict[str, list[str]]]  # by folder and table: its rows


def play(folders: Sequence[Path]) -> Answers:
    """Hunt in each folder with the program that this process imports, and return what it answers."""
    from counterfoil.cli.main import main  # whichever checkout's it is

    found: Answers = {}
    for folder in folders:
        told = folder / "case.json"
        options = json.loads(told.read_text())["args"] if told.exists() else []
        logs = folder / "logs" if (folder / "logs").is_dir() else folder
        with tempfile.TemporaryDirectory() as case, contextlib.redirect_stderr(io.StringIO()):
            code, _ = _run(main, ["hunt", str(logs), "--case", f"{case}/case", "--quiet", *options])
            rows = {name: _run(main, ["sql", f"{case}/case", query, "--format", "jsonl"])[1].splitlines()
                    for name, query in ASKED.items()}
        found[str(folder)] = {"exit": [str(code)], **rows}
    return found


def _run(main: Any, arguments: list[str]) -> tuple[int, str]:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main(arguments)
    return int(code or 0), out.getvalue()


def _played(src: Path, folders: Sequence[Path]) -> Answers:
    command = [sys.executable, str(HERE), "--play", *map(str, folders)]
    done = subprocess.run(  # noqa: S603
        command, env=os.environ | {"PYTHONPATH": str(src)}, check=True, capture_output=True, text=True
    )
    answers: Answers = json.loads(done.stdout)
    return answers


def differences(before: Answers, now: Answers) -> list[str]:
    """Return a line for each row that one of the two has, and the other has not."""
    lines = []
    for folder, tables in now.items():
        for name, rows in tables.items():
            old = before[folder][name]
            lines += [f"{folder} {name} - {row}" for row in old if row not in rows]
            lines += [f"{folder} {name} + {row}" for row in rows if row not in old]
    return lines


def main() -> int:
    """Print what differs, and how much was compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--play", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="the earlier `src`, then folders")
    asked = parser.parse_args()
    if asked.play:
        json.dump(play(asked.paths), sys.stdout)
        return 0
    before, *folders = [path.resolve() for path in asked.paths]
    old, new = _played(before, folders), _played(SRC, folders)
    found = differences(old, new)
    rows = sum(len(rows) for tables in new.values() for rows in tables.values())
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.stdout.write(f"{len(folders)} folders, {rows:,} rows, {len(found)} differ\n")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
