"""Messages reached: which mail the tokens of findings read, per mailbox, as seen / at least / at most.

What the log of mail access can say, and what it cannot (Microsoft: "Use MailItemsAccessed to investigate compromised
accounts"): a *bind* record names the messages that were opened, those of two minutes in one record; a *sync* record
names a folder, and everything in it may have been copied; after more than 1,000 binds in a day the mailbox is not
logged for 24 hours (IsThrottled). docs/reference/messages.md derives the three numbers from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.results import rows
from counterfoil.errors import UsageError
from counterfoil.files import file_name, new_folder, save
from counterfoil.model.advice import claim_of
from counterfoil.model.dossier import MAX_FOLDERS, MAX_MAILBOXES, Mailbox, MailSum
from counterfoil.model.first_party import name as client_name
from counterfoil.model.verdict import FindingVerdict
from counterfoil.report import csv

# How long a mailbox is not logged after a throttled record. Source: as above.
BLIND_HOURS = 24
# Items that are read at a time.
CHUNK = 10_000

ATTACHMENT = "attachment"  # the access of a record that counts opened attachments
WHOLE_FOLDER = "whole folder"
NOT_LOGGED = "not logged for a time"
ACCESS_UNTOLD = "kind of access not told"
COUNT_UNTOLD = "number of messages not told"

ITEM_COLUMNS = (
    "mailbox", "mailbox_id", "event_time", "access", "message_id", "unnamed", "folder", "aggregated", "throttled",
    "claim", "verdict", "reason", "token_id", "subject", "client_id", "client_name", "ip", "session_id", "file",
    "position",
)
SUM_COLUMNS = (
    "mailbox", "mailbox_id", "seen", "at_least", "at_most", "unbounded", "records", "binds", "syncs", "untold",
    "aggregated", "throttled", "unnamed", "attachments", "bytes", "tokens", "folders", "first_seen", "last_seen",
)


def claims(con: duckdb.DuckDBPyConnection) -> dict[str, FindingVerdict]:
    """Return what the findings of each rule claim, for the rules that occur."""
    found = rows(con, "SELECT DISTINCT group_rule AS rule FROM tokens WHERE group_rule IS NOT NULL ORDER BY ALL")
    return {row["rule"]: claim_of(row["rule"]).verdict for row in found}


def read(con: duckdb.DuckDBPyConnection, wanted: Iterable[FindingVerdict]) -> None:
    """Make the temporary tables `mail`, `mail_items` and `mail_blind`: what tokens of findings of these claims read."""
    told = [(rule, str(claim)) for rule, claim in claims(con).items() if claim in set(wanted)]
    con.execute("CREATE OR REPLACE TEMP TABLE mail_rules (group_rule VARCHAR, claim VARCHAR)")
    if told:
        con.executemany("INSERT INTO mail_rules VALUES (?, ?)", told)
    read_records(con, _OF_RULES)


def read_records(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Make the same tables of the records that one of our own queries finds.

    It returns source, record_id, token_key, claim, verdict, reason and subject, each record once for a token.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE mail_of AS {query}")
    con.execute(_MAIL)
    con.execute(_ITEMS)
    con.execute(_BLIND, {"hours": BLIND_HOURS})


_ACCESS = """e.operation IN ('MailItemsAccessed', 'AttachmentAccess') AND e.object_kind = 'mailbox'
    AND e.outcome = 'success'"""
# Some records name the mailbox by its GUID, some by its owner: one mailbox, where the name has one GUID.
_BOX = "coalesce(e.object_id, n.mailbox_id, 'name:' || e.object_parent, '')"
_OF_RULES = """WITH told AS (SELECT token_key, claim, verdict, reason, coalesce(subject_name, subject) AS subject
    FROM tokens JOIN mail_rules USING (group_rule))
SELECT DISTINCT a.source, a.record_id, t.* FROM acceptances a JOIN told t USING (token_key) WHERE a.derived = ''"""
_MAIL = f"""CREATE OR REPLACE TEMP TABLE mail AS
WITH records AS (SELECT e.*, u.* EXCLUDE (source, record_id) FROM evidence e JOIN mail_of u USING (source, record_id)
    WHERE e.leg = 'acceptance' AND {_ACCESS}),
n AS (SELECT object_parent, min(object_id) AS mailbox_id FROM records
    WHERE object_id IS NOT NULL AND object_parent IS NOT NULL GROUP BY ALL HAVING count(DISTINCT object_id) = 1)
SELECT {_BOX} AS box, e.object_id AS mailbox_id, e.object_parent AS owner, e.event_time,
    CASE WHEN e.operation = 'AttachmentAccess' THEN '{ATTACHMENT}' WHEN access_mode IN ('bind', 'sync') THEN access_mode
      ELSE 'untold' END AS access, e.byte_count,
    e.item_ids, coalesce(len(e.item_ids), 0) AS named, e.item_count, coalesce(e.aggregated, false) AS aggregated,
    coalesce(e.throttled, false) AS throttled, json_extract_string(e.extra, '$.Folder') AS folder,
    e.token_key, e.claim, e.verdict, e.reason, e.token_id, e.subject, e.client_id, e.ip, e.session_id, e.raw_file,
    e.raw_position
FROM records e LEFT JOIN n USING (object_parent)"""  # noqa: S608  # our own names
_ITEMS = """CREATE OR REPLACE TEMP TABLE mail_items AS
SELECT box, count(*) AS seen FROM (SELECT DISTINCT box, unnest(item_ids) AS item FROM mail) GROUP BY ALL"""
_BLIND = f"""CREATE OR REPLACE TEMP TABLE mail_blind AS
WITH span AS (SELECT min(event_time) AS first, max(event_time) AS last FROM mail),
n AS (SELECT owner AS object_parent, min(box) AS mailbox_id FROM mail GROUP BY ALL HAVING count(DISTINCT box) = 1)
SELECT {_BOX} AS box, count(*) AS throttled FROM evidence e LEFT JOIN n USING (object_parent), span
WHERE e.leg = 'acceptance' AND {_ACCESS} AND e.throttled
    AND e.event_time BETWEEN span.first - to_hours($hours) AND span.last + to_hours($hours)
GROUP BY ALL"""  # noqa: S608  # our own names

# A sync proves no message (the folder may have been empty), a bind proves one even where it names none. So does an
# attachment, whose record does not name its message: it may be one that no record of mail names.
_SUMS = f"""WITH sums AS (
SELECT box, min(owner) AS owner, min(mailbox_id) AS mailbox_id, count(DISTINCT token_key) AS tokens,
    count(*) AS records, count_if(access = 'bind') AS binds, count_if(access = 'sync') AS syncs,
    count_if(access = 'untold') AS untold, count_if(aggregated) AS aggregated,
    coalesce(sum(greatest(item_count - named, 0)) FILTER (access = 'bind'), 0)::BIGINT AS unnamed,
    count_if(access IN ('bind', '{ATTACHMENT}') AND item_count IS NULL AND named = 0) AS uncounted,
    coalesce(sum(item_count) FILTER (access = '{ATTACHMENT}'), 0)::BIGINT AS attachments,
    coalesce(sum(byte_count), 0)::BIGINT AS bytes,
    min(event_time) AS first_seen, max(event_time) AS last_seen
FROM mail GROUP BY box),
folders AS (SELECT box, list(folder ORDER BY folder)[:$folders] AS folders
    FROM (SELECT DISTINCT box, folder FROM mail WHERE access = 'sync' AND folder IS NOT NULL) GROUP BY box),
whole AS (SELECT sums.*, coalesce(seen, 0) AS seen, coalesce(throttled, 0) AS throttled, folders
    FROM sums LEFT JOIN mail_items USING (box) LEFT JOIN mail_blind USING (box) LEFT JOIN folders USING (box))
SELECT *, greatest(seen, least(binds + attachments, 1)) AS at_least,
    CASE WHEN syncs + untold + throttled + uncounted = 0 THEN seen + unnamed + attachments END AS at_most
FROM whole"""  # noqa: S608  # our own names


def mailboxes(con: duckdb.DuckDBPyConnection, limit: int | None = None) -> tuple[Mailbox, ...]:
    """Return the mailboxes of `mail`, those with the most messages first."""
    order = f"{_SUMS} ORDER BY at_least DESC, records DESC, box LIMIT $limit"
    return tuple(_mailbox(row) for row in _rows(con, order, folders=MAX_FOLDERS, limit=limit or 1 << 62))


def mail_sum(con: duckdb.DuckDBPyConnection, wanted: Sequence[FindingVerdict]) -> MailSum:
    """Return the mailboxes of findings of these claims, with their sums. Makes the temporary tables anew."""
    read(con, wanted)
    return whole_sum(con, tuple(wanted))


def whole_sum(con: duckdb.DuckDBPyConnection, wanted: tuple[FindingVerdict, ...]) -> MailSum:
    """Return the mailboxes of `mail`, which was made of findings of these claims, with their sums."""
    totals = """SELECT count(*) AS boxes, sum(seen) AS seen, sum(at_least) AS at_least, sum(attachments) AS attachments,
        CASE WHEN count(at_most) = count(*) THEN sum(at_most) END AS at_most FROM sums"""
    (total,) = _rows(con, f"WITH sums AS ({_SUMS}) {totals}", folders=0)
    elsewhere = "SELECT count(*) AS blind FROM mail_blind ANTI JOIN mail USING (box)"
    return MailSum(
        claims=wanted,
        mailboxes=mailboxes(con, MAX_MAILBOXES),
        mailbox_count=total["boxes"],
        seen=int(total["seen"] or 0),
        attachments=int(total["attachments"] or 0),
        at_least=int(total["at_least"] or 0),
        at_most=0 if not total["boxes"] else None if total["at_most"] is None else int(total["at_most"]),
        blind_elsewhere=rows(con, elsewhere)[0]["blind"],
    )


def items(con: duckdb.DuckDBPyConnection, box: str | None = None) -> Iterator[list[tuple[object, ...]]]:
    """Yield rows of ITEM_COLUMNS in chunks: one per message of each record, one for what a record does not name."""
    found = con.execute(_ITEM_ROWS, {"box": box})
    place = ITEM_COLUMNS.index("client_name")
    while chunk := found.fetchmany(CHUNK):
        yield [(*row[:place], client_name(row[place - 1]), *row[place:]) for row in chunk]


_ITEM_ROWS = f"""WITH named AS (SELECT *, unnest(item_ids) AS message_id, 0 AS unnamed FROM mail),
others AS (SELECT *, NULL AS message_id,
    CASE WHEN access IN ('bind', '{ATTACHMENT}') THEN greatest(coalesce(item_count, 1) - named, 0) END AS unnamed
    FROM mail WHERE named = 0 OR (access = 'bind' AND item_count > named)),
names AS (SELECT sha256, min(path) AS path FROM inputs WHERE source <> '' GROUP BY ALL)
SELECT coalesce(owner, mailbox_id) AS mailbox, mailbox_id, event_time, access, message_id, unnamed, folder,
    aggregated, throttled, claim, verdict, reason, token_id, subject, client_id, ip, session_id,
    coalesce(path, raw_file) AS file, raw_position AS position
FROM (FROM named UNION ALL BY NAME FROM others) LEFT JOIN names ON sha256 = raw_file
WHERE $box IS NULL OR box = $box
ORDER BY box, event_time, raw_file, raw_position, message_id"""  # noqa: S608  # our own names


def sum_row(box: Mailbox) -> tuple[object, ...]:
    """Return a mailbox as a row of SUM_COLUMNS."""
    values = (getattr(box, name) for name in SUM_COLUMNS)
    return tuple(", ".join(value) if isinstance(value, tuple) else value for value in values)


def named(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """Return the keys of the mailboxes of that owner or GUID in any case; raises UsageError if there is none."""
    wanted = name.strip().lower()
    found = [row["box"] for row in _boxes(con) if wanted in (str(row["name"]).lower(), str(row["mailbox_id"]).lower())]
    if not found:
        raise UsageError(
            f"no mail of {name[:80]!r} was read by such tokens", hint="counterfoil messages lists the mailboxes"
        )
    return found


def write(con: duckdb.DuckDBPyConnection, into: Path) -> int:
    """Write the sums, and a file per mailbox, into a folder that is new or empty; return how many files.

    Raises UsageError if that cannot be.
    """
    new_folder(into)
    save(into / "mailboxes.csv", csv.parts(SUM_COLUMNS, [[sum_row(box) for box in mailboxes(con)]]))
    boxes = _boxes(con)
    for place, row in enumerate(boxes, 1):
        save(into / file_name(place, str(row["name"]), "csv"), csv.parts(ITEM_COLUMNS, items(con, row["box"])))
    return len(boxes) + 1


def _boxes(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return key, name and GUID of every mailbox, by name."""
    return rows(con, """SELECT box, coalesce(min(owner), min(mailbox_id), '') AS name, min(mailbox_id) AS mailbox_id
        FROM mail GROUP BY box ORDER BY name, box""")


def _mailbox(row: dict[str, Any]) -> Mailbox:
    causes = (
        (row["syncs"], WHOLE_FOLDER), (row["throttled"], NOT_LOGGED), (row["untold"], ACCESS_UNTOLD),
        (row["uncounted"], COUNT_UNTOLD),
    )
    return Mailbox(
        mailbox=row["owner"] or row["mailbox_id"] or "",
        unbounded=tuple(words for count, words in causes if count),
        folders=tuple(row["folders"] or ()),
        at_most=None if row["at_most"] is None else int(row["at_most"]),
        **{name: row[name] for name in (
            "mailbox_id", "tokens", "records", "binds", "syncs", "untold", "aggregated", "throttled", "unnamed", "seen",
            "attachments", "bytes", "at_least", "first_seen", "last_seen",
        )},
    )


def _rows(con: duckdb.DuckDBPyConnection, sql: str, **parameters: object) -> list[dict[str, Any]]:
    found = con.execute(sql, parameters)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
