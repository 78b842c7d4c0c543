"""Many small tenants of people who move about, each with few sign-ins lost or few tokens forged, in one hunt each row.

A part of `python -m bench accuracy`.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.lab import histories
from tests.lab.losses import RecordLoss
from tests.lab.spray import Spray

from bench.outcome import Outcome, Token, accused, judged, named, outcome
from counterfoil import app
from counterfoil.lab.history.compare import TruthRow, read_truth
from counterfoil.lab.history.names import hosting_address

COLUMNS = (
    "tokens", "planted", "convicted", "only in a finding", "histories with an innocent accused", "innocents accused",
    "histories with an innocent in a finding", "innocents in a finding", "uncovered", "hunt s",
)
_SPRAYED = (datetime(2025, 9, 8, tzinfo=UTC), datetime(2025, 9, 13, tzinfo=UTC))


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `lost`: how many sign-ins each history lacks, history by history in turn; `batch`: they lie one after the other.
    `forged`: tokens of one victim that an intruder leaves, all from one network.
    """

    sentence: str
    lost: tuple[int, ...] = (0,)
    batch: bool = False
    forged: int = 0


ROWS = (
    Row("1 to 5 lost", (1, 2, 3, 4, 5)),
    Row("5 lost, one after the other", (5,), batch=True),
    Row("1 to 5 lost, 2 forged from one network", (1, 2, 3, 4, 5), forged=2),
    Row("nothing lost, 1 forged", forged=1),
    Row("nothing lost, 2 forged from one network", forged=2),
)


def _write(row: Row, folder: Path, seed: int) -> list[TruthRow]:
    """Write one history and return its truth."""
    start, end = _SPRAYED
    spray = Spray(tokens=row.forged, victims=(seed % 10,), start=start, end=end, address=hosting_address(20))
    truth, logs = folder / "truth" / f"{seed}.jsonl", folder / "logs" / str(seed)
    scenario = histories.moving(seed, (spray,) if row.forged else ())
    scenario.write(logs, truth)
    lost = _drawn(row, seed, [each.token_id for each in read_truth(truth) if each.token_id and each.label == "genuine"])
    if lost:
        replace(scenario, losses=(RecordLoss(frozenset(lost)),)).write(logs, truth)
    return read_truth(truth)


def _drawn(row: Row, seed: int, ids: Sequence[str]) -> Sequence[str]:
    """Return which of the ids of genuine tokens are of sign-ins that were lost."""
    count = row.lost[seed % len(row.lost)]
    chance = random.Random(f"{seed}/{row.sentence}")  # noqa: S311 - chance that is seeded
    if not row.batch:
        return chance.sample(ids, count)
    first = chance.randrange(len(ids) - count)
    return ids[first : first + count]


def _hunted(folder: Path, seeds: Sequence[int]) -> tuple[list[Token], float]:
    """Hunt in all histories at once, with the declarations of one: they speak for every issuer; return s, too."""
    settings = histories.moving(seeds[0]).settings(folder / "case")
    began = time.perf_counter()
    app.hunt([str(folder / "logs" / str(seed)) for seed in seeds], settings, app.Silent())
    return judged(settings.case), time.perf_counter() - began


def table(histories: int) -> Iterator[str]:
    """Yield the lines of the table, and below it every innocent in a finding and every planted token in none."""
    seeds = range(1, histories + 1)
    yield f"{histories} histories a row, seeds 1 to {histories}\n"
    yield f"| people who move about | {' | '.join(COLUMNS)} |"
    yield f"|---|{'---:|' * len(COLUMNS)}"
    notes: list[str] = []
    for row in ROWS:
        with tempfile.TemporaryDirectory() as top, ProcessPoolExecutor() as pool:
            folder = Path(top)
            truths = dict(zip(seeds, pool.map(partial(_write, row, folder), seeds), strict=True))
            tokens, took = _hunted(folder, seeds)
        values, notes_of_row = _measured(truths, tokens)
        notes += [f"{row.sentence}: {note}" for note in notes_of_row]
        yield f"| {row.sentence} | {' | '.join(values)} | {took:.1f} |"
    yield ""
    yield from notes or ["no innocent is in a finding, and no planted token in none"]


def _measured(truths: dict[int, list[TruthRow]], tokens: Sequence[Token]) -> tuple[list[str], list[str]]:
    """Return the values of COLUMNS but the last, and a line for each token that is not where it belongs."""
    by_tenant: dict[str, list[Token]] = {}
    for token in tokens:
        by_tenant.setdefault(str(token["resource_tenant"]), []).append(token)
    found: list[Outcome] = []
    notes: list[str] = []
    for seed, truth in truths.items():
        own = by_tenant.pop(histories.moving(seed).tenant.tenant_id)
        found.append(outcome(truth, own))
        planted = {row.token_id for row in truth if row.intrusion}
        notes += [_note(seed, token) for token in own if named(token) != (token["token_id"] in planted)]
    if by_tenant:
        raise SystemExit(f"tokens of no history: {Counter({name: len(rows) for name, rows in by_tenant.items()})}")
    counts = (
        sum(each.planted for each in found), sum(each.convicted for each in found), sum(each.found for each in found),
        sum(each.accused > 0 for each in found), sum(each.accused for each in found),
        sum(each.named > 0 for each in found), sum(each.named for each in found),
        sum(token["verdict"] == "uncovered" for token in tokens),
    )
    return [f"{len(tokens):,}", *(f"{count:,}" for count in counts)], notes


def _note(seed: int, token: Token) -> str:
    """Return a line about an innocent in a finding, or a planted token in none."""
    where = f"in a finding ({token['group_rule']})" if named(token) else "planted, and in no finding"
    how = f"{token['verdict']} ({token['reason']})" + ("" if accused(token) else f", {where}")
    return (
        f"seed {seed}: {token['subject_name']} {how}: {token['operation']} {token['first_seen']} through "
        f"{token['client_id']} from {token['ip']} with {token['user_agent']}"
    )
