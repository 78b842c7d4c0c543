from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from counterfoil.lab.history import scenarios
from counterfoil.lab.history.estate import Written, write_estate
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.storm import Storm0558

from . import histories, reading
from .spray import Spray

SMALL = histories.tiny().tenant


def planted(written: Written, *labels: str) -> list[reading.Record]:
    """Return the truth's rows of these labels."""
    return [row for row in reading.truth(written.truth) if row["label"] in labels]


def acceptances(written: Written, tokens: set[str]) -> list[reading.Record]:
    """Return the audit records that carry one of these tokens."""
    return [
        row
        for row in reading.audit(written.folder)
        if "UniqueTokenId" in row.get("AppAccessContext", {})
        and reading.guid(row["AppAccessContext"]["UniqueTokenId"]) in tokens
    ]


def test_storm_tokens_were_issued_by_no_sign_in(demo: Written) -> None:
    """Seeds and renewals of Storm-0558 are in no sign-in; only renewals are in GATFRTokenIssue."""
    known = {row["id"] for row in reading.signins(demo.folder)}
    renewed = {
        reading.guid(row["UniqueTokenIdentifier"]) for row in reading.audit(demo.folder) if row["RecordType"] == 275
    }
    seeds = {row["token_id"] for row in planted(demo, "forged")}
    laundered = {row["token_id"] for row in planted(demo, "laundered")}
    assert len(seeds) == 3
    assert not known & (seeds | laundered)
    assert laundered <= renewed
    assert not seeds & renewed


def test_storm_reads_through_an_application_that_never_reads_mail(demo: Written) -> None:
    """The reading application is known to the tenant, and all its mail access is the intruder's."""
    tokens = {row["token_id"] for row in planted(demo, "laundered")}
    clients = {row["ClientAppId"] for row in acceptances(demo, tokens)}
    mail = [row for row in reading.audit(demo.folder) if row["RecordType"] == 50 and row["ClientAppId"] in clients]
    assert len(clients) == 1
    assert clients & {row["appId"] for row in reading.signins(demo.folder)}
    assert {reading.guid(row["AppAccessContext"]["UniqueTokenId"]) for row in mail} == tokens


def test_storm_works_at_night_on_working_days_from_changing_addresses(demo: Written) -> None:
    """Its records lie Monday to Friday, 00:00 to 09:00 UTC, within the interval, from several proxies."""
    tokens = {row["token_id"] for row in planted(demo, "forged", "laundered")}
    rows = acceptances(demo, tokens)
    times = [datetime.fromisoformat(row["CreationTime"]) for row in rows]
    assert all(time.weekday() < 5 and time.hour < 9 for time in times)
    assert all(datetime(2025, 9, 15) <= time < datetime(2025, 9, 20) for time in times)  # noqa: DTZ001
    assert len({row["ClientIPAddress"] for row in rows}) > 3


def test_storm_of_2023_uses_published_addresses_while_they_were_in_use(tmp_path: Path) -> None:
    """In June 2023 the proxies are the published ones of that day, in other years invented ones."""
    written = scenarios.demo_2023().write(tmp_path / "logs", tmp_path / "truth.jsonl")
    ids = {row["record_id"] for row in planted(written, "forged", "laundered")}
    rows = [row for row in reading.all_records(tmp_path / "logs", "Search-UnifiedAuditLog") if row["Identity"] in ids]
    assert len(rows) == len(ids) == 183
    assert not any("203.0.113." in row["AuditData"] or "198.51.100." in row["AuditData"] for row in rows)
    assert any("45.14.227.233" in row["AuditData"] for row in rows)


@pytest.mark.parametrize("victims", [1, 8], ids=["one victim", "sprayed over eight"])
def test_a_spray_has_exactly_its_tokens(tmp_path: Path, victims: int) -> None:
    """Each token asked for has a row and `uses` records; they are spread over the victims, and none was issued."""
    spray = Spray(
        tokens=40,
        victims=tuple(range(victims)),
        start=datetime(2025, 9, 2, tzinfo=UTC),
        end=datetime(2025, 9, 5, tzinfo=UTC),
        uses=2,
    )
    written = write_estate(SMALL, [spray], [], tmp_path / "logs", tmp_path / "truth.jsonl")
    rows = planted(written, "forged")
    assert len(rows) == 40
    assert Counter(row["subject_id"] for row in rows) == dict.fromkeys({r["subject_id"] for r in rows}, 40 // victims)
    assert len(acceptances(written, {row["token_id"] for row in rows})) == 80
    assert not {row["token_id"] for row in rows} & {row["id"] for row in reading.signins(written.folder)}


def test_a_spray_may_come_from_one_address(tmp_path: Path) -> None:
    """Where an address is named, every record of the spray is from there."""
    start, end = datetime(2025, 9, 3, tzinfo=UTC), datetime(2025, 9, 5, tzinfo=UTC)
    spray = Spray(tokens=6, victims=(0, 1), start=start, end=end, address="203.0.113.7")
    written = write_estate(SMALL, [spray], [], tmp_path / "logs", tmp_path / "truth.jsonl")
    rows = acceptances(written, {row["token_id"] for row in planted(written, "forged")})
    assert [row["ClientIPAddress"] for row in rows] == ["203.0.113.7"] * 6


def test_intrusions_only_add_records(tmp_path: Path) -> None:
    """Genuine life is the same with and without an intrusion: the logs without it are a part of those with it."""
    storm = Storm0558(start=datetime(2025, 9, 2, tzinfo=UTC), end=datetime(2025, 9, 5, tzinfo=UTC), victims=(0, 3))
    for name, intrusions in (("quiet", ()), ("attacked", (storm,))):
        Scenario(name, SMALL, intrusions).write(tmp_path / name / "logs", tmp_path / f"{name}.jsonl")

    def ids(name: str) -> set[str]:
        folder = tmp_path / name / "logs"
        return {row["Id"] for row in reading.audit(folder)} | {row["id"] for row in reading.signins(folder)}

    added = ids("attacked") - ids("quiet")
    assert ids("quiet") < ids("attacked")
    assert len(added) == 2 * (1 + 3 * 3 * (1 + 4))


def adfs_issuances(written: Written) -> dict[str, list[datetime]]:
    """Return the times of AD FS tokens for Microsoft's cloud, by user name."""
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for event in reading.all_records(written.folder, "SecurityEvent"):
        if event["EventID"] == 1200:
            assert "urn:federation:MicrosoftOnline" in event["EventData"]
            user = event["EventData"].split("&lt;UserId&gt;")[1].split("&lt;")[0]
            found[user].append(datetime.fromisoformat(event["TimeGenerated"][:19]))
    return found


def presented(written: Written) -> list[reading.Record]:
    """Return the sign-ins in which a fresh assertion was presented."""
    return [row for row in reading.signins(written.folder) if row["incomingTokenType"] in ("saml11", "saml20")]


def test_genuine_assertions_follow_their_issuance_within_seconds(golden: Written) -> None:
    """Each genuine fresh federated sign-in has its own AD FS issuance for this user at most 15 s before."""
    issued = adfs_issuances(golden)
    forged = {row["record_id"] for row in planted(golden, "forged")}
    genuine = [row for row in presented(golden) if row["id"] not in forged]
    assert len(genuine) > 300
    for row in genuine:
        created = datetime.fromisoformat(row["createdDateTime"][:19])
        near = [t for t in issued[row["userPrincipalName"]] if timedelta() <= created - t <= timedelta(seconds=15)]
        assert len(near) == 1
    assert sum(map(len, issued.values())) == len(genuine)


def test_forged_assertions_have_no_issuance(golden: Written) -> None:
    """Alone they are hours from any issuance for the user; in the shadow of one they are one too many."""
    issued = adfs_issuances(golden)
    rows = planted(golden, "forged")
    by_id = {row["id"]: row for row in presented(golden)}
    for row in rows:
        sign_in = by_id[row["record_id"]]
        created = datetime.fromisoformat(sign_in["createdDateTime"][:19])
        distance = min(abs(created - t) for t in issued[sign_in["userPrincipalName"]])
        if row["expect"] == ["forged"]:
            assert distance > timedelta(hours=2)
        else:
            assert timedelta(minutes=5) < distance < timedelta(hours=1)
    assert Counter(len(row["expect"]) for row in rows) == {1: 20, 2: 4}


def test_descendants_of_forged_assertions_were_issued_by_entra(golden: Written) -> None:
    """The mail tokens of forged assertions are in the sign-in that accepted the assertion."""
    assertions = {row["record_id"] for row in planted(golden, "forged")}
    children = {row["token_id"] for row in planted(golden, "descends-from-forged")}
    assert children == assertions <= {row["id"] for row in reading.signins(golden.folder)}


def test_copied_ids_differ_from_the_genuine_token_in_one_claim(tmp_path: Path) -> None:
    """Each copy has the id of an issued token; exact copies share its row, the others have one of their own."""
    written = histories.copied_ids().write(tmp_path / "logs", tmp_path / "truth.jsonl")
    issued = {row["id"]: row for row in reading.signins(written.folder)}
    rows = planted(written, "copied")
    notes = Counter(row["note"] for row in rows)
    assert sorted(notes.values()) == [5, 5, 5, 5]
    genuine = {row["token_id"]: row for row in planted(written, "genuine")}
    for row in rows:
        assert row["token_id"] in issued
        if row["expect"] == ["minted"]:
            assert row["acceptances"] > 2
            continue
        original = genuine[row["token_id"]]
        claims = ("subject_id", "issued_at", "token_tenant")
        assert sum(row[claim] != original[claim] for claim in claims) == 1
        assert row["expect"][0] == "contradicted"
