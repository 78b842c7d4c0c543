"""Whether an intruder is out: the intrusion of 2023 replayed past its block, and each reason by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt as oracle
from joserfc.jwk import ECKey

from cli.run import Ran, run
from counterfoil.case.folder import CaseFolder
from counterfoil.cli.main import main
from counterfoil.custody.custody import Custody
from counterfoil.lab.history.cast import cast_of
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.storm import Storm0558
from counterfoil.model.storm_0558 import BLOCKED, PANELS
from counterfoil.respond import journal
from counterfoil.respond.evicted import After, Eviction, Left, LogSince, PartySaid, Revoked, Signs, Why, judge

from .stores import made

NEW_PANELS = {panel.ip for panel in PANELS if panel.first > BLOCKED}
FIRST = date(2023, 6, 5)
VICTIMS = (2, 4, 7, 9)
Run = Callable[..., Ran]


def storm(start: date, end: date, *, new_panels: bool = False) -> Storm0558:
    """Return the intruder of 2023 at work between two days."""
    begin, until = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (start, end))
    name = "panels" if new_panels else "storm-0558"
    return Storm0558(
        start=begin, end=until, victims=VICTIMS, renewals_per_day=8, reads_per_renewal=6, name=name,
        new_panels=new_panels,
    )


def replayed(folder: Path, days: int, *storms: Storm0558, revoked: int = 0) -> Path:
    """Hunt, by the program, in `days` days of a tenant with these intruders; return the case.

    `revoked`: of how many victims the directory's log says on the day after the block that all was revoked.
    """
    tenant = Tenant(seed=558, start=FIRST, days=days, people=12)
    scenario = Scenario("eviction", tenant, storms)
    scenario.write(folder / "logs", folder / "truth.jsonl")
    audit = folder / "logs" / "entra" / "AuditLogs.jsonl"
    first = json.loads(audit.read_text().split("\n", 1)[0])
    with audit.open("a") as file:
        for number in VICTIMS[:revoked]:
            file.write(json.dumps(revocation(first, number, cast_of(tenant).people[number].oid)) + "\n")
    said = (f"{each.source}/{each.kind}:{each.start.isoformat()}..{each.end.isoformat()}"
            for each in scenario.declarations() if each.start and each.end)
    options = [option for each in said for option in ("--complete", each)]
    exported = ("--exported-at", f"{scenario.exported_at:%Y-%m-%dT%H:%M}")
    assert main(["hunt", str(folder / "logs"), "--case", str(folder / "case"), *options, *exported, "--quiet"]) == 1
    return folder / "case"


def revocation(line: dict[str, Any], number: int, victim: str) -> dict[str, Any]:
    """Return a line of the directory's audit log by which a victim's sessions were revoked, made from another line."""
    when, name = f"2023-06-28T08:{number:02}:00.0000000Z", "Update StsRefreshTokenValidFrom Timestamp"
    changes = {"id": f"Directory_{victim}", "activityDisplayName": name, "activityDateTime": when,
               "targetResources": [{"id": victim, "displayName": None, "type": "User", "modifiedProperties": []}]}
    return {**line, "time": when, "operationName": name, "properties": {**line["properties"], **changes}}


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case of 115 days, in which he stopped before the block; two of four victims were revoked."""
    return replayed(tmp_path_factory.mktemp("gone"), 115, storm(date(2023, 6, 19), date(2023, 6, 24)), revoked=2)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs the program."""
    return lambda *arguments: run(capsys, *arguments)


def verified(command: Run, case: Path, until: str, *more: object) -> tuple[int, dict[str, Any]]:
    """Ask whether he is out; return the exit code and the statement."""
    ran = command("respond", "verify", "--case", case, "--since", "2023-06-27", "--until", until, "--format", "json",
                  *more)
    assert ran.code in (0, 1, 3), ran.err
    return ran.code, json.loads(ran.out)


def codes(told: dict[str, Any]) -> set[str]:
    """Return the codes of a statement's reasons."""
    return {reason["code"] for reason in told["reasons"]}


def test_four_new_panels_after_the_block_mean_that_he_is_not_out(command: Run, tmp_path: Path) -> None:
    """As in 2023: the key is blocked, and mail is read from four places that nobody had seen before; all are named."""
    storms = (
        storm(date(2023, 6, 19), date(2023, 6, 24)), storm(date(2023, 6, 28), date(2023, 7, 5), new_panels=True),
    )
    case = replayed(tmp_path, 33, *storms)
    code, told = verified(command, case, "2023-07-08")
    assert (code, told["verdict"]) == (1, Eviction.NOT_OUT)
    by = {each["code"]: each for each in told["reasons"]}
    assert len(NEW_PANELS) == 4
    assert ", 4 addresses not seen before" in by[Why.INTRUSION_GOES_ON]["words"]
    assert set(by[Why.INTRUSION_GOES_ON]["addresses"]) == NEW_PANELS


def test_quiet_for_as_long_as_anything_lives_with_complete_logs_means_out(command: Run, gone: Path) -> None:
    """Ninety days after the block nothing that he held is alive, and every log that showed him has each day."""
    code, told = verified(command, gone, "2023-09-26T12:00")
    assert (code, told["verdict"], told["reasons"]) == (0, Eviction.OUT, [])
    assert told["logs"]
    assert told["logs"][0]["records_since"] > 1_000


def test_a_quiet_week_alone_cannot_tell(command: Run, gone: Path) -> None:
    """A refresh token lives for ninety days: until then silence may be patience."""
    code, told = verified(command, gone, "2023-07-05")
    assert (code, told["verdict"], codes(told)) == (3, Eviction.CANNOT_TELL, {Why.LIFE_NOT_OVER})


def test_a_log_outranks_the_journal(command: Run, gone: Path, tmp_path: Path) -> None:
    """The journal says that all was revoked; the directory's log has it of two victims, and the others are named."""
    case = copied(gone, tmp_path)
    assert command("respond", "done", "revoke", "--case", case, "--at", "2023-06-27T03:00", "--who", "alex").code == 0
    code, told = verified(command, case, "2023-07-05")
    assert (code, codes(told)) == (3, {Why.LIFE_NOT_OVER, Why.REVOCATION_DENIED})
    [words] = [each["words"] for each in told["reasons"] if each["code"] == Why.REVOCATION_DENIED]
    assert words.count("@contoso.com") == 2


def test_a_revocation_in_the_log_needs_no_journal(command: Run, tmp_path: Path) -> None:
    """Of every victim: after the life of an access token he is out, by the evidence alone."""
    case = replayed(tmp_path, 33, storm(date(2023, 6, 19), date(2023, 6, 24)), revoked=len(VICTIMS))
    code, told = verified(command, case, "2023-07-05")
    assert (code, told["verdict"], told["reasons"]) == (0, Eviction.OUT, [])
    assert verified(command, case, "2023-06-29")[0] == 3


def test_a_log_that_ends_early_cannot_tell(command: Run, gone: Path) -> None:
    """Silence in a log that was cut is no silence of the intruder."""
    code, told = verified(command, gone, "2023-10-20")
    assert (code, told["verdict"], codes(told)) == (3, Eviction.CANNOT_TELL, {Why.LOG_ENDS})


def test_a_later_statement_says_what_changed(command: Run, gone: Path, tmp_path: Path) -> None:
    """Run again it may change, and says what did."""
    case = copied(gone, tmp_path)
    verified(command, case, "2023-07-05")
    _, told = verified(command, case, "2023-09-26T12:00")
    assert told["before"]["verdict"] == Eviction.CANNOT_TELL
    assert told["changed"] == [f"no longer: {Why.LIFE_NOT_OVER}"]


def copied(case: Path, into: Path) -> Path:
    """Return a copy of a case, whose journal is its own."""
    import shutil

    shutil.copytree(case, into / "case", ignore=shutil.ignore_patterns("respond"))
    assert not journal.read(CaseFolder(into / "case"))
    return into / "case"


def day(number: int) -> datetime:
    """Return a day of an invented month, naive."""
    return datetime(2026, 3, number)  # noqa: DTZ001  # as results of a case have times


LOG = LogSince("receipts/mail", day(1), day(29), 10.0, 11.0, 500)
QUIET = After(
    since=day(10), until=day(29), accepted=Signs(), intrusion=Signs(), renewed=Signs(), traits={}, refused=Signs(),
    left=(), logs=(LOG,), parties=(), revoked=Revoked(day(10)), used_tokens=100,
)
SOME = Signs(2, day(12), day(13), ("192.0.2.7",), 1, 1)
HOLD = Left("a mailbox rule", "New-InboxRule", day(11), "inbox", his=True)
CASES: dict[str, tuple[dict[str, Any], Eviction, set[Why]]] = {
    "nothing speaks against it": ({}, Eviction.OUT, set()),
    "a token under the key was accepted": ({"accepted": SOME}, Eviction.NOT_OUT, {Why.ACCEPTED_UNDER_KEY}),
    "what he renewed was accepted": ({"intrusion": SOME}, Eviction.NOT_OUT, {Why.INTRUSION_GOES_ON}),
    "a party accepts the canary": (
        {"parties": (PartySaid("mail", True, False, "let in"),)}, Eviction.NOT_OUT, {Why.PARTY_ACCEPTS}),
    "a party does not answer": (
        {"parties": (PartySaid("mail", False, False, "no answer"),)}, Eviction.CANNOT_TELL, {Why.PARTY_UNKNOWN}),
    "a party refuses it": ({"parties": (PartySaid("mail", False, True, "401"),)}, Eviction.OUT, set()),
    "his rule stands": ({"left": (HOLD,)}, Eviction.NOT_OUT, {Why.PERSISTENCE_LEFT}),
    "a victim's rule is not looked at": (
        {"left": (replace(HOLD, his=False),)}, Eviction.CANNOT_TELL, {Why.PERSISTENCE_OPEN}),
    "his address has another token": ({"traits": {"address": SOME}}, Eviction.CANNOT_TELL, {Why.TRAITS_AGAIN}),
    "a token of his was renewed": ({"renewed": SOME}, Eviction.NOT_OUT, {Why.LINEAGE_RENEWED}),
    "he tries in vain": ({"refused": SOME}, Eviction.OUT, {Why.REFUSED_UNDER_KEY}),
    "sessions were not revoked": ({"revoked": Revoked()}, Eviction.CANNOT_TELL, {Why.LIFE_NOT_OVER}),
    "sessions were revoked by the journal's word": (
        {"revoked": Revoked(day(10), by_word=True)}, Eviction.OUT, {Why.REVOKED_BY_WORD}),
    "a log denies it": (
        {"revoked": Revoked(None, denied=("a",), denied_count=1)}, Eviction.CANNOT_TELL,
        {Why.LIFE_NOT_OVER, Why.REVOCATION_DENIED}),
    "a log has a hole": (
        {"logs": (replace(LOG, quiet_since=80.0),)}, Eviction.CANNOT_TELL, {Why.LOG_HOLE}),
    "a log ends": ({"logs": (replace(LOG, last=day(20)),)}, Eviction.CANNOT_TELL, {Why.LOG_ENDS}),
    "a log was throttled": ({"logs": (replace(LOG, throttled=1),)}, Eviction.CANNOT_TELL, {Why.LOG_THROTTLED}),
    "no log showed him": ({"logs": ()}, Eviction.CANNOT_TELL, {Why.LOG_ENDS}),
    "records were lost": ({"lost_records": 3}, Eviction.CANNOT_TELL, {Why.LOG_LOST}),
    "too much is open": ({"open_tokens": 11}, Eviction.CANNOT_TELL, {Why.LEFT_OPEN}),
    "a sign of his outweighs a doubt": (
        {"accepted": SOME, "lost_records": 3}, Eviction.NOT_OUT, {Why.ACCEPTED_UNDER_KEY, Why.LOG_LOST}),
}


@pytest.mark.parametrize("sentence", CASES)
def test_each_reason(sentence: str) -> None:
    """Each thing that speaks leads to its verdict, by its own code."""
    changes, verdict, whys = CASES[sentence]
    judged = judge(replace(QUIET, **changes))
    assert (judged.verdict, {reason.why for reason in judged.reasons}) == (verdict, whys)


def test_the_statement_is_written_and_can_be_read_by_people(command: Run, gone: Path) -> None:
    """The text names the verdict first, then each reason with its code."""
    told = command("respond", "verify", "--case", gone, "--since", "2023-06-27", "--until", "2023-10-20")
    lines = told.out.splitlines()
    assert lines[0].startswith("CANNOT TELL  since 2023-06-27T00:00:00Z")
    assert any(line.endswith("[log-ends]") for line in lines)


@pytest.mark.parametrize("why", Why, ids=str)
def test_every_reason_is_explained(why: Why, capsys: pytest.CaptureFixture[str]) -> None:
    """`counterfoil explain` tells what each code of a statement means and what to do."""
    ran = run(capsys, "explain", why)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"{why}  (reason of respond verify)\n")


def test_a_signed_statement_is_verified_by_another_library(
    gone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--store` gives a JWT of the statement, by the key of that name; the exit code is the verdict's all the same."""
    store = made(tmp_path / "statements", "none", ("statements",))
    asked = ("--case", copied(gone, tmp_path), "--since", "2023-06-27", "--until", "2023-07-05")
    ran = run(capsys, "respond", "verify", *asked, "--store", store)
    assert ran.code == 3, ran.err
    with Custody.open(store) as custody:
        [version] = custody.keys()
    checked = oracle.decode(ran.out.strip(), ECKey.import_key(dict[str, Any](version.jwk())), algorithms=["ES256"])
    assert (checked.header["typ"], checked.header["kid"]) == ("counterfoil-eviction+jwt", version.kid)
    assert checked.claims["verdict"] == Eviction.CANNOT_TELL
    assert codes(checked.claims) == {Why.LIFE_NOT_OVER}
