"""Measures the watch of key stores: an insider among months of ordinary custody, found, and how many rows are false.

    python -m bench keys                     90 days, five seeds
    python -m bench keys --seeds 1 --days 60

Each row is a history (`tests.lab.custody_logs`) that is read, judged and watched as `counterfoil keys watch` does it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.custody_logs import CustodyLog, custody_log

from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.model.key_watch import KeyClue

MAX_FALSE_A_WEEK = 1.0


@dataclass(frozen=True)
class Watched:
    """What was missed of the planted, and which clues are of nothing planted."""

    missed: tuple[str, ...]
    false: tuple[KeyClue, ...]


def watched(log: CustodyLog, work: Path) -> Watched:
    """Watch a log through a case in `work`."""
    path = work / "custody.jsonl"
    path.write_text("\n".join(log.lines) + "\n", encoding="utf-8")
    settings = HuntSettings(case=work / "case")
    app.hunt([str(path)], settings)
    clues = app.key_watch(settings.case).clues
    met = {
        planted.name: [
            clue for clue in clues
            if clue.rule == planted.rule and planted.principal in ("", clue.principal)
            and clue.last_seen >= planted.first and clue.first_seen < planted.last
        ]
        for planted in log.planted
    }
    known = {clue.finding for found in met.values() for clue in found}
    return Watched(
        tuple(name for name, found in met.items() if not found),
        tuple(clue for clue in clues if clue.finding not in known),
    )


def main(arguments: list[str]) -> None:
    """Print a row for each seed; ends with 1 if anything planted was missed, or too much is false."""
    parser = argparse.ArgumentParser(prog="python -m bench keys", description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--hourly", type=float, default=40, help="signatures in a busy hour")
    options = parser.parse_args(arguments)
    print("| seed | records | found | false rows | a week | which | seconds |\n|---|---|---|---|---|---|---|")
    good = True
    for seed in range(1, options.seeds + 1):
        log = custody_log(options.days, seed, hourly=options.hourly)
        with tempfile.TemporaryDirectory() as work:
            begin = time.monotonic()
            found = watched(log, Path(work))
            took = time.monotonic() - begin
        weekly = len(found.false) * 7 / options.days
        good = good and not found.missed and weekly < MAX_FALSE_A_WEEK
        which = ", ".join(sorted({f"{clue.rule} {clue.principal}".strip() for clue in found.false}))
        print(f"| {seed} | {len(log.lines):,} | {len(log.planted) - len(found.missed)} of {len(log.planted)}"
              f" | {len(found.false)} | {weekly:.2f} | {which} | {took:.1f} |")
        if found.missed:
            print(f"missed: {', '.join(found.missed)}")
    if not good:
        raise SystemExit(1)
