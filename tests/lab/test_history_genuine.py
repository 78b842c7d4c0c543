from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from counterfoil.errors import UsageError
from counterfoil.lab.history import scenarios
from counterfoil.lab.history.estate import Written, write_estate
from counterfoil.lab.history.settings import Tenant

from . import histories, reading

SMALL = histories.tiny().tenant


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its relative name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in reading.files(folder)}


def when(text: str) -> datetime:
    """Return a time of the logs, cut to seconds."""
    return datetime.fromisoformat(text[:19])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """One week of eight people without any intrusion."""
    folder = tmp_path_factory.mktemp("small")
    return write_estate(SMALL, [], [], folder / "logs", folder / "truth.jsonl")


def test_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    """Two runs with one seed are equal to the byte, logs and truth; another seed differs."""
    for run in ("a", "b"):
        write_estate(SMALL, [], [], tmp_path / run / "logs", tmp_path / run / "truth.jsonl")
    write_estate(replace(SMALL, seed=2), [], [], tmp_path / "c" / "logs", tmp_path / "c" / "truth.jsonl")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_every_genuine_token_was_issued_before_it_was_used(small: Written) -> None:
    """A genuine acceptance's id is that of a successful sign-in which is earlier."""
    issued = {row["id"]: when(row["createdDateTime"]) for row in reading.signins(small.folder) if not error(row)}
    genuine = {row["token_id"] for row in reading.truth(small.truth) if row["label"] == "genuine"}
    uses = [(token, when(time)) for token, time in reading.accepted(small.folder) if token in genuine]
    assert len(uses) > 500
    assert all(issued[token] <= time for token, time in uses)


def error(signin: reading.Record) -> int:
    """Return the sign-in's error code; 0 is success."""
    return int(signin["status"]["errorCode"])


def test_issue_time_is_five_minutes_before_the_sign_in(small: Written) -> None:
    """IssuedAtTime and tokenIssuedAt are the sign-in's second less 300 s, as Entra back-dates them."""
    issued = {row["id"]: when(row["createdDateTime"]) for row in reading.signins(small.folder) if not error(row)}
    stated = [
        (reading.guid(context["UniqueTokenId"]), context["IssuedAtTime"])
        for context in (row.get("AppAccessContext", {}) for row in reading.audit(small.folder))
        if "IssuedAtTime" in context
    ]
    stated += [
        (reading.guid(row["properties"]["signInActivityId"]), row["properties"]["tokenIssuedAt"])
        for row in reading.all_records(small.folder, "MicrosoftGraphActivityLogs")
    ]
    linked = [(issued[token], when(text)) for token, text in stated if token in issued]
    assert len(linked) > 400
    assert {created - iat for created, iat in linked} == {timedelta(seconds=300)}


def test_no_token_is_used_after_its_life(small: Written) -> None:
    """Tokens live 60 to 90 minutes, or 20 to 28 hours where the sign-in says that they are CAE tokens."""
    by_id = {row["id"]: row for row in reading.signins(small.folder) if not error(row)}
    ages: dict[str, set[float]] = {"True": set(), "False": set()}
    for token, time in reading.accepted(small.folder):
        if token in by_id:
            cae = by_id[token]["authenticationProcessingDetails"][1]["value"]
            ages[cae].add((when(time) - when(by_id[token]["createdDateTime"])).total_seconds() / 60)
    assert max(ages["False"]) < 85
    assert 20 * 60 < max(ages["True"]) < 28 * 60


def test_truth_counts_every_acceptance(small: Written) -> None:
    """The truth's acceptances are the records that carry a token id or reach a resource, each once."""
    rows = reading.truth(small.truth)
    by_token = Counter(token for token, _ in reading.accepted(small.folder))
    assert {row["token_id"]: row["acceptances"] for row in rows if row["token_id"]} == by_token
    assert sum(row["acceptances"] for row in rows) == small.legs["acceptance"] == sum(small.labels.values())


def test_records_without_a_token_id_are_rows_of_their_own(tmp_path: Path) -> None:
    """Mail records with an empty access context have a row by record id, and no id is invented for them."""
    written = write_estate(replace(SMALL, null_id_share=0.3), [], [], tmp_path / "logs", tmp_path / "truth.jsonl")
    bare = {
        row["Id"]
        for row in reading.audit(tmp_path / "logs")
        if row["Operation"] == "MailItemsAccessed" and not row.get("AppAccessContext", {}).get("UniqueTokenId")
    }
    assert len(bare) > 50
    assert bare == {row["record_id"] for row in reading.truth(written.truth) if row["token_id"] is None}


def test_services_never_sign_in(small: Written) -> None:
    """Calls of Microsoft's services carry ids that are in no sign-in, and come from no office or home."""
    known = {row["id"] for row in reading.signins(small.folder)}
    calls = [row for row in reading.truth(small.truth) if row["label"] == "service"]
    assert calls
    assert not known & {row["token_id"] for row in calls}


def test_interrupts_and_failures_carry_ids_but_issue_nothing(demo: Written) -> None:
    """Some interrupts share the id of the success that follows; a wrong password's id is never used."""
    rows = reading.signins(demo.folder)
    ok = {row["id"] for row in rows if not error(row)}
    used = {token for token, _ in reading.accepted(demo.folder)}
    interrupted = {row["id"] for row in rows if error(row) in (50074, 50140)}
    failed = {row["id"] for row in rows if error(row) == 50126}
    assert interrupted & ok
    assert interrupted - ok
    assert failed
    assert not failed & (ok | used)


def test_secondary_issuances_have_a_sign_in_of_the_same_second(small: Written) -> None:
    """A genuine GATFRTokenIssue has the id and second of a sign-in."""
    created = {row["id"]: row["createdDateTime"][:19] for row in reading.signins(small.folder)}
    renewals = [row for row in reading.audit(small.folder) if row["RecordType"] == 275]
    assert renewals
    assert all(created[reading.guid(row["UniqueTokenIdentifier"])] == row["CreationTime"] for row in renewals)


def test_people_rest_at_weekends_and_on_holidays(demo: Written) -> None:
    """Weekends and holidays hold a small part of a working day's mail."""
    days = Counter(row["CreationTime"][:10] for row in reading.audit(demo.folder) if row["RecordType"] == 50)
    assert days["2025-09-06"] < days["2025-09-04"] / 3
    assert days["2025-09-12"] < days["2025-09-04"] / 2


def test_delegates_guests_and_applications_are_themselves(demo: Written) -> None:
    """The token's owner is the acting one: delegates are not the mailbox's owner, guests have another home."""
    mail = [row for row in reading.audit(demo.folder) if row["RecordType"] == 50]
    delegated = [row for row in mail if row["LogonType"] == 2]
    assert delegated
    assert all(row["MailboxOwnerUPN"] != row["UserId"] for row in delegated)
    rows = reading.signins(demo.folder)
    guests = [row for row in rows if row["homeTenantId"] != row["resourceTenantId"]]
    assert guests
    assert all("#EXT#" in row["userPrincipalName"] for row in guests)
    principals = {row["servicePrincipalId"] for row in rows} - {""}
    assert principals & {row["TokenObjectId"] for row in mail}
    assert any(row.get("TokenType") == "V1AppActAs" for row in mail)


def test_the_logs_of_2023_name_no_token_in_mail(tmp_path: Path) -> None:
    """The tenant of 2023 has no fields of the token in mail records, and no Graph activity log."""
    written = scenarios.demo_2023().write(tmp_path / "logs", tmp_path / "truth.jsonl")
    rows = [json.loads(row["AuditData"]) for row in reading.all_records(tmp_path / "logs", "Search-UnifiedAuditLog")]
    mail = [row for row in rows if row["Operation"] == "MailItemsAccessed"]
    assert mail
    assert not any({"AppAccessContext", "TokenObjectId", "TokenTenantId"} & row.keys() for row in mail)
    assert not reading.files(tmp_path / "logs", "GraphActivity")
    assert {row["Id"] for row in mail} <= {row["record_id"] for row in reading.truth(written.truth)}


def test_memory_holds_hours_and_not_the_history(tmp_path: Path) -> None:
    """Four times the days need nearly the same memory, so histories of any length can be written."""
    peaks = []
    for days in (14, 56):
        folder = tmp_path / str(days)
        tracemalloc.start()
        write_estate(replace(SMALL, days=days), [], [], folder / "logs", folder / "truth.jsonl")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


@pytest.mark.parametrize(
    "changes",
    [{"days": 0}, {"people": 0}, {"uses_per_token": 0.5}, {"cae_share": 1.5}, {"audit_wrappers": ()}],
    ids=["no days", "nobody", "tokens that are not used", "more than all", "no wrapper"],
)
def test_impossible_settings_are_refused(changes: dict[str, object]) -> None:
    """Settings that no history can have are refused when the value is made."""
    with pytest.raises(UsageError):
        replace(SMALL, **changes)  # type: ignore[arg-type]


def test_truth_among_the_logs_is_refused(tmp_path: Path) -> None:
    """The truth must not lie where a hunt would read it."""
    with pytest.raises(UsageError, match="outside the logs"):
        write_estate(SMALL, [], [], tmp_path / "logs", tmp_path / "logs" / "truth.jsonl")


def test_settings_are_values() -> None:
    """A tenant can be compared and used as a key, and its id depends on name and seed alone."""
    assert Tenant(seed=1, start=SMALL.start, days=3) == Tenant(seed=1, start=SMALL.start, days=3)
    assert replace(SMALL, days=9).tenant_id == SMALL.tenant_id != replace(SMALL, seed=9).tenant_id
