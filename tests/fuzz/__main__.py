"""`python -m tests.fuzz TARGET... --seconds N`: fuzz parsers; nothing but our own errors may come out.

Without a target, all of them one after another; `--list` names them. Inputs are kept samples (tests/fuzz/corpus,
tests/samples) after some edits, found by Hypothesis from `--seed` on. What fails is shrunk and printed: exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import traceback

from .fuzzing import fuzz, names


def main() -> int:
    """Fuzz, and print how many inputs each target took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true")
    told = parser.parse_args()
    known = names()
    if told.list:
        print("\n".join(known))
        return 0
    unknown = sorted(set(told.targets) - set(known))
    if unknown:
        print(f"no target {unknown[0]}; --list names them", file=sys.stderr)
        return 2
    return int(sum(not _fuzzed(name, told.seconds, told.seed) for name in told.targets or known) > 0)


def _fuzzed(name: str, seconds: float, seed: int) -> bool:
    try:
        print(f"{name}: {fuzz(name, seconds, seed):,} inputs, nothing came out", flush=True)
    except Exception:  # noqa: BLE001  # that is what is looked for
        print(f"{name}: FAILED")
        traceback.print_exc(limit=-6, file=sys.stdout)
        sys.stdout.flush()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
