"""Whether an intruder is out: the intrusion of 2023 replayed past its block, and each reason by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt as oracle
from joserfc.jwk import ECKey

from cli.run import run
from counterfoil import app
from counterfoil.case.folder import CaseFolder
from counterfoil.custody.custody import Custody
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.storm import Storm0558
from counterfoil.model.storm_0558 import TABLE
from counterfoil.respond import desk, journal
from counterfoil.respond.evicted import After, Eviction, Left, LogSince, PartySaid, Signs, Why, judge

from .stores import made

BLOCK = datetime(2023, 6, 27, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = date(2023, 6, 5)
# Published addresses that were first seen after the block.
NEW = {seen.ip for seen in TABLE if seen.first > BLOCK}


def replayed(folder: Path, until: date, days: int) -> Path:
    """Hunt in `days` days of a tenant in which the intruder is at work until then; return the case."""
    tenant = Tenant(seed=558, start=FIRST, days=days, people=12)
    end = datetime(until.year, until.month, until.day, tzinfo=UTC)
    storm = Storm0558(
        start=datetime(2023, 6, 19, tzinfo=UTC), end=end, victims=(2, 4, 7, 9), renewals_per_day=8, reads_per_renewal=6
    )
    scenario = Scenario("eviction", tenant, (storm,))
    scenario.write(folder / "logs", folder / "truth.jsonl")
    app.hunt([str(folder / "logs")], scenario.settings(folder / "case", threads=1), app.Silent())
    return folder / "case"


@pytest.fixture(scope="module")
def gone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a case of 115 days, in which he stopped before the block."""
    return replayed(tmp_path_factory.mktemp("gone"), date(2023, 6, 24), 115)


def codes(told: dict[str, Any]) -> set[str]:
    """Return the codes of a statement's reasons."""
    return {reason["code"] for reason in told["reasons"]}


def test_four_new_addresses_after_the_block_mean_that_he_is_not_out(tmp_path: Path) -> None:
    """As in 2023: the key is blocked, and mail is read from four places and more that nobody had seen before."""
    case = replayed(tmp_path, date(2023, 7, 5), 33)
    told = desk.verify(case, BLOCK, datetime(2023, 7, 8, tzinfo=UTC), NOW)
    assert told["verdict"] == Eviction.NOT_OUT
    (reason,) = [each for each in told["reasons"] if each["code"] == Why.INTRUSION_GOES_ON]
    assert "not seen before" in reason["words"]
    used = {row[0] for row in app.sql(case, "SELECT ip FROM evidence WHERE event_time >= '2023-06-27'").rows}
    assert len(used & NEW) >= 4


def test_quiet_for_as_long_as_anything_lives_with_complete_logs_means_out(gone: Path) -> None:
    """Ninety days after the block nothing that he held is alive, and every log that showed him has each day."""
    told = desk.verify(gone, BLOCK, datetime(2023, 9, 26, 12, tzinfo=UTC), NOW)
    assert (told["verdict"], told["reasons"]) == (Eviction.OUT, [])
    assert told["logs"]
    assert told["logs"][0]["records_since"] > 1_000


def test_a_quiet_week_alone_cannot_tell(gone: Path) -> None:
    """A refresh token lives for ninety days: until then silence may be patience."""
    told = desk.verify(gone, BLOCK, datetime(2023, 7, 5, tzinfo=UTC), NOW)
    assert (told["verdict"], codes(told)) == (Eviction.CANNOT_TELL, {Why.LIFE_NOT_OVER})


def test_a_quiet_week_after_everything_was_revoked_means_out(gone: Path, tmp_path: Path) -> None:
    """What the journal says of the revocation shortens the wait to the life of an access token."""
    case = copied(gone, tmp_path)
    desk.done(case, "revoke", BLOCK + timedelta(hours=3), "alex")
    assert desk.verify(case, BLOCK, datetime(2023, 7, 5, tzinfo=UTC), NOW)["verdict"] == Eviction.OUT


def test_a_log_that_ends_early_cannot_tell(gone: Path) -> None:
    """Silence in a log that was cut is no silence of the intruder."""
    told = desk.verify(gone, BLOCK, datetime(2023, 10, 20, tzinfo=UTC), NOW)
    assert (told["verdict"], codes(told)) == (Eviction.CANNOT_TELL, {Why.LOG_ENDS})


def test_a_later_statement_says_what_changed(gone: Path, tmp_path: Path) -> None:
    """Run again it may change, and says what did."""
    case = copied(gone, tmp_path)
    desk.verify(case, BLOCK, datetime(2023, 7, 5, tzinfo=UTC), NOW)
    told = desk.verify(case, BLOCK, datetime(2023, 9, 26, 12, tzinfo=UTC), NOW)
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
    since=day(10), until=day(29), accepted=Signs(), intrusion=Signs(), traits=Signs(), refused=Signs(), left=(),
    logs=(LOG,), parties=(), revoked=day(10), used_tokens=100,
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
    "his address has another token": ({"traits": SOME}, Eviction.CANNOT_TELL, {Why.TRAITS_AGAIN}),
    "he tries in vain": ({"refused": SOME}, Eviction.OUT, {Why.REFUSED_UNDER_KEY}),
    "sessions were not revoked": ({"revoked": None}, Eviction.CANNOT_TELL, {Why.LIFE_NOT_OVER}),
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


def test_the_statement_is_written_and_can_be_read_by_people(gone: Path) -> None:
    """The text names the verdict first, then each reason with its code."""
    from counterfoil.respond import statement

    told = desk.verify(gone, BLOCK, datetime(2023, 10, 20, tzinfo=UTC), NOW)
    lines = statement.text(told).splitlines()
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
