"""The lab's estates, invented or running, hunted in, and how well they were judged: held against their truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from counterfoil import app
from counterfoil.case.folder import existing, locked
from counterfoil.case.manifest import read_manifest
from counterfoil.case.results import opened, rows
from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError
from counterfoil.investigate.findings import group_id
from counterfoil.lab.history import replay as replays
from counterfoil.lab.history import scenarios
from counterfoil.lab.history.compare import Comparison, read_truth
from counterfoil.lab.history.compare import compare as compare_rows
from counterfoil.lab.history.replay import Replayed
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.model.hunt import HuntReport
from counterfoil.model.readiness import Replay, Seen, Shape
from counterfoil.model.verdict import FAIL_ON_DEFAULT
from counterfoil.pipeline.progress import Progress, Silent

if TYPE_CHECKING:
    from counterfoil.lab.drill.drill import Drilled
    from counterfoil.lab.estate.run import Ran
    from counterfoil.lab.estate.scenarios import Scenario as LabScenario


# Findings that a reader of a report surely sees: of those that only rank, the first few.
SHOWN = 5


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


@dataclass(frozen=True)
class Rehearsed:
    """A scenario that was run: what it left, what the hunt says, and how that compares with the truth."""

    ran: Ran
    report: HuntReport
    comparison: Comparison


def lab(name: str, settings: HuntSettings, progress: Progress, *, strict: bool, countersigned: bool) -> Rehearsed:
    """Run a scenario of the lab in the case's folder, hunt in its logs, and hold the verdicts against its truth.

    `strict`: the same attack on services without flaws; `countersigned`: which also want a counter-signature.
    Raises UsageError for an unknown scenario, one that was run in this case, or if the extra `lab` is not installed.
    """
    run, scenario = _scenario(name)
    if countersigned:
        scenario = scenario.with_countersignature()
    elif strict:
        scenario = scenario.strict()
    with locked(settings.case):
        ran = run(scenario, settings.case / "lab", progress.stage)
    told = replace(settings, log_keys=ran.log_keys, checkpoints=ran.checkpoints, token_policy=ran.token_policy)
    report = app.hunt([str(ran.logs)], told, progress)
    return Rehearsed(ran, report, compare(settings.case, ran.truth))


def _scenario(name: str) -> tuple[Callable[[LabScenario, Path, Callable[[str], object]], Ran], LabScenario]:
    try:
        from counterfoil.lab.estate.run import run
        from counterfoil.lab.estate.scenarios import SCENARIOS
    except ImportError as error:
        raise UsageError("the lab needs more packages", hint="pip install 'counterfoil[lab]'") from error
    if name not in SCENARIOS:
        raise UsageError(f"no scenario {name[:80]!r}", hint=f"there are {', '.join(SCENARIOS)}")
    return run, SCENARIOS[name]


def drill(folder: Path, progress: Progress, *, cached: float = 60.0) -> Drilled:
    """Run the drill of the response to a stolen key in a new folder; `cached`: seconds of the party that caches.

    The ledger is attested by a witness. Raises UsageError if the folder is there.
    """
    from counterfoil.lab.drill.drill import run

    def hunts(logs: Path, case: Path, key: str, checkpoints: tuple[Path, ...]) -> HuntReport:
        return app.hunt([str(logs)], HuntSettings(case, log_keys=(key,), checkpoints=checkpoints), progress)

    return run(folder, hunts, progress.stage, cached)


def replay(shape: Shape, settings: HuntSettings, progress: Progress) -> Replay:
    """Replay the intrusion of 2023 in logs of this shape, and hunt in them, day by day until it is seen.

    Once without a declaration, once with all sign-ins declared complete, if there are any. Nothing of it stays.
    Of logs in which nothing that he did is written, nothing is told.
    """
    if not (shape.audit or shape.graph):
        return Replay(replays.words(shape), ())  # no log shows what he did
    progress.stage("replaying 2023")
    ways = (False, True) if shape.kinds else (False,)
    seen = _on_day(1, shape, settings, ways)
    open_ = [way for way in ways if seen[way].day is None]
    if open_:  # whoever is not seen at the end was not seen on any day
        last = _on_day(replays.DAYS, shape, settings, open_)
        seen |= {way: told for way, told in last.items() if told.day is None}
        open_ = [way for way in open_ if last[way].day is not None]
    for day in range(2, replays.DAYS + 1):
        if open_:
            seen |= _on_day(day, shape, settings, open_)
            open_ = [way for way in open_ if seen[way].day is None]
    return Replay(replays.words(shape), tuple(seen[way] for way in ways))


def _on_day(day: int, shape: Shape, settings: HuntSettings, ways: Sequence[bool]) -> dict[bool, Seen]:
    """Write the logs up to that day and hunt in them, declared or not."""
    with TemporaryDirectory(prefix="counterfoil-replay-") as folder:
        made = replays.write(shape, Path(folder), day)
        case = replace(settings, case=Path(folder) / "case")
        return {way: _seen(made, case, declared=way) for way in ways}


def _seen(made: Replayed, settings: HuntSettings, *, declared: bool) -> Seen:
    """Hunt in the replayed logs, and say which finding holds most of what was planted, the gravest first."""
    told = made.declared if declared else ()
    parts = tuple(f"{each.source}/{each.kind}" for each in told)
    asked = replace(settings, complete=told, exported_at=made.exported_at if declared else None)
    report = app.hunt([str(made.folder)], asked, Silent())
    planted = {row.token_id or (row.source, row.record_id) for row in read_truth(made.truth) if row.intrusion}
    places = {finding.id: place for place, finding in enumerate(report.findings)}
    folder = existing(settings.case)
    with opened(folder, read_manifest(folder.manifest)) as con:
        named = rows(con, "SELECT token_id, source, record_id, group_rule, group_issuer, group_client, diagnosis, rules"
                          " FROM tokens WHERE group_rule IS NOT NULL")
    found: dict[int, int] = {}
    for row in named:
        if (row["token_id"] or (row["source"], row["record_id"])) in planted:
            place = places.get(group_id(row), SHOWN)
            found[place] = found.get(place, 0) + 1
    shown = [place for place in sorted(found) if _shown(report, place)]
    if not shown:
        return Seen(parts, replays.DAYS, planted=len(planted))
    first = report.findings[shown[0]]
    return Seen(parts, replays.DAYS, made.day, first.verdict, first.rule, shown[0] + 1,
                sum(found[place] for place in shown), len(planted))


def _shown(report: HuntReport, place: int) -> bool:
    """Tell whether somebody who reads the report sees the finding: it fails the run, or is among the first."""
    if place >= len(report.findings):
        return False
    return report.findings[place].verdict in FAIL_ON_DEFAULT or place < SHOWN


def compare(case: Path, truth: Path) -> Comparison:
    """Hold a case's verdicts against the truth of the lab that made its logs."""
    folder = existing(case)
    columns = (
        "verdict, token_id, source, record_id, subject AS subject_id, issued_at, token_tenant,"
        " signing_input_digest AS digest, diagnosis"
    )
    with opened(folder, read_manifest(folder.manifest)) as con:
        verdicts = rows(con, f"SELECT {columns} FROM tokens")  # noqa: S608  # our own names
        declared = rows(con, "SELECT 1 FROM coverage WHERE status IN ('accepted', 'refuted') LIMIT 1")
    return compare_rows(read_truth(truth), verdicts, declared=bool(declared))


def _written(scenario: Scenario, folder: Path) -> Path:
    logs = folder / "logs"
    scenario.write(logs, folder / "truth.jsonl")
    return logs
