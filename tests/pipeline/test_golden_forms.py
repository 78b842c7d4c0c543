"""Golden SAML end to end: whatever tool exported the events of AD FS, the verdicts are the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from counterfoil import app, rehearsal
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.model.verdict import FindingVerdict, Verdict
from lab.adfs import Farm
from lab.golden import GoldenSaml
from lab.windows_forms import FORMS

from .estates import hunted, settings

# One of each way of reading; the others are run with `-m slow`.
QUICK = {"wevtutil-xml", "evtx-dump-jsonl"}
_TENANT = Tenant(
    seed=5, start=date(2025, 9, 8), days=10, people=8, guests=0, delegates=0, shared_mailboxes=0, apps=0,
    service_principals=1, managed_identities=1, federated_domains=("fabrikam.com",), federated_share=1.0,
    mail_per_person_day=3.0, files_per_person_day=0.5, chats_per_person_day=0.5,
    graph_per_person_day=0.5,
)
GOLDEN = Scenario("golden", _TENANT, (GoldenSaml(victims=(0, 2), start=date(2025, 9, 15), days=2),))
_TOKENS = "SELECT * EXCLUDE (token_key) FROM tokens ORDER BY ALL"
_KEY = "SELECT operation, kind, subject_name, object_id FROM evidence WHERE object_kind = 'signing_key' ORDER BY ALL"


def _hunted(form: str, folder: Path) -> tuple[list[Any], list[Any], bool]:
    """Return tokens, traces of the key's theft, and whether all agrees with the truth.

    The farm's log begins with the first assertion: nobody knows what came before, and it is not judged. Two genuine
    tokens go with the sets of which some are forged.
    """
    scenario = replace(GOLDEN, federation=Farm(names="upn", form=FORMS[form]))
    written = scenario.write(folder / "logs", folder / "truth.jsonl")
    report = hunted([written.folder], settings(folder / "case", scenario))
    assert not [entry for entry in report.inputs if entry.unread or entry.rejected]
    assert report.found(frozenset({FindingVerdict.FORGED}))
    assert {finding.rule for finding in report.findings} >= {"assertion-not-issued", "farm-key-taken"}
    thefts = {finding.id for finding in report.findings if finding.rule == "farm-key-taken"}
    clues = app.key_watch(folder / "case").clues  # the thief's alone: the farm's service reads its key every day
    assert {clue.finding for clue in clues} == thefts
    told = rehearsal.compare(folder / "case", written.truth)
    open_ = {(mistake.truth.label, mistake.verdict) for mistake in told.examples}
    agrees = not told.false_accusations and open_ == {("genuine", Verdict.UNCOVERED)}
    return app.sql(folder / "case", _TOKENS).rows, app.sql(folder / "case", _KEY).rows, agrees and told.mistakes == 3


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any], bool]:
    """Return what the table SecurityEvent of Log Analytics gives."""
    return _hunted("security-event", tmp_path_factory.mktemp("golden"))


def test_the_forged_assertions_are_found_and_the_theft_is_told(expected: tuple[list[Any], list[Any], bool]) -> None:
    """What was planted is found, nobody else is accused, and the three traces of the stolen key are evidence."""
    tokens, theft, agrees = expected
    assert tokens and agrees
    assert [row[0] for row in theft] == ["18", "33205", "4662"]


@pytest.mark.parametrize(
    "form",
    [pytest.param(f, marks=() if f in QUICK else pytest.mark.slow) for f in FORMS if f != "security-event"],
)
def test_every_form_gives_the_same_verdicts(
    form: str, expected: tuple[list[Any], list[Any], bool], tmp_path: Path
) -> None:
    """The same tokens, verdicts and reasons, and the same traces of the theft, in every form of export."""
    assert _hunted(form, tmp_path) == expected
