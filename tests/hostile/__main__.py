"""`python -m tests.hostile`: every hostile input through the real program, and a table of what came of it.

Exits with 1 if anything was a surprise: another outcome, another exit code, records that do not add up, more memory
than allowed, or anything but one clear line. `--fast` leaves out what takes long, `--only WORD` all that lacks it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .case import Case, Impossible
from .cases import CASES
from .run import run

TOLD_CHARS = 110


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--only", default="")
    told = parser.parse_args()
    chosen = [case for case in CASES if told.only in case.sentence and not (told.fast and case.heavy)]
    print(f"| {'hostile input':<58} | exit | peak MiB | as promised | outcome |")
    print("| --- | ---: | ---: | --- | --- |")
    wrong = sum(not _row(case) for case in chosen)
    print(f"\n{len(chosen)} cases, {wrong} surprises")
    return int(wrong > 0)


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
