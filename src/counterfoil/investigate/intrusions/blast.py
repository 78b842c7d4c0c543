"""Reads the blast radius of one intrusion from the case: see `model.blast`. Needs the table `in_one` (`story.one`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.investigate.intrusions.habits import REFUSED
from counterfoil.investigate.messages import read_records, whole_sum
from counterfoil.model.attack import operation_key
from counterfoil.model.blast import (
    MAX_ALL_MESSAGES,
    MAX_HOLDS,
    MAX_MESSAGES,
    MAX_OBJECTS,
    Blast,
    HoldLeft,
    Message,
    Objects,
    Of,
)
from counterfoil.model.persistence import HOLDS
from counterfoil.model.schema import Leg

NO_LOG = "no log of it is in evidence"
NAMELESS = "records that name no object and count none"
AGGREGATED = "records that stand for several accesses"
# Kinds of objects that an intruder may have reached though nothing of them is in evidence.
KINDS = ("file", "chat", "api", "directory")
# Victims and keys that are told one by one.
MAX_EACH = 50


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables that every blast radius of the intrusion in `in_one` reads."""
    told = [(name, undone) for name, hold in HOLDS.items() for undone in hold.undone or ("",)]
    give(con, "in_holds", {"operation": "string", "undone": "string"}, told)
    for statement in _PREPARED:
        con.execute(statement)


def whole(con: duckdb.DuckDBPyConnection, name: str) -> Blast:
    """Return what the intrusion of that id reached."""
    return _blast(con, Of.INTRUSION, name, "true", {})


def by_victim(con: duckdb.DuckDBPyConnection) -> tuple[Blast, ...]:
    """Return the same of everybody in whose name it acted, those with the most records first."""
    people = rows(con, f"""SELECT person, min(shown) AS name FROM in_one WHERE person IS NOT NULL
        GROUP BY person ORDER BY count(*) DESC, name, person LIMIT {MAX_EACH}""")  # noqa: S608  # our own number
    return tuple(_blast(con, Of.VICTIM, row["name"], "person = $value", {"value": row["person"]}) for row in people)


def by_key(con: duckdb.DuckDBPyConnection) -> tuple[Blast, ...]:
    """Return the same of every signing key that its tokens name."""
    keys = rows(con, f"""SELECT key_id FROM in_one WHERE key_id IS NOT NULL
        GROUP BY key_id ORDER BY count(*) DESC, key_id LIMIT {MAX_EACH}""")  # noqa: S608  # our own number
    return tuple(_blast(con, Of.KEY, row["key_id"], "key_id = $value", {"value": row["key_id"]}) for row in keys)


def _blast(con: duckdb.DuckDBPyConnection, of: Of, name: str, where: str, values: Mapping[str, str]) -> Blast:
    con.execute(f"CREATE OR REPLACE TEMP TABLE in_some AS SELECT * FROM in_one WHERE {where}", values or None)  # noqa: S608
    (span,) = rows(con, "SELECT count(*) AS n, min(event_time) AS first, max(event_time) AS last FROM in_some")
    read_records(con, _MAIL_OF)
    return Blast(
        of=of, name=name, records=span["n"], first_seen=span["first"], last_seen=span["last"],
        mail=whole_sum(con, ()), objects=tuple(_objects(con)), messages=tuple(_messages(con)),
        holds=tuple(_holds(con, _HIS_AND_BESIDE if of is Of.INTRUSION else "in_some")),
    )


_MAIL_OF = f"""SELECT source, record_id, token_key, coalesce(claim, basis) AS claim, verdict, reason, shown AS subject
FROM in_some WHERE leg = '{Leg.ACCEPTANCE}'"""  # noqa: S608  # our own name
LET_IN = "outcome NOT IN (" + ", ".join(f"'{outcome}'" for outcome in REFUSED) + ")"
_OBJECTS = f"""WITH every AS (SELECT *, coalesce(object_kind, 'other') AS what FROM in_some
    WHERE leg IN ('{Leg.ACCEPTANCE}', '{Leg.CONTEXT}') AND coalesce(object_kind, '') <> 'mailbox')
SELECT what AS kind, count(DISTINCT object_id) FILTER ({LET_IN}) AS seen, count_if({LET_IN}) AS records,
    count_if(NOT {LET_IN}) AS denied, count_if({LET_IN} AND object_id IS NULL AND item_count IS NULL) AS nameless,
    coalesce(sum(item_count) FILTER ({LET_IN} AND object_id IS NULL), 0)::BIGINT AS counted,
    count_if({LET_IN} AND aggregated) AS aggregated,
    list_sort(list(DISTINCT operation))[:{MAX_OBJECTS}] AS operations
FROM every GROUP BY what ORDER BY records DESC, what"""  # noqa: S608  # our own names
_NAMES = f"""WITH named AS (SELECT coalesce(object_kind, 'other') AS kind,
    CASE WHEN object_parent IS NULL THEN object_id ELSE object_parent || ': ' || object_id END AS name, count(*) AS n
FROM in_some WHERE object_id IS NOT NULL AND {LET_IN} AND coalesce(object_kind, '') <> 'mailbox'
    AND leg IN ('{Leg.ACCEPTANCE}', '{Leg.CONTEXT}')
GROUP BY ALL)
SELECT kind, name FROM named QUALIFY row_number() OVER (PARTITION BY kind ORDER BY n DESC, name) <= {MAX_OBJECTS}
ORDER BY kind, n DESC, name"""  # noqa: S608  # our own names


def _objects(con: duckdb.DuckDBPyConnection) -> list[Objects]:
    """Return what was reached but mail: what records name, and no more than they count."""
    names: dict[str, list[str]] = {}
    for row in rows(con, _NAMES):
        names.setdefault(row["kind"], []).append(row["name"])
    found = [_object(row, names.get(row["kind"], [])) for row in rows(con, _OBJECTS)]
    known = {row["kind"] for row in rows(con, "FROM in_kinds")}
    unknown = [kind for kind in KINDS if kind not in known]
    return found + [Objects(kind, 0, 0, None, (NO_LOG,), 0, 0, (), ()) for kind in unknown]


def _object(row: Mapping[str, Any], names: list[str]) -> Objects:
    why = tuple(words for count, words in ((row["nameless"], NAMELESS), (row["aggregated"], AGGREGATED)) if count)
    return Objects(
        kind=row["kind"], seen=row["seen"], at_least=max(row["seen"], min(row["nameless"] + row["counted"], 1)),
        at_most=None if why else row["seen"] + row["counted"], unbounded=why, records=row["records"],
        denied=row["denied"], names=tuple(names), operations=tuple(row["operations"]),
    )


# What a record of a message says of it: its subject and folder, and who sent it if it is of the sending.
_MESSAGES = f"""WITH opened AS (SELECT box, min(owner) AS owner, item, min(event_time) AS first_seen,
        min(folder) AS folder FROM (SELECT *, unnest(item_ids) AS item FROM mail) GROUP BY box, item
    QUALIFY row_number() OVER (PARTITION BY box ORDER BY first_seen, item) <= {MAX_MESSAGES}
    ORDER BY first_seen, box, item LIMIT {MAX_ALL_MESSAGES}),
known AS (SELECT item, min(subject) AS subject, min(folder) AS folder,
        min(subject_name) FILTER (starts_with(lower(operation), 'send')) AS sender
    FROM in_told SEMI JOIN opened USING (item) GROUP BY item)
SELECT coalesce(owner, box) AS mailbox, item AS message_id, coalesce(k.folder, o.folder, '') AS folder,
    coalesce(k.subject, '') AS subject, coalesce(k.sender, '') AS sender, first_seen
FROM opened o LEFT JOIN known k USING (item) ORDER BY first_seen, mailbox, message_id"""  # noqa: S608  # our own number


def _messages(con: duckdb.DuckDBPyConnection) -> list[Message]:
    return [Message(**row) for row in rows(con, _MESSAGES)]


def _holds(con: duckdb.DuckDBPyConnection, records: str) -> list[HoldLeft]:
    """Return what was left behind by these records, and what nothing undid as far as logs tell."""
    return [
        HoldLeft(HOLDS[operation_key(row["operation"])].what, row["operation"], row["event_time"], row["shown"] or "",
                 row["target"] or "", row["basis"])
        for row in rows(con, _HOLDS.format(records=records))
    ]


_HIS_AND_BESIDE = "(FROM in_some UNION ALL BY NAME FROM in_beside)"
_KEY = "rtrim(lower(operation), '.')"
_HOLDS = f"""WITH made AS (SELECT DISTINCT {_KEY} AS op, operation, event_time, shown, basis,
        coalesce(object_id, object_parent) AS target FROM {{records}}
    WHERE {_KEY} IN (SELECT operation FROM in_holds) AND {LET_IN})
SELECT * FROM made m WHERE NOT EXISTS (SELECT 1 FROM in_undone u
    JOIN in_holds h ON h.undone = u.op AND h.operation = m.op WHERE u.target = m.target AND u.event_time > m.event_time)
ORDER BY event_time, operation, target LIMIT {MAX_HOLDS}"""  # noqa: S608  # our own names
_PREPARED = (
    """CREATE OR REPLACE TEMP TABLE in_told AS
    SELECT item, operation, subject_name, json_extract_string(extra, '$.Subject') AS subject,
        json_extract_string(extra, '$.Folder') AS folder
    FROM (SELECT unnest(item_ids) AS item, operation, subject_name, extra FROM evidence
        WHERE item_ids IS NOT NULL AND contains(extra, '"Subject"'))
    SEMI JOIN (SELECT unnest(item_ids) AS item FROM evidence SEMI JOIN in_one USING (source, record_id))
        USING (item)""",
    f"""CREATE OR REPLACE TEMP TABLE in_undone AS
    SELECT {_KEY} AS op, event_time, coalesce(object_id, object_parent) AS target FROM evidence
    WHERE {_KEY} IN (SELECT undone FROM in_holds)""",  # noqa: S608  # our own names
    "CREATE OR REPLACE TEMP TABLE in_kinds AS SELECT DISTINCT object_kind AS kind FROM evidence",
)
