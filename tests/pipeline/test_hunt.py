"""The whole way from files to findings: nobody innocent is accused, everything is accounted for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cli.run import run
from counterfoil import app, rehearsal
from counterfoil.config import HuntSettings
from counterfoil.lab.history import scenarios
from counterfoil.lab.history.compare import read_truth
from counterfoil.model.coverage import Declaration
from counterfoil.model.hunt import HuntReport
from counterfoil.model.verdict import ACCUSING, FindingVerdict, Verdict
from lab import histories

from .conftest import Estate
from .estates import hunted, settings, tables

DATA = Path(os.environ.get("COUNTERFOIL_DATA", Path(__file__).parents[3] / "shared" / "data"))
DET_ENG = DATA / "det-eng-samples"  # github.com/blueteam0ps/det-eng-samples, Apache-2.0
GOLDEN_SAML = DATA / "otrf-golden-saml"  # github.com/OTRF/Security-Datasets, MIT


def _need(folder: Path) -> Path:
    if not folder.is_dir():
        pytest.skip(f"no copy of {folder.name} at {folder}; COUNTERFOIL_DATA names its parent folder")
    return folder


def _told(report: HuntReport, *verdicts: FindingVerdict) -> list[str]:
    return [finding.title for finding in report.findings if finding.verdict in verdicts]


def _accounted(report: HuntReport) -> None:
    """Check that every input and every token is counted once."""
    for entry in report.inputs:
        assert entry.read == entry.kept + entry.duplicates + entry.rejected, entry
        assert bool(entry.source) != bool(entry.unread), entry
    kept = sum(entry.kept - entry.merged for entry in report.inputs)
    assert sum(count for _, count in report.legs) == kept
    assert sum(reject.count for reject in report.rejects) == sum(entry.rejected for entry in report.inputs)


def _nobody_accused(report: HuntReport) -> None:
    """Check that nothing but a suspicion is said of anybody."""
    assert not [row for row in report.verdicts if row.verdict in ACCUSING]
    assert not _told(report, *(set(FindingVerdict) - {FindingVerdict.SUSPICION}))


def test_the_demonstration_agrees_with_its_truth(demo: Estate) -> None:
    """Every token of the estate has a verdict that the truth allows, all planted ones are convicted, nobody else."""
    found = rehearsal.compare(demo.case, demo.written.truth)
    assert found.ok, found.examples
    assert found.caught == found.planted > 0
    _accounted(demo.report)
    assert demo.report.found(frozenset({FindingVerdict.FORGED}))
    report = demo.report
    assert sum(calls.tokens for calls in report.silent) == report.no_record > 0
    assert all(calls.client_id and len(calls.networks) <= calls.network_count for calls in report.silent)
    assert 0 < report.before_log < report.tokens(Verdict.UNCOVERED)
    assert not report.needed  # each class has a log that is relied on


def test_report_totals_agree_with_the_estate(demo: Estate) -> None:
    """The acceptances that have a verdict are those that were written, and the tokens those of the truth."""
    assert sum(entry.read for entry in demo.report.inputs) == demo.written.lines
    assert sum(count for _, count in demo.report.legs) == demo.written.records
    (found,) = app.sql(demo.case, "SELECT count(*) FROM tokens WHERE derived = ''").rows
    assert found[0] == sum(row.token_id is not None or row.source != "entra-signin"
                           for row in read_truth(demo.written.truth))


@pytest.fixture(scope="module")
def of_2023(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Return the demonstration of 2023: mail records without token ids, nothing declared."""
    folder, scenario = tmp_path_factory.mktemp("of-2023"), scenarios.demo_2023()
    written = scenario.write(folder / "logs", folder / "truth.jsonl")
    report = hunted([written.folder], HuntSettings(case=folder / "case", threads=1))
    return Estate(scenario, written, folder / "case", report)


def test_logs_of_2023_raise_suspicion_and_accuse_nobody(of_2023: Estate) -> None:
    """Without token ids nothing can be proven: suspicions only, and the program says that it could not judge."""
    _accounted(of_2023.report)
    _nobody_accused(of_2023.report)
    assert rehearsal.compare(of_2023.case, of_2023.written.truth).false_accusations == 0
    assert of_2023.report.findings


def test_logs_of_2023_rank_the_intruder_first(of_2023: Estate) -> None:
    """The accesses with the most suspicion are the intruder's, and the first findings are made of them.

    Above all three that were made in the name of Exchange itself, from networks that are not Microsoft's.
    """
    planted = {row.record_id for row in read_truth(of_2023.written.truth) if row.intrusion is not None}
    ranked = app.sql(of_2023.case, "SELECT record_id, suspicion FROM tokens ORDER BY suspicion DESC").rows
    best = [record for record, score in ranked if score == ranked[0][1]]
    assert best
    assert set(best) <= planted
    first = of_2023.report.findings[:2]
    assert [finding.rule for finding in first] == ["silent-service-from-elsewhere", "storm-0558-indicator"]
    victims = {row.subject_name for row in read_truth(of_2023.written.truth) if row.intrusion is not None}
    assert [len(finding.subjects) for finding in first] == [len(victims)] * 2


def test_the_baseline_of_2023_begins_with_the_intruder(
    of_2023: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without ids, and without what was published: the first rows are the intruder's applications and mailboxes."""
    planted = {row.record_id for row in read_truth(of_2023.written.truth) if row.intrusion is not None}
    told = app.sql(of_2023.case, "SELECT record_id, client_id, object_parent FROM tokens").rows
    his = {client for record, client, _ in told if record in planted}
    victims = {owner for record, _, owner in told if record in planted}
    ran = run(capsys, "baseline", "--case", of_2023.case, "--format", "json")
    assert ran.code == 1
    found = json.loads(ran.out)
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    assert {row["client_id"] for row in rows[: len(his)]} == his
    assert all(set(row["names"].split(", ")) == victims for row in rows[: len(his)])
    assert [row["told"] for row in rows[: len(his) + 1]] == [True] * len(his) + [False]


def test_a_golden_saml_capture_is_left_open(tmp_path: Path) -> None:
    """The public capture has no sign-in of any kind: its one mail access is uncovered, the declaration is refused.

    What it has is the theft itself, on the farm's server and on the domain controller.
    """
    complete = (Declaration("entra-signin", "interactive"),)
    told = HuntSettings(case=tmp_path / "case", complete=complete, threads=1)
    report = hunted([_need(GOLDEN_SAML)], told)
    _accounted(report)
    assert not [row for row in report.verdicts if row.verdict in ACCUSING]
    assert [(row.source, row.kind, row.status) for row in report.coverage if row.status != "seen"] == [
        ("entra-signin", "interactive", "refused")
    ]
    assert all(row.reason for row in report.coverage)
    (token,) = app.sql(tmp_path / "case", "SELECT verdict, reason, subject_name, operation, rules FROM tokens").rows
    assert token[:-1] == ("uncovered", "no-issuer-log", "pgustavo@simulandlabs.com", "MailItemsAccessed")
    assert "app-changed-before" in str(token[-1]).split()
    *thefts, finding = report.findings
    assert thefts
    assert {(theft.rule, theft.token_count) for theft in thefts} == {("farm-key-taken", 0)}
    assert (finding.verdict, finding.token_count) == (FindingVerdict.SUSPICION, 1)
    assert finding.subjects == ("pgustavo@simulandlabs.com",)


def test_samples_of_other_tenants_are_accounted_for(tmp_path: Path) -> None:
    """39 exports of all shapes: each file is read or says why not, all counts add up, and nobody is accused."""
    folder = _need(DET_ENG)
    report = hunted([folder], HuntSettings(case=tmp_path / "case", threads=1))
    listed = {Path(entry.path).name: entry for entry in report.inputs}
    assert listed.keys() == {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    logs = [entry for name, entry in listed.items() if name.endswith((".json", ".csv"))]
    assert len(logs) == 39
    assert all(entry.source for entry in logs)
    _accounted(report)
    _nobody_accused(report)
    assert sum(entry.read for entry in logs) == 125
    cut = [entry.truncated for entry in logs if entry.truncated]
    assert cut
    assert all("(ResultIndex/ResultCount)" in why for why in cut)


def test_the_order_and_the_division_of_files_change_nothing(tiny: Estate, tmp_path: Path) -> None:
    """Files given in another order, and twice, give the same verdicts."""
    hunted([*reversed(tiny.written.paths), tiny.logs], settings(tmp_path / "case", tiny.scenario, threads=2))
    names = ("tokens", "coverage", "findings", "strata")
    assert tables(tmp_path / "case", names) == tables(tiny.case, names)


@pytest.mark.slow
def test_little_memory_is_enough(tmp_path: Path) -> None:
    """Fifty thousand acceptances are judged within 300 MB, with the verdicts of a run without a limit."""
    scenario = histories.complete(acceptances=50_000)
    written = scenario.write(tmp_path / "logs", tmp_path / "truth.jsonl")
    hunted([written.folder], settings(tmp_path / "small", scenario, memory="300MB"))
    hunted([written.folder], settings(tmp_path / "large", scenario))
    names = ("tokens", "coverage", "findings")
    assert tables(tmp_path / "small", names) == tables(tmp_path / "large", names)
    assert rehearsal.compare(tmp_path / "small", written.truth).ok
