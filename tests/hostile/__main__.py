"""`python -m tests.hostile`: every hostile input through the real program, and a table of what came of it.

Exits with 1 if anything was a surprise: another outcome, another exit code, records that do not add up, more memory
than allowed, or anything but one clear line. `--fast` leaves out what takes long, `--only WORD` all that lacks it.

Then the cases of time: how the processor time for an input grows from 64 kB to 4 MB; more than with the power 1.1 is a
surprise. `--time` runs those only, `--no-time` none of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .case import Case, Impossible
from .cases import CASES
from .run import run
from .slopes import SIZES, Slope, measured
from .time_cases import SLOPES

TOLD_CHARS = 110


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--only", default="")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--time", action="store_true", help="the cases of time only")
    which.add_argument("--no-time", action="store_true", help="no case of time")
    told = parser.parse_args()
    wrong = 0 if told.time else _outcomes(told)
    if not told.no_time and not told.fast:
        wrong += _growths(told)
    return int(wrong > 0)


def _outcomes(told: argparse.Namespace) -> int:
    """Run the cases through the program; return how many were not as promised."""
    chosen = [case for case in CASES if told.only in case.sentence and not (told.fast and case.heavy)]
    print(f"| {'hostile input':<58} | exit | peak MiB | as promised | outcome |")
    print("| --- | ---: | ---: | --- | --- |")
    wrong = sum(not _row(case) for case in chosen)
    print(f"\n{len(chosen)} cases, {wrong} surprises\n")
    return wrong


def _growths(told: argparse.Namespace) -> int:
    """Measure how the time for each input grows; return how many grow too fast or are not read."""
    chosen = [case for case in SLOPES if told.only in case.sentence]
    sizes = " | ".join(f"{size >> 10:,} kB" for size in SIZES)
    print(f"| {'hostile input':<58} | {sizes}, seconds | exponent | as promised |")
    print("| --- |" + " ---: |" * (len(SIZES) + 1) + " --- |")
    wrong = sum(not _growth(case) for case in chosen)
    print(f"\n{len(chosen)} cases of time, {wrong} surprises")
    return wrong


def _growth(case: Slope) -> bool:
    """Measure one case and print its row; return whether it was as promised."""
    found = measured(case)
    cells = [f"{seconds:.2f}" for seconds in found.seconds] + [""] * (len(SIZES) - len(found.seconds))
    told = found.surprise or "yes"
    print(f"| {case.sentence:<58} | {' | '.join(cells)} | {found.exponent:.2f} | {told} |", flush=True)
    return not found.surprise


def _row(case: Case) -> bool:
    """Run one case and print its row; return whether it was as promised."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-hostile-") as name:
        try:
            (outcome,) = run([case], Path(name))
        except Impossible as why:
            print(f"| {case.sentence:<58} | | | skipped | {why} |", flush=True)
            return True
    text = outcome.told if len(outcome.told) <= TOLD_CHARS else outcome.told[: TOLD_CHARS - 1] + "…"
    good = "yes" if not outcome.surprises else "NO"
    print(f"| {case.sentence:<58} | {outcome.code:>4} | {outcome.peak:>8} | {good:<11} | {text} |", flush=True)
    for surprise in outcome.surprises:
        print(f"    {surprise}", flush=True)
    return not outcome.surprises


if __name__ == "__main__":
    sys.exit(main())
