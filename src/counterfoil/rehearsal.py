"""The demo, and how well its logs were judged: the lab's estates hunted in, and held against their truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from counterfoil import app
from counterfoil.case.folder import existing, locked
from counterfoil.case.manifest import read_manifest
from counterfoil.case.results import opened, rows
from counterfoil.config import HuntSettings
from counterfoil.lab.history import scenarios
from counterfoil.lab.history.compare import Comparison, read_truth
from counterfoil.lab.history.compare import compare as compare_rows
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.model.hunt import HuntReport
from counterfoil.pipeline.progress import Progress


def demo(settings: HuntSettings, progress: Progress) -> tuple[HuntReport, ...]:
    """Write the demo estate and hunt in it: first in logs of today's shape, then in those of 2023, without ids.

    The case in `settings.case` is of today's shape; the estate, its truth and the other case lie in CASE/demo.
    The logs of 2023 are declared by nobody: nothing in them can be convicted, only ranked.
    """
    folder = settings.case / "demo"
    today, of_2023 = scenarios.demo(), scenarios.demo_2023()
    with locked(settings.case):
        progress.stage("writing logs")
        logs, logs_2023 = _written(today, folder / "today"), _written(of_2023, folder / "2023")
    known = today.settings(settings.case)
    told = replace(settings, complete=known.complete, exported_at=known.exported_at)
    bare = replace(settings, case=folder / "2023" / "case")
    return app.hunt([str(logs)], told, progress), app.hunt([str(logs_2023)], bare, progress)


def compare(case: Path, truth: Path) -> Comparison:
    """Hold a case's verdicts against the truth of the lab that made its logs."""
    folder = existing(case)
    columns = "verdict, token_id, source, record_id, subject AS subject_id, issued_at, token_tenant"
    with opened(folder, read_manifest(folder.manifest)) as con:
        verdicts = rows(con, f"SELECT {columns} FROM tokens")  # noqa: S608  # our own names
        declared = rows(con, "SELECT 1 FROM coverage WHERE status IN ('accepted', 'refuted') LIMIT 1")
    return compare_rows(read_truth(truth), verdicts, declared=bool(declared))


def _written(scenario: Scenario, folder: Path) -> Path:
    logs = folder / "logs"
    scenario.write(logs, folder / "truth.jsonl")
    return logs
