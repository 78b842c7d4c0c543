"""Readiness: five tenants against a table of right answers, what a record proves, when 2023 would have been seen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from cli.run import run
from counterfoil import app, rehearsal
from counterfoil.cli.ready_text import WIDTH
from counterfoil.config import HuntSettings
from counterfoil.lab.history import scenarios
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.model.readiness import Judged, Readiness, Shape, Why
from counterfoil.model.verdict import FindingVerdict
from counterfoil.pipeline.progress import Silent
from lab.adfs import Farm
from pipeline.conftest import Estate
from reconcile.rows import access, at, sign_in

from .written_case import written

TENANT = Tenant(seed=1, start=date(2025, 9, 1), days=5, people=8, guests=0)
KINDS = ("SignInLogs", "NonInteractiveUserSignInLogs", "ServicePrincipalSignInLogs", "ManagedIdentitySignInLogs")
MAIL = "m365-ual/exchange-item"
DATA = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Right:
    """A tenant, what is taken away from its logs, and the right answers.

    `gaps`: (reason, words that the gap holds), in order; `first`: a command that closes the first one.
    """

    tenant: Tenant
    without: Callable[[Path], None]
    mail: Judged | None
    gaps: tuple[tuple[Why, str], ...]
    first: str
    declared: bool = False
    farm: bool = False


def nothing(_: Path) -> None:
    """Take nothing away."""


def graph(logs: Path) -> None:
    """Leave out what needs a diagnostic setting."""
    (logs / "entra" / "MicrosoftGraphActivityLogs.jsonl").unlink()


def all_but_interactive(logs: Path) -> None:
    """Leave one kind of sign-ins."""
    for kind in KINDS[1:]:
        (logs / "entra" / f"{kind}.jsonl").unlink()


def audits_of_adfs(logs: Path) -> None:
    """Leave the events of the servers that no audit policy is needed for."""
    graph(logs)
    [events] = [path for path in (logs / "adfs").iterdir() if path.is_file()]
    lines = events.read_text().splitlines(keepends=True)
    audits = ('"EventID":1200,', '"EventID":1202,', '"EventID":299,')
    events.write_text("".join(line for line in lines if not any(audit in line for audit in audits)))


RIGHT: Mapping[str, Right] = {
    "all on, and declared complete": Right(TENANT, nothing, Judged.YES, (), "", declared=True),
    "the defaults: no diagnostic setting, nothing declared": Right(
        TENANT, graph, Judged.ONCE_DECLARED,
        ((Why.NOT_DECLARED, "interactive"), (Why.NOT_EXPORTED, "requests to Microsoft Graph")),
        "counterfoil reconcile --case",
    ),
    "no premium audit: mail access is in no audit set": Right(
        replace(TENANT, mail_audited=False), nothing, None,
        ((Why.NOT_AUDITED, "mail access"), (Why.NOT_DECLARED, "interactive")), "Set-Mailbox -Identity",
    ),
    "sign-ins of one kind only": Right(
        TENANT, all_but_interactive, Judged.IN_PART,
        ((Why.NOT_EXPORTED, "non-interactive"), (Why.NOT_DECLARED, "interactive")), "Diagnostic settings",
    ),
    "AD FS whose servers audit nothing": Right(
        replace(TENANT, federated_domains=("fabrikam.com",)), audits_of_adfs, Judged.ONCE_DECLARED,
        ((Why.NOT_AUDITED, "AD FS"), (Why.NOT_DECLARED, "interactive"), (Why.NOT_EXPORTED, "Graph")),
        "Set-AdfsProperties -AuditLevel", farm=True,
    ),
}


def _ready(right: Right, folder: Path) -> Readiness:
    scenario = Scenario("ready", right.tenant, (), (), Farm() if right.farm else None)
    scenario.write(folder / "logs", folder / "truth.jsonl")
    right.without(folder / "logs")
    settings = HuntSettings(folder / "case")
    if right.declared:
        when = scenario.exported_at.replace(tzinfo=None)
        settings = replace(settings, complete=scenario.declarations(), exported_at=when)
    app.hunt([str(folder / "logs")], settings)
    return app.readiness(folder / "case")


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT)
def test_a_tenant_gets_the_right_answers(right: Right, tmp_path: Path) -> None:
    """The table RIGHT: the answer for mail, and what to close, why, in which order, by which command."""
    found = _ready(right, tmp_path)
    answers = {service.service: service for service in found.services}
    assert (answers[MAIL].answer if MAIL in answers else None) == right.mail
    assert [(gap.why, word) for gap, (_, word) in zip(found.gaps, right.gaps, strict=False) if word in gap.what] == [
        *right.gaps], found.gaps
    assert not right.first or right.first in " ".join(found.gaps[0].how)
    for each in found.services:
        assert each.tokens == each.judged + each.waiting + each.missing + each.nameless + each.apart
        assert each.strength == "token id"


def test_gaps_come_by_gain_and_each_has_a_command_or_a_reason(tmp_path: Path) -> None:
    """What nothing is seen without comes first, then the number of tokens decides."""
    found = _ready(RIGHT["sign-ins of one kind only"], tmp_path)
    ranks = [(not gap.first, -gap.tokens) for gap in found.gaps]
    assert ranks == sorted(ranks)
    assert all(gap.how or gap.note for gap in found.gaps)


def _states(enabled: str, mailbox: str) -> Iterator[dict[str, object]]:
    """Yield the setting of a mailbox as the source of tenant states maps it."""
    yield {"leg": "context", "source": "tenant-state", "kind": "mailbox-audit", "operation": "Get-MailboxAuditStatus",
           "outcome": "success", "subject_name": mailbox, "object_kind": "mailbox-audit",
           "extra": json.dumps({"AuditEnabled": enabled, "DefaultAuditSet": "Admin, Delegate, Owner"})}


def test_what_a_record_proves_outranks_what_a_setting_says(tmp_path: Path) -> None:
    """A mailbox whose audit is said to be off, and of which mail access is recorded, is audited; the other is not."""
    rows = [sign_in(-5, "t1"), access(0, "t1", object_parent="alice@example.com", event_time=at(0)),
            *_states("False", "alice@example.com"), *_states("False", "bob@example.com"),
            *_states("True", "carol@example.com")]
    written(tmp_path / "case", rows)
    [gap] = [gap for gap in app.readiness(tmp_path / "case").gaps if "settings" in gap.what]
    assert gap.what.startswith("mail access of bob@example.com, ")
    assert gap.why is Why.NOT_AUDITED


def test_a_refused_export_is_no_licence_not_no_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message of a collecting tool says that the service refused the sign-in log: that is the reason told."""
    refusal = {"leg": "context", "source": "tenant-state", "kind": "collection", "operation": "Sign-in logs",
               "outcome": "refused", "object_kind": "log", "object_id": "entra-signin"}
    written(tmp_path / "case", [access(n, f"t{n}") for n in range(5)] + [refusal])
    found = app.readiness(tmp_path / "case")
    assert {gap.why for gap in found.gaps if "logs of entra:" in gap.what} == {Why.NOT_LICENSED}
    asked = run(capsys, "report", "--case", str(tmp_path / "case"))
    assert "The service refused it to the tool that collected (403)" in " ".join(asked.out.split())


ALL_KINDS = ("interactive", "non-interactive", "service-principal", "managed-identity")
TODAY = Shape(("m365-ual-api",), ("entra-signin-azure-monitor",), ALL_KINDS, mail=True, ids=True, graph=True)
# What a tenant exports -> for nothing declared, and for all declared: the day, and as what.
SEEN: Mapping[str, tuple[Shape, tuple[tuple[int | None, FindingVerdict | None], ...]]] = {
    "all logs of today": (TODAY, ((1, FindingVerdict.PROBABLY_FORGED), (1, FindingVerdict.FORGED))),
    "sign-ins alone": (
        replace(TODAY, mail=False, audit=(), graph=False), ()),
}


@pytest.mark.parametrize(("shape", "seen"), SEEN.values(), ids=SEEN)
def test_the_intrusion_of_2023_is_seen_as_far_as_the_logs_go(
    shape: Shape, seen: tuple[tuple[int | None, FindingVerdict | None], ...], tmp_path: Path
) -> None:
    """It is replayed and hunted: where the logs show him, on which day; where they do not, never."""
    found = rehearsal.replay(shape, HuntSettings(tmp_path), Silent())
    assert tuple((each.day, each.claim) for each in found.seen) == seen
    assert all(each.found <= each.planted for each in found.seen)


@pytest.mark.slow
def test_the_demos_two_halves_are_told_apart(demo: Estate, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Today he is convicted on the first day; in logs of 2023 he is ranked or probable, never convicted."""
    today = json.loads(run(capsys, "ready", demo.case, "--format", "json", "--quiet").out)
    assert [(seen["day"], seen["claim"]) for seen in today["replay"]["seen"]] == [(1, "probably-forged"), (1, "forged")]
    scenarios.demo_2023().write(tmp_path / "logs", tmp_path / "truth.jsonl")
    ran = run(capsys, "ready", tmp_path / "logs", "--format", "json", "--quiet")
    of_2023 = json.loads(ran.out)
    assert ran.code == 3
    assert next(service["answer"] for service in of_2023["services"]) == "ranked-only"
    assert [(seen["day"], seen["claim"]) for seen in of_2023["replay"]["seen"]] == [
        (1, "suspicion"), (1, "probably-forged")]


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the collected public logs are not on this machine")
def test_public_logs_get_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """As they are, they are no tenant that could be judged, and the answer says what is missing."""
    ran = run(capsys, "ready", DATA, "--format", "json", "--quiet", "--no-replay")
    found = json.loads(ran.out)
    assert ran.code == 3
    assert found["services"]
    assert found["gaps"]


def test_the_command_reads_exports_and_leaves_nothing(
    demo: Estate, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exports are read into a case that is thrown away; a case is read as it is; both at once are refused."""
    monkeypatch.chdir(tmp_path)
    ran = run(capsys, "ready", demo.case, "--no-replay", "--quiet")
    assert ran.code == 0
    assert re.match(r".*could a forged token be judged\? in \d of \d services today", ran.out)
    assert "WOULD 2023" not in ran.out
    assert max(len(line) for line in ran.out.splitlines()[1:] if "counterfoil " not in line) <= WIDTH
    logs = tmp_path / "logs"
    Scenario("tiny", TENANT).write(logs, tmp_path / "truth.jsonl")
    told = run(capsys, "ready", logs, "--no-replay", "--quiet")
    assert told.code == 0
    assert "once the logs are declared complete" in told.out
    assert f"counterfoil hunt {logs} --complete entra-signin/interactive" in told.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "truth.jsonl"]
    assert run(capsys, "ready", demo.case, logs, "--quiet").code == 2
    assert run(capsys, "ready", "--case", tmp_path / "none", "--quiet").code == 2
