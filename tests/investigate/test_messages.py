"""Messages reached: seen, at least and at most are what the records prove, per mailbox."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil import app
from counterfoil.errors import UsageError
from counterfoil.investigate import messages
from counterfoil.model.dossier import MailSum
from counterfoil.model.verdict import FAIL_ON_DEFAULT, FindingVerdict
from pipeline.conftest import Estate

BEGIN = datetime.fromisoformat("2025-09-15T00:00")
ALICE, BOB = "guid-alice", "guid-bob"
RULES = {"forged": "id-not-issued", "suspicion": "suspicious", "nothing": None}


@dataclass(frozen=True)
class Access:
    """One record of mail access. `by`: forged, suspicion, or nothing (a token that no finding tells of)."""

    box: str | None = ALICE
    owner: str | None = None
    mode: str | None = "bind"
    items: Sequence[str] = ()
    count: int | None = None
    throttled: bool = False
    by: str = "forged"
    hour: int = 0
    outcome: str = "success"
    operation: str = "MailItemsAccessed"
    size: int | None = None
    more: dict[str, str] = field(default_factory=dict)


TABLES = """
CREATE TABLE tokens (token_key VARCHAR, group_rule VARCHAR, verdict VARCHAR, reason VARCHAR, token_id VARCHAR,
    subject VARCHAR, subject_name VARCHAR);
CREATE TABLE acceptances (token_key VARCHAR, source VARCHAR, record_id VARCHAR, derived VARCHAR);
CREATE TABLE inputs (path VARCHAR, sha256 VARCHAR, source VARCHAR);
CREATE TABLE evidence (leg VARCHAR, source VARCHAR, record_id VARCHAR, token_id VARCHAR, event_time TIMESTAMP,
    operation VARCHAR, outcome VARCHAR, object_kind VARCHAR, object_id VARCHAR, object_parent VARCHAR,
    access_mode VARCHAR, item_ids VARCHAR[], item_count BIGINT, byte_count BIGINT, aggregated BOOLEAN,
    throttled BOOLEAN, extra VARCHAR,
    client_id VARCHAR, ip VARCHAR, session_id VARCHAR, raw_file VARCHAR, raw_position BIGINT);
"""


@contextmanager
def case(accesses: Sequence[Access]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield tables of the shape that a case has, with these records; each belongs to a token of its own."""
    con = duckdb.connect()
    con.execute(TABLES)
    con.execute("INSERT INTO inputs VALUES ('logs/audit.json', 'sha', 'm365-ual-api')")
    for place, access in enumerate(accesses):
        name = str(place)
        con.execute("INSERT INTO tokens VALUES (?, ?, 'forged', 'id-not-issued', ?, NULL, 'alice')",
                    [name, RULES[access.by], name])
        con.execute("INSERT INTO acceptances VALUES (?, 'm365-ual', ?, '')", [name, name])
        con.execute(
            "INSERT INTO evidence VALUES ('acceptance', 'm365-ual', ?, ?, ?, ?, ?, 'mailbox', ?, ?,"
            " ?, ?, ?, ?, ?, ?, ?, NULL, '203.0.113.1', NULL, 'sha', ?)",
            [name, name, BEGIN + timedelta(hours=access.hour), access.operation, access.outcome, access.box,
             access.owner, access.mode, list(access.items) or None, access.count, access.size,
             bool(access.count and access.count > 1), access.throttled,
             '{"Folder":"\\\\Inbox"}' if access.mode == "sync" else None, place],
        )
    try:
        yield con
    finally:
        con.close()


def summed(*accesses: Access, claims: Sequence[FindingVerdict] = tuple(FAIL_ON_DEFAULT)) -> MailSum:
    """Return the sums of these records."""
    with case(accesses) as con:
        return messages.mail_sum(con, claims)


ONE = Access(items=("<1>",), count=1)

# what the records say -> seen, at least, at most (None: cannot be given), and why not
STORIES: dict[str, tuple[Sequence[Access], int, int, int | None, tuple[str, ...]]] = {
    "one message was opened": ([ONE], 1, 1, 1, ()),
    "the same message twice is one message": ([ONE, ONE], 1, 1, 1, ()),
    "a record of two minutes names three": ([Access(items=("<1>", "<2>", "<3>"), count=3)], 3, 3, 3, ()),
    "a record counts more than it names": ([Access(items=("<1>",), count=4)], 1, 1, 4, ()),
    "a record names none and counts two": ([Access(count=2)], 0, 1, 2, ()),
    "what is not named may be what is named": ([ONE, Access(count=2)], 1, 1, 3, ()),
    "a bind without list and count proves one": ([Access()], 0, 1, None, (messages.COUNT_UNTOLD,)),
    "two attachments were opened": (
        [Access(operation="AttachmentAccess", count=2, size=900)], 0, 1, 2, (),
    ),
    "an attachment may be of a message that no record names": (
        [ONE, Access(operation="AttachmentAccess", count=1)], 1, 1, 2, (),
    ),
    "attachments that are not counted have no limit": (
        [ONE, Access(operation="AttachmentAccess")], 1, 1, None, (messages.COUNT_UNTOLD,),
    ),
    "a folder was copied": ([Access(mode="sync", count=1)], 0, 0, None, (messages.WHOLE_FOLDER,)),
    "a folder was copied and a message opened": (
        [ONE, Access(mode="sync", count=1)], 1, 1, None, (messages.WHOLE_FOLDER,),
    ),
    "the mode is not told": ([Access(mode=None, items=("<1>",), count=1)], 1, 1, None, (messages.ACCESS_UNTOLD,)),
    "the intruder's reading was throttled": (
        [Access(items=("<1>",), count=1, throttled=True)], 1, 1, None, (messages.NOT_LOGGED,),
    ),
    "the owner's reading was throttled meanwhile": (
        [ONE, Access(items=("<9>",), count=1, throttled=True, by="nothing", hour=-23)], 1, 1, None,
        (messages.NOT_LOGGED,),
    ),
    "the owner was throttled a day before": (
        [ONE, Access(items=("<9>",), count=1, throttled=True, by="nothing", hour=-25)], 1, 1, 1, (),
    ),
    "the owner was throttled soon afterwards": (
        [ONE, Access(items=("<9>",), count=1, throttled=True, by="nothing", hour=24)], 1, 1, None,
        (messages.NOT_LOGGED,),
    ),
    "the owner was throttled long afterwards": (
        [ONE, Access(items=("<9>",), count=1, throttled=True, by="nothing", hour=25)], 1, 1, 1, (),
    ),
    "another mailbox was throttled": (
        [ONE, Access(box=BOB, items=("<9>",), count=1, throttled=True, by="nothing")], 1, 1, 1, (),
    ),
    "what failed was not read": ([ONE, Access(items=("<2>",), count=1, outcome="denied")], 1, 1, 1, ()),
    "what a genuine token read is not counted": ([ONE, Access(items=("<2>",), count=1, by="nothing")], 1, 1, 1, ()),
    "what a suspicious token read is not counted": (
        [ONE, Access(items=("<2>",), count=1, by="suspicion")], 1, 1, 1, (),
    ),
    "some records name the owner only": (
        [Access(owner="alice@x", items=("<1>",), count=1), Access(box=None, owner="alice@x", items=("<2>",), count=1)],
        2, 2, 2, (),
    ),
}


@pytest.mark.parametrize(("accesses", "seen", "least", "most", "why"), STORIES.values(), ids=STORIES.keys())
def test_what_the_records_prove(
    accesses: Sequence[Access], seen: int, least: int, most: int | None, why: tuple[str, ...]
) -> None:
    """Each story gives its three numbers, and why the last one is missing; sums are those of the one mailbox."""
    (box,) = summed(*accesses).mailboxes
    assert (box.seen, box.at_least, box.at_most, box.unbounded) == (seen, least, most, why)
    whole = summed(*accesses)
    assert (whole.mailbox_count, whole.seen, whole.at_least, whole.at_most) == (1, seen, least, most)


def test_suspicions_are_added_on_demand() -> None:
    """With suspicions added, their messages count too, each once."""
    accesses = ONE, Access(items=("<1>", "<2>"), count=2, by="suspicion")
    assert summed(*accesses).seen == 1
    assert summed(*accesses, claims=tuple(FindingVerdict)).seen == 2


def test_a_mailbox_that_was_dark_is_counted_though_nothing_is_seen_in_it() -> None:
    """A throttled mailbox without an access by the intruder may hide one: the report counts it."""
    found = summed(ONE, Access(box=BOB, items=("<9>",), count=1, throttled=True, by="nothing"))
    assert found.blind_elsewhere == 1


def test_no_mail_is_no_number() -> None:
    """Without any such record there are no mailboxes, and the sums are zero."""
    assert summed(Access(by="nothing")) == MailSum(tuple(FAIL_ON_DEFAULT), (), 0, 0, 0, 0, 0)


ACCESSES = st.lists(
    st.builds(
        Access,
        box=st.sampled_from([ALICE, BOB]),
        mode=st.sampled_from(["bind", "bind", "bind", "sync", None]),
        items=st.lists(st.sampled_from(["<1>", "<2>", "<3>", "<4>"]), max_size=3),
        count=st.none() | st.integers(0, 5),
        throttled=st.booleans(),
        by=st.sampled_from(["forged", "nothing"]),
        hour=st.integers(-30, 30),
    ),
    max_size=8,
)


@given(ACCESSES)
@settings(max_examples=25, deadline=None)
def test_the_numbers_are_those_of_a_count_by_hand(accesses: list[Access]) -> None:
    """Whatever the records, the sums per mailbox agree with a plain loop over them, and seen <= least <= most."""
    found = {box.mailbox_id: box for box in summed(*accesses).mailboxes}
    mine = [access for access in accesses if access.by == "forged"]
    assert set(found) == {access.box for access in mine}
    for name, box in found.items():
        own = [access for access in mine if access.box == name]
        binds = [access for access in own if access.mode == "bind"]
        seen = {item for access in own for item in access.items}
        first, last = min(access.hour for access in mine), max(access.hour for access in mine)
        dark = [
            access for access in accesses
            if access.box == name and access.throttled and first - 24 <= access.hour <= last + 24
        ]
        bounded = len(binds) == len(own) and not dark
        bounded = bounded and all(access.items or access.count is not None for access in binds)
        unnamed = sum(max(0, (access.count or 0) - len(access.items)) for access in binds)
        assert box.seen == len(seen)
        assert box.at_least == (len(seen) or min(1, len(binds)))
        assert box.at_most == (len(seen) + unnamed if bounded else None)
        assert box.seen <= box.at_least
        assert box.at_most is None or box.at_least <= max(1, box.at_most)


def test_every_record_has_its_rows() -> None:
    """A named message is a row; what a record does not name is one row that says how much it is."""
    accesses = Access(items=("<1>", "<2>"), count=5), Access(mode="sync", count=1, hour=1), Access(hour=2)
    with case(accesses) as con:
        messages.read(con, FAIL_ON_DEFAULT)
        rows = [dict(zip(messages.ITEM_COLUMNS, row, strict=True)) for chunk in messages.items(con) for row in chunk]
    told = [(row["access"], row["message_id"], row["unnamed"], row["folder"]) for row in rows]
    assert told == [
        ("bind", "<1>", 0, None), ("bind", "<2>", 0, None), ("bind", None, 3, None),
        ("sync", None, None, "\\Inbox"), ("bind", None, 1, None),
    ]
    assert {(row["file"], row["claim"]) for row in rows} == {("logs/audit.json", "forged")}


def test_a_folder_of_files_holds_every_message_of_every_mailbox(demo: Estate, tmp_path: Path) -> None:
    """One CSV per mailbox and one of sums, for the owner's eyes only; their rows agree with the case."""
    folder = tmp_path / "out"
    written = app.write_messages(demo.case, FAIL_ON_DEFAULT, folder)
    with (folder / "mailboxes.csv").open(newline="") as file:
        sums = list(csv.DictReader(file))
    assert written == len(sums) + 1 == len(list(folder.iterdir()))
    assert len(sums) == 3
    for row in sums:
        (path,) = folder.glob(f"*{row['mailbox']}.csv")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with path.open(newline="") as file:
            items = list(csv.DictReader(file))
        assert len({item["message_id"] for item in items if item["message_id"]}) == int(row["seen"])
        assert {item["mailbox"] for item in items} == {row["mailbox"]}
    with pytest.raises(UsageError, match="holds files already"):
        app.write_messages(demo.case, FAIL_ON_DEFAULT, folder)


def test_names_of_mailboxes_cannot_steer_files(tmp_path: Path) -> None:
    """A mailbox whose name is a path, or a formula, or a novel, gets a plain file in the folder."""
    names = ("../../etc/passwd", "=cmd|'/c calc'!A1", "x" * 400, "", "\u202eevil\n")
    with case([Access(box=f"g{n}", owner=name, items=("<1>",), count=1) for n, name in enumerate(names)]) as con:
        messages.read(con, FAIL_ON_DEFAULT)
        assert messages.write(con, tmp_path / "out") == len(names) + 1
    found = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert len(found) == len(names) + 1
    assert all(name.isascii() and "/" not in name and not name.startswith(".") and len(name) < 120 for name in found)
    text = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert ",=" not in text
    assert "\n=" not in text


def test_one_mailbox_is_asked_for_by_name_or_guid(demo: Estate) -> None:
    """In any case of letters; a name that is not there is refused with a hint."""
    (box, *_) = app.mailboxes(demo.case, FAIL_ON_DEFAULT).rows
    by_name = app.messages(demo.case, FAIL_ON_DEFAULT, str(box[0]).upper()).rows
    assert by_name
    assert app.messages(demo.case, FAIL_ON_DEFAULT, str(box[1])).rows == by_name
    with pytest.raises(UsageError, match="no mail of 'nobody'"):
        app.messages(demo.case, FAIL_ON_DEFAULT, "nobody")


def test_attachments_are_counted_beside_messages_with_their_sizes() -> None:
    """An opened attachment is no message of its own, and is not lost either."""
    found = summed(ONE, Access(operation="AttachmentAccess", count=2, size=1_158_871))
    assert (found.seen, found.attachments, found.mailboxes[0].attachments, found.mailboxes[0].bytes) == (
        1, 2, 2, 1_158_871
    )
