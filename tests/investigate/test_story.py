"""The story of an intrusion: habits, what was reached in three numbers, timeline, indicators; all by the program."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cli.run import run
from counterfoil import app
from counterfoil.config import HuntSettings
from counterfoil.investigate.intrusions.reachable import Known, listed, reachable
from counterfoil.investigate.intrusions.timeline import NO_SIGN_IN
from counterfoil.lab.history.compare import read_truth
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.wrap_audit import search_csv
from counterfoil.model.blast import Door
from counterfoil.model.storm_0558 import ADDRESSES
from counterfoil.tokens.entitlement import Entitlement, IssuerPattern
from lab.spray import Spray

from .conftest import Story

DATA = Path(os.environ.get("COUNTERFOIL_DATA", Path(__file__).parents[3] / "shared" / "data"))
HIS, THEIRS = "203.0.113.66", "192.0.2.9"


def told(capsys: pytest.CaptureFixture[str], case: Path, *options: object) -> list[dict[str, Any]]:
    """Return what the program tells of the intrusions of a case."""
    ran = run(capsys, "intrusions", "--case", case, "--format", "json", *options)
    assert ran.code == 0, ran.err
    entries: list[dict[str, Any]] = json.loads(ran.out)["intrusions"]
    return entries


def test_habits_are_those_of_2023(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """The nights of the story fit UTC+8; its renewals, its reading and its techniques are told with evidence."""
    (of_2023,) = (entry for entry in told(capsys, story.case) if entry["intrusion"]["sessions"] < 24)
    habits = of_2023["habits"]
    assert 8 in {zone["offset"] for zone in habits["hours"]["zones"]}
    assert sum(habits["hours"]["by_day"][5:]) == 0
    assert [act["operation"] for act in habits["acts"]] == ["MailItemsAccessed", "GATFRTokenIssue"]
    techniques = {technique["id"]: technique for technique in habits["techniques"]}
    assert {"T1606", "T1550.001", "T1114.002"} <= set(techniques)
    assert all(technique["name"] and technique["shown"] for technique in techniques.values())
    assert all(used["people"] == 0 for used in habits["addresses"])


def test_every_line_says_how_it_is_joined_and_what_is_missing(
    capsys: pytest.CaptureFixture[str], story: Story
) -> None:
    """Lines of forged tokens say that nobody issued them; of those got in exchange, that no sign-in stands behind them.

    All are in time, joined by token id, at a place in a file.
    """
    for entry in told(capsys, story.case):
        lines = [line for line in entry["lines"] if line["basis"] != "address"]
        assert {line["basis"] for line in lines} == {"token id"}
        assert any("no issuance of this token" in words for line in lines for words in line["absent"])
        exchanged = [line["absent"] for line in lines if line["what"] == "GATFRTokenIssue"]
        assert all(words == [NO_SIGN_IN] for words in exchanged)
        assert (len(exchanged) > 1) == (entry["intrusion"]["sessions"] < 24)
        assert [line["time"] for line in entry["lines"]] == sorted(line["time"] for line in entry["lines"])
        assert all(Path(line["path"]).is_file() and line["position"] for line in entry["lines"])


def test_victims_add_up_to_the_whole(capsys: pytest.CaptureFixture[str], story: Story) -> None:
    """Records of the victims are those of the intrusion; each victim's mail is no more than the whole."""
    for entry in told(capsys, story.case):
        assert sum(victim["records"] for victim in entry["victims"]) == entry["whole"]["records"]
        assert sum(victim["mail"]["seen"] for victim in entry["victims"]) == entry["whole"]["mail"]["seen"]


def access(number: int, owner: str, ip: str = HIS, *, mode: str = "Bind", throttled: bool = False,
           items: tuple[str, ...] = (), count: int = 1) -> dict[str, Any]:
    """Return a record of mail access as the management API gives it."""
    return {
        "CreationTime": f"2025-09-01T09:{number:02}:00", "Id": f"c27d7322-9cdc-41b7-9b56-{number:012}",
        "Operation": "MailItemsAccessed", "OrganizationId": "3f7c1f1e-6a55-4b8e-9a0e-2b1d7c9e4f10", "RecordType": 50,
        "ResultStatus": "Succeeded", "UserKey": "10032002643F6746", "UserType": 0, "Version": 1, "Workload": "Exchange",
        "UserId": f"{owner}@contoso.com", "ClientAppId": "5a95e683-08ad-424e-a441-1d1aec52c02c", "ClientIPAddress": ip,
        "ClientInfoString": "Client=REST;;", "LogonType": 0, "MailboxOwnerUPN": f"{owner}@contoso.com",
        "MailboxGuid": f"d0c5f8ae-9ed7-4e46-bfdf-{sum(owner.encode()):012}", "OperationCount": count,
        "OperationProperties": [{"Name": "MailAccessType", "Value": mode},
                                {"Name": "IsThrottled", "Value": str(throttled)}],
        "Folders": [{"Path": "\\Inbox", "FolderItems": [{"InternetMessageId": item} for item in items]}],
    }


def sent(number: int, item: str, subject: str) -> dict[str, Any]:
    """Return a record of a message that was sent."""
    plain = access(number, "carol", THEIRS)
    of_access = ("ClientInfoString", "LogonType", "MailboxOwnerUPN", "MailboxGuid", "OperationCount",
                 "OperationProperties", "Folders", "ClientAppId")
    kept = {name: value for name, value in plain.items() if name not in of_access}
    return kept | {"Operation": "Send", "RecordType": 2,
                   "Item": {"InternetMessageId": item, "Subject": subject, "ParentFolder": {"Path": "\\Sent Items"}}}


RECORDS = (
    access(1, "alice", items=("<1>",)),
    access(2, "alice", items=("<1>", "<2>"), count=2),  # of two minutes: one record, aggregated
    access(3, "alice", items=("<3>",), count=4),  # three that it does not name
    access(4, "bob", items=("<9>",)),
    access(5, "bob", mode="Sync"),  # the whole folder
    access(6, "carol", items=("<7>",), throttled=True),  # 24 hours follow of which nothing is known
    access(7, "alice", THEIRS, items=("<99>",)),  # her own reading
    sent(8, "<2>", "Minutes"),
)
# mailbox -> seen, at least, at most, and why there is no number
TRUTH = {
    "alice@contoso.com": (3, 3, 6, []),
    "bob@contoso.com": (1, 1, None, ["whole folder"]),
    "carol@contoso.com": (1, 1, None, ["not logged for a time"]),
}


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Return a case of records made by hand, and a file that names the intruder's address."""
    folder = tmp_path_factory.mktemp("mail")
    (folder / "audit.json").write_text(json.dumps(RECORDS))
    (folder / "known.txt").write_text("# from a partner\n203.0.113[.]66\n")
    app.hunt([str(folder / "audit.json")], HuntSettings(folder / "case"), app.Silent())
    yield folder / "case", folder / "known.txt"


def test_three_numbers_are_right(capsys: pytest.CaptureFixture[str], mail: tuple[Path, Path]) -> None:
    """Bind, aggregated, sync and throttled records give the numbers of a table made by hand, each victim the same."""
    case, known = mail
    (entry,) = told(capsys, case, "--indicators", known)
    boxes = {box["mailbox"]: box for box in entry["whole"]["mail"]["mailboxes"]}
    found = {name: (box["seen"], box["at_least"], box["at_most"], box["unbounded"]) for name, box in boxes.items()}
    assert found == TRUTH
    assert {victim["name"]: victim["mail"]["at_most"] for victim in entry["victims"]} == {
        name: most for name, (_, _, most, _) in TRUTH.items()
    }
    throttled = [line for line in entry["lines"] if any("throttled" in words for words in line["absent"])]
    assert [line["who"] for line in throttled] == ["carol@contoso.com"]


def test_messages_get_their_names(capsys: pytest.CaptureFixture[str], mail: tuple[Path, Path]) -> None:
    """A message of which a record of sending is in evidence has its subject, folder and sender."""
    case, known = mail
    (entry,) = told(capsys, case, "--indicators", known)
    named = {message["message_id"]: message for message in entry["whole"]["messages"]}
    assert set(named) == {"<1>", "<2>", "<3>", "<7>", "<9>"}
    assert (named["<2>"]["subject"], named["<2>"]["folder"], named["<2>"]["sender"]) == (
        "Minutes", "\\Sent Items", "carol@contoso.com"
    )


def test_what_no_log_tells_is_unknown(capsys: pytest.CaptureFixture[str], mail: tuple[Path, Path]) -> None:
    """Where no log of files, chats, Graph or the directory is in evidence, there is no number at most."""
    case, known = mail
    (entry,) = told(capsys, case, "--indicators", known)
    unknown = {each["kind"]: (each["seen"], each["at_most"], each["unbounded"]) for each in entry["whole"]["objects"]}
    assert unknown == dict.fromkeys(("file", "chat", "api", "directory"), (0, None, ["no log of it is in evidence"]))


def test_nothing_is_told_of_an_unknown_id(capsys: pytest.CaptureFixture[str], mail: tuple[Path, Path]) -> None:
    """An id of no intrusion is one clear line; a case without intrusions tells none."""
    ran = run(capsys, "intrusions", "--case", mail[0], "--id", "0123456789ab")
    assert (ran.code, ran.out) == (2, "")
    assert "no intrusion '0123456789ab' here" in ran.err
    assert told(capsys, mail[0]) == []


def test_hidden_addresses_are_recovered(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Of 38 published addresses every second one is handed over: the others come with them, and nothing else does."""
    published = tuple(entry.ip for entry in ADDRESSES)[:38]
    tenant = Tenant(seed=3, start=date(2024, 9, 2), days=9, people=16, id_era="2023", audit_wrappers=(search_csv,),
                    mail_per_person_day=4)
    spray = Spray(tokens=114, victims=(1, 5, 9), start=datetime(2024, 9, 4, tzinfo=UTC),
                  end=datetime(2024, 9, 10, tzinfo=UTC), addresses=published, agents=("mail-sync/0.9",),
                  client_id="7c0d1b7e-2f55-4c0e-9d5b-5a3b1b2c9f10")
    Scenario("hidden", tenant, (spray,)).write(tmp_path / "logs", tmp_path / "truth.jsonl")
    app.hunt([str(tmp_path / "logs")], HuntSettings(tmp_path / "case", threads=2), app.Silent())
    (tmp_path / "known.txt").write_text("\n".join(published[::2]))
    entries = told(capsys, tmp_path / "case", "--indicators", tmp_path / "known.txt")
    (entry,) = (entry for entry in entries if published[0] in entry["intrusion"]["ips"])
    assert set(entry["intrusion"]["ips"]) == set(published)
    planted = {row.record_id for row in read_truth(tmp_path / "truth.jsonl") if row.intrusion}
    assert entry["intrusion"]["records"] == len(planted) == 114
    hidden = [line for line in entry["lines"] if line["where"] in published[1::2]]
    assert {line["basis"] for line in hidden} <= {"traits", "session", "actor and address"}


def test_the_published_golden_saml_is_recognised(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The public data set is told as its write-up tells it: key read, consent, secret, mail; each with its basis."""
    folder = DATA / "otrf-golden-saml"
    if not folder.is_dir():
        pytest.skip(f"no copy of {folder.name} at {folder}; COUNTERFOIL_DATA names its parent folder")
    app.hunt([str(folder / "*.json")], HuntSettings(tmp_path / "case"), app.Silent())
    (entry,) = told(capsys, tmp_path / "case")
    lines = [(line["time"][11:16], line["what"], line["basis"]) for line in entry["lines"]]
    expected = [
        ("13:05", "read the database of the configuration, not by the service itself (Sysmon 18)", "key read"),
        ("13:05", "read the configuration that holds the key (SQL audit 33205)", "key read"),
        ("13:08", "Directory Services replication", "time alone"),
        ("13:11", "read the object that the key is derived from, in the directory (4662)", "key read"),
        ("13:27", "Add delegated permission grant.", "time alone"),
        ("13:29", "Update application \N{EN DASH} Certificates and secrets management", "actor"),
        ("13:32", "MailItemsAccessed", "actor and address"),
    ]
    assert [line for line in lines if line in expected] == expected
    assert {hold["what"] for hold in entry["whole"]["holds"]} == {
        "a consent or an application's right", "an application's secret or certificate"
    }
    assert (entry["whole"]["mail"]["seen"], entry["whole"]["mail"]["mailbox_count"]) == (6, 1)


KEYED = """CREATE TABLE evidence (source VARCHAR, record_id VARCHAR, leg VARCHAR, outcome VARCHAR, key_id VARCHAR,
    resource VARCHAR, issuer VARCHAR, resource_tenant VARCHAR, token_id VARCHAR, signing_input_digest VARCHAR,
    event_time TIMESTAMP);
CREATE TABLE in_one AS SELECT 'receipts' AS source, '1' AS record_id;
INSERT INTO evidence SELECT 'receipts', i::VARCHAR, 'acceptance', outcome, kid, rp, 'https://issuer', NULL, i::VARCHAR,
    NULL, TIMESTAMP '2025-09-01' FROM (VALUES (1, 'success', 'K', 'mail'), (2, 'success', 'K', 'mail'),
    (3, 'success', 'K', 'files'), (4, 'refused', 'K', 'strict'), (5, 'success', 'L', 'other')) v(i, outcome, kid, rp);
"""


def test_what_a_key_opens() -> None:
    """Who took forged tokens, who took others, who refused, whom the policy allows, which key sets hold the key."""
    allowed = {"K": Entitlement(issuers=((IssuerPattern.of("https://issuer"),),), audiences=frozenset({"calendar"}))}
    sets = listed([("published", b'{"keys": [{"kid": "K", "issuer": "https://issuer"}, {"kid": "Z"}]}')])
    with duckdb.connect() as con:
        con.execute(KEYED)
        found = reachable(con, "K", Known(allowed, sets))
        dark = reachable(con, "nobody's", Known())
    assert [(party.name, party.door, party.tokens) for party in found.parties] == [
        ("mail", Door.TOOK_FORGED, 2), ("files", Door.TOOK, 1), ("strict", Door.REFUSED, 1),
        ("calendar", Door.POLICY, 0), ("published", Door.JWKS, 0),
    ]
    assert dark.parties == ()
    assert len(dark.unknown) > len(found.unknown) > 0
