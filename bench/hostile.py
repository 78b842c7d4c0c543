"""Who accepts which of fourteen hostile tokens: counterfoil, PyJWT, joserfc and authlib, plain and strict.

    python -m bench hostile --output bench/results/hostile.json

Every library gets the key set, the algorithm, the audience and the issuer. "strict" also turns on what the library
offers: required claims, strict audience. A genuine token, which all must accept, is the last row.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from tests.tokens.hostile import HOSTILE, Contestant, contestants, genuine

from bench.results import keep

PACKAGES = ("cryptography", "pyjwt", "joserfc", "authlib")


def judge(contestant: Contestant, token: str) -> str:
    """Return "ACCEPTS" or "refuses"."""
    try:
        contestant.verify(token)
    except Exception:  # noqa: BLE001  # every library has its own errors, and some leak others
        return "refuses"
    return "ACCEPTS"


def main(arguments: Sequence[str] | None = None) -> None:
    """Show the table of all tokens and contestants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    told = parser.parse_args(arguments)
    now = int(time.time())
    rivals = contestants(time.time)
    cases = {case: made(now) for case, (made, _) in HOSTILE.items()} | {"(a genuine token)": genuine(now)}
    rows = [{"token": case, **{one.name: judge(one, token) for one in rivals}} for case, token in cases.items()]
    accepted = {one.name: sum(row[one.name] == "ACCEPTS" for row in rows[:-1]) for one in rivals}
    rows.append({"token": f"accepted of {len(HOSTILE)}", **accepted})
    keep(told.output, "hostile", list(arguments or ()), {"tokens": len(HOSTILE)}, rows, PACKAGES)


if __name__ == "__main__":
    main()
