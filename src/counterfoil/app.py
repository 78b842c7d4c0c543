"""The one place that wires the parts: what the command line and a library user call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from counterfoil._version import __version__
from counterfoil.case.engine import engine
from counterfoil.case.folder import CaseFolder, existing, locked
from counterfoil.case.manifest import Manifest, read_manifest
from counterfoil.case.results import opened, query, rows
from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError
from counterfoil.lab.history import scenarios
from counterfoil.lab.history.compare import Comparison, read_truth
from counterfoil.lab.history.compare import compare as compare_rows
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.model.coverage import Declaration
from counterfoil.model.hunt import HuntReport, InputFile
from counterfoil.pipeline.hunt import judge, read_identities
from counterfoil.pipeline.ingest import ingest as read_inputs
from counterfoil.pipeline.inputs import find
from counterfoil.pipeline.progress import Progress, Silent
from counterfoil.pipeline.summary import summary
from counterfoil.reconcile.asked import Asked
from counterfoil.report.registry import render
from counterfoil.sources.registry import all_sources as sources

__all__ = [
    "Progress", "QueryResult", "Silent", "compare", "demo", "hunt", "ingest", "reconcile", "render", "report",
    "sources", "sql",
]  # fmt: skip

_SILENT = Silent()

# The demo's logs are exported so long after the last event: every late record has arrived.
EXPORT_WAIT_DAYS = 7
DEMO = {"today": scenarios.demo(), "2023": scenarios.demo_2023()}


@dataclass(frozen=True)
class QueryResult:
    """Columns and rows of a query."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def hunt(paths: Sequence[str], settings: HuntSettings, progress: Progress = _SILENT) -> HuntReport:
    """Read the logs that `paths` mean into the case, judge every accepted token, and return the report.

    Raises UsageError for paths or settings that cannot be, CaseError for the case folder, EngineError for
    memory and disk.
    """
    return _run(paths, settings, progress)


def reconcile(settings: HuntSettings, progress: Progress = _SILENT) -> HuntReport:
    """Judge again what is in the case, with these settings, and return the report."""
    existing(settings.case)
    return _run((), settings, progress)


def ingest(paths: Sequence[str], settings: HuntSettings, progress: Progress = _SILENT) -> HuntReport:
    """Read the logs that `paths` mean into the case and return a report of what was read."""
    files = find(paths)
    with locked(settings.case) as folder, engine(folder.tmp, memory=settings.memory, threads=settings.threads) as con:
        manifest = read_inputs(con, folder, files, progress)
    return _reading(settings, manifest)


def report(settings: HuntSettings) -> HuntReport:
    """Return the report of the case's last reconciliation."""
    folder = existing(settings.case)
    return _summary(folder, settings)


def sql(case: Path, text: str) -> QueryResult:
    """Run one query over the case's tables; raises UsageError for what is wrong in it."""
    folder = existing(case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        return QueryResult(*query(con, text))


def demo(settings: HuntSettings, progress: Progress) -> tuple[HuntReport, ...]:
    """Write the demo estate and hunt in it: first in logs of today's shape, then in those of 2023, without ids.

    The case in `settings.case` is of today's shape; the estate, its truth and the other case lie in CASE/demo.
    """
    folder = settings.case / "demo"
    with locked(settings.case):
        progress.stage("writing logs")
        stories = [(name, scenario, _written(scenario, folder / name)) for name, scenario in DEMO.items()]
    reports = []
    for name, scenario, logs in stories:
        case = settings.case if name == "today" else folder / name / "case"
        declared = tuple(
            Declaration(d.source, d.kind, _naive(d.start), _naive(d.end)) for d in scenario.declarations()
        ) if name == "today" else ()  # fmt: skip
        exported = datetime.combine(scenario.tenant.start, time()) + timedelta(
            days=scenario.tenant.days + EXPORT_WAIT_DAYS
        )
        told = replace(settings, case=case, complete=declared, exported_at=exported)
        reports.append(hunt([str(logs)], told, progress))
    return tuple(reports)


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


def _naive(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(tzinfo=None)


def _run(paths: Sequence[str], settings: HuntSettings, progress: Progress) -> HuntReport:
    identities = read_identities(settings.identities)
    files = find(paths)
    with locked(settings.case) as folder, engine(folder.tmp, memory=settings.memory, threads=settings.threads) as con:
        manifest = read_inputs(con, folder, files, progress) if files else read_manifest(folder.manifest)
        if not any(entry.source for entry in manifest.inputs):
            raise UsageError(_unreadable(manifest), hint="counterfoil sources lists what can be read")
        judge(con, folder, manifest, _asked(settings, manifest, identities), progress)
    return _summary(folder, settings)


def _summary(folder: CaseFolder, settings: HuntSettings) -> HuntReport:
    with opened(folder, read_manifest(folder.manifest)) as con:
        return summary(con, str(settings.case), settings.since, settings.until)


def _asked(settings: HuntSettings, manifest: Manifest, identities: tuple[tuple[str, str], ...]) -> Asked:
    return Asked(
        declarations=settings.complete,
        exported_at=settings.exported_at,
        since=settings.since,
        until=settings.until,
        federated=settings.federated,
        identities=identities,
        truncated={entry.log: f"{entry.truncated} ({entry.path})" for entry in manifest.inputs if entry.truncated},
    )


def _unreadable(manifest: Manifest) -> str:
    whys = [f"{entry.path}: {entry.unread}" for entry in manifest.inputs if entry.unread]
    return "nothing readable" + (f"; {whys[0]}" if whys else "")


def _reading(settings: HuntSettings, manifest: Manifest) -> HuntReport:
    """Return a report that holds what was read and nothing else."""
    inputs = tuple(
        InputFile(
            path=e.path,
            sha256=e.sha256,
            size=e.size,
            source=e.source,
            read=e.read,
            kept=e.read - e.rejected,
            duplicates=0,
            rejected=e.rejected,
            truncated=e.truncated,
            unread=e.unread,
            nearest=e.nearest,
        )
        for e in manifest.inputs
    )
    return HuntReport(
        version=__version__, case=str(settings.case), since=None, until=None, inputs=inputs, rejects=(), legs=(),
        first_event=None, last_event=None, coverage=(), verdicts=(), findings=(),
    )  # fmt: skip
