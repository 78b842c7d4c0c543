"""Measures recall and false accusations on generated tenants whose truth is known.

    python -m bench accuracy            both tables of docs/reference/accuracy.md (some 15 minutes on 2 cores)
    python -m bench accuracy --quick    the same rows with a tenth of the records, and of the histories
    python -m bench accuracy --moving   the second table alone

Each row writes a tenant (fixed seed), or a hundred, hunts in it with the declarations an analyst would make, and holds
the verdicts against the truth. "In a finding" counts tokens that no verdict convicts, but that are told in a finding
which fails the run.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from ibis import __version__ as ibis_version
from tests.lab import histories
from tests.lab.spray import Spray

import counterfoil
from bench import moving
from bench.outcome import judged, outcome
from counterfoil import app
from counterfoil.lab.history import scenarios
from counterfoil.lab.history.compare import read_truth
from counterfoil.lab.history.losses import IntervalLoss
from counterfoil.lab.history.names import OUTLOOK_MOBILE, hosting_address
from counterfoil.lab.history.scenarios import Scenario

COLUMNS = ("acceptances", "planted", "convicted", "only in a finding", "in none", "innocents accused",
           "innocents in a finding", "uncovered", "hunt s")


# What responders often have at first: files of an export that are there, the others are not.
USES = ("m365", "entra/MicrosoftGraphActivityLogs.jsonl", "entra/AuditLogs.jsonl")
PEOPLE = (*USES, "entra/SignInLogs.jsonl", "entra/NonInteractiveUserSignInLogs.jsonl")


def rows(size: int) -> Iterator[tuple[str, Scenario, tuple[str, ...]]]:
    """Yield each row's sentence, its scenario, and the files that are exported of it, none: all."""
    for sentence, scenario in _whole(size):
        yield sentence, scenario, ()
    yield "no sign-in logs, nothing declared", histories.complete(size, 100, 20), USES
    yield "people's sign-ins only, nothing declared", histories.complete(size, 100, 20), PEOPLE


def _whole(size: int) -> Iterator[tuple[str, Scenario]]:
    """Yield each row's sentence and scenario; `size` is the number of acceptances."""
    for forged in (1, 10, 100, 1_000, 10_000):
        if forged <= size // 10:
            yield f"complete, {forged:,} forged, one victim", histories.complete(size, forged, 1)
            if forged > 1:
                many = min(500, forged)
                yield f"complete, {forged:,} forged, {many} victims", histories.complete(size, forged, many)
    yield "complete, 2 forged from one network, one victim", _one_network(size)
    yield "two weeks of sign-ins removed, the rest declared", _two_weeks(size)
    for rate in (0.0001, 0.001, 0.01):
        yield f"declared complete, {rate:.2%} lost at random", histories.lost(
            rate=rate, acceptances=size, forged=100, victims=20
        )
    yield "declared complete, all sign-ins of one application lost", histories.lost(
        client_id=OUTLOOK_MOBILE, acceptances=size, forged=100, victims=20
    )
    yield "golden SAML in a federated tenant", histories.federated_golden_saml()
    yield "copied token ids", histories.copied_ids()
    yield "demo: forged seeds, renewals, two days lost", scenarios.demo()


def _one_network(size: int) -> Scenario:
    whole = histories.complete(size, 2, 1)
    sprays = (replace(spray, address=hosting_address(20)) for spray in whole.intrusions if isinstance(spray, Spray))
    return replace(whole, intrusions=tuple(sprays))


def _two_weeks(size: int) -> Scenario:
    whole = histories.complete(size, 100, 20)
    tenant = replace(whole.tenant, days=42)
    start = datetime.combine(tenant.start, datetime.min.time(), UTC) + timedelta(days=7)
    gap = IntervalLoss(start, start + timedelta(days=14))
    return replace(whole, name="two-weeks", tenant=tenant, losses=(gap,))


def measure(scenario: Scenario, folder: Path, kept: tuple[str, ...]) -> tuple[object, ...]:
    """Return the values of COLUMNS for one scenario, of which these files are exported."""
    scenario.write(folder / "logs", folder / "truth.jsonl")
    settings = scenario.settings(folder / "case")
    if kept:
        settings = replace(settings, complete=())
    began = time.perf_counter()
    paths = [folder / "logs" / name for name in kept or ("",)]
    report = app.hunt([str(path) for path in paths if path.exists()], settings, app.Silent())
    took = time.perf_counter() - began
    tokens = judged(settings.case)
    found = outcome(read_truth(folder / "truth.jsonl"), tokens)
    uncovered = sum(row.tokens for row in report.verdicts if row.verdict.value == "uncovered")
    acceptances = sum(row.acceptances for row in report.verdicts)
    return (
        f"{acceptances:,}", found.planted, found.convicted, found.found,
        found.planted - found.convicted - found.found, found.accused, found.named, f"{uncovered:,}", f"{took:.1f}",
    )


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the records, and of the histories")
    parser.add_argument("--moving", action="store_true", help="only the table of people who move about")
    asked = parser.parse_args(arguments)
    versions = f"counterfoil {counterfoil.__version__}, duckdb {duckdb.__version__}, ibis {ibis_version}"
    size = 10_000 if asked.quick else 100_000
    print(f"{versions}, Python {platform.python_version()}, {size:,} acceptances, fixed seeds\n")
    if not asked.moving:
        _tenants(size)
    for line in moving.table(size // 1_000):
        print(line, flush=True)


def _tenants(size: int) -> None:
    print(f"| tenant | {' | '.join(COLUMNS)} |")
    print(f"|---|{'---:|' * len(COLUMNS)}")
    for sentence, scenario, kept in rows(size):
        with tempfile.TemporaryDirectory() as folder:
            values = measure(scenario, Path(folder), kept)
            print(f"| {sentence} | {' | '.join(map(str, values))} |", flush=True)
    print()
