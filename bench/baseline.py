"""Measures the baseline of mail access on a month of 5,000 people, without ids, with the intruder of 2023 in it.

    python -m bench baseline                  as below, asked anew after every day (some minutes)
    python -m bench baseline --people 500     a smaller tenant

The month is that of `tests.lab.mail_month`. The intruder reads as Exchange Online, which the public rule beside it
excludes with 145 other applications.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
from tests.lab.mail_month import DAYS, EXCHANGE, FIRST_DAY, month

from counterfoil.investigate.baseline import COLUMNS, Asked, baseline

# elastic/detection-rules, collection_exchange_mailbox_access_by_unusual_client_app_id.toml (00ad5e32, 2026-03-24): an
# application that nobody in the tenant read mail with for 14 days, but for 146 that are named. Those that occur here:
EXCLUDED = (
    EXCHANGE, "00000003-0000-0ff1-ce00-000000000000", "27922004-5251-4030-b22d-91ecd9a37ea4",
    "9199bf20-a13f-4107-85dc-02114787ef48", "d3590ed6-52b3-4102-aeff-aad2292ab01c",
)
TERM_DAYS = 14
MAX_A_DAY = 5

_PUBLIC = f"""WITH days AS (SELECT DISTINCT client_id, d FROM month WHERE leg = 'acceptance' AND d <= $day
    AND token_class IS NULL AND client_id NOT IN {EXCLUDED})
SELECT client_id FROM days GROUP BY 1
HAVING max(d) = $day AND coalesce(max(d) FILTER (d < $day), -99) < $day - {TERM_DAYS}"""  # noqa: S608  # ids


def days(con: duckdb.DuckDBPyConnection, first: int, tmp: Path) -> Iterator[tuple[int, list[tuple[str, ...]], int]]:
    """Yield each day from `first` on, the suspicions at its end (client, acting), and the intruder's rank.

    What is in evidence ends with that day; the rank is 0 before the intruder came.
    """
    row = {name: COLUMNS.index(name) for name in ("client_id", "acting", "told")}
    for day in range(first, DAYS):
        con.execute(f"CREATE OR REPLACE VIEW evidence AS SELECT * FROM month WHERE d <= {day}")  # noqa: S608  # a number
        found = baseline(con, tmp, Asked())
        named = [(str(each[row["client_id"]]), str(each[row["acting"]])) for each in found.rows]
        told = [name for name, each in zip(named, found.rows, strict=True) if each[row["told"]]]
        yield day, told, named.index((EXCHANGE, "owner")) + 1 if (EXCHANGE, "owner") in named else 0


def main(arguments: list[str]) -> None:
    """Print both months; ends with 1 if the intruder is not first, or too much is told."""
    parser = argparse.ArgumentParser(prog="python -m bench baseline", description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=21)
    options = parser.parse_args(arguments)
    print("| the intruder comes | records | rank on the first day | on the last | suspicions a day, mean | most |"
          " public rule: alerts a day | it tells the intruder | seconds |\n|---|---|---|---|---|---|---|---|---|")
    good = True
    for intruder in (FIRST_DAY, 0):
        begin = time.monotonic()
        con = month(options.people, intruder, options.seed)
        (records,) = con.execute("SELECT count(*) FROM month").fetchone() or (0,)
        known: set[tuple[str, ...]] = set()
        new: list[int] = []
        ranks: dict[int, int] = {}
        with tempfile.TemporaryDirectory() as work:
            for day, told, rank in days(con, 0, Path(work)):
                fresh = {one for one in told if one not in known and one != (EXCHANGE, "owner")}
                known |= fresh
                new.append(len(fresh))
                ranks[day] = rank
        alerts = [{name for (name,) in con.execute(_PUBLIC, {"day": day}).fetchall()}
                  for day in range(TERM_DAYS, DAYS)]
        seen = "yes" if any(EXCHANGE in each for each in alerts) else "never"
        print(f"| day {intruder + 1} | {records:,} | {ranks[intruder]} | {ranks[DAYS - 1]} | {sum(new) / DAYS:.1f}"
              f" | {max(new)} | {sum(map(len, alerts)) / len(alerts):.1f} | {seen} | {time.monotonic() - begin:.0f} |",
              flush=True)
        good = good and ranks[intruder] == ranks[DAYS - 1] == 1 and max(new) < MAX_A_DAY
    if not good:
        raise SystemExit(1)
