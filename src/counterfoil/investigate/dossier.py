"""Reads from a case's results what a report to hand over adds to the summary, every list cut at a named length."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.results import rows
from counterfoil.investigate.findings import group_id
from counterfoil.investigate.messages import claims, mail_sum
from counterfoil.model.dossier import (
    MAX_DAYS,
    MAX_EXAMPLES,
    MAX_REACHED,
    MAX_RECORDS,
    MAX_RELATIVES,
    MAX_TRAILS,
    MAX_TRAILS_OF_FINDING,
    Dossier,
    HourCount,
    Intruder,
    JudgedDay,
    LogDay,
    MailSum,
    Reach,
    Reached,
    Record,
    Relative,
    Trail,
)
from counterfoil.model.reason import SETS
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import FAIL_ON_DEFAULT, FindingVerdict, Verdict
from counterfoil.pipeline.asked import options_of

ByToken = Mapping[str, Sequence[Mapping[str, Any]]]


def dossier(con: duckdb.DuckDBPyConnection, manifest: Path) -> Dossier:
    """Return the dossier of the case whose results `con` holds; `manifest` is the case's manifest file."""
    order = list(FindingVerdict)
    suspicion = str(order.index(FindingVerdict.SUSPICION))
    _prepare(con, order)
    return Dossier(
        trails=_trails(con),
        intruders=tuple(Intruder(**row | {"claim": FindingVerdict(row["claim"])}) for row in rows(con, _INTRUDERS)),
        reach=tuple(Reach(**row) for row in rows(con, _REACH.replace("$suspicion", suspicion))),
        logs=tuple(LogDay(**row) for row in rows(con, _LOGS)),
        judged=tuple(JudgedDay(**row) for row in rows(con, _JUDGED)),
        hours=tuple(HourCount(**row) for row in rows(con, _HOURS.replace("$suspicion", suspicion))),
        mail=_mail(con),
        asked=options_of(con),
        inputs_sha256=_inputs(con),
        manifest_sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
    )


def _prepare(con: duckdb.DuckDBPyConnection, order: Sequence[FindingVerdict]) -> None:
    """Make the temporary tables `claims` (what each rule of findings claims) and `shown` (tokens with a trail)."""
    told = [(rule, str(claim), order.index(claim)) for rule, claim in claims(con).items()]
    con.execute("CREATE TEMP TABLE claims (group_rule VARCHAR, claim VARCHAR, level INTEGER)")
    if told:
        con.executemany("INSERT INTO claims VALUES (?, ?, ?)", told)
    con.execute(_SHOWN, {"level": order.index(FindingVerdict.TAINTED), "many": MAX_TRAILS_OF_FINDING,
                         "few": MAX_EXAMPLES, "all": MAX_TRAILS})


_GROUP = "group_rule, group_issuer, group_client"
# The accused first; of each finding those of its first days.
_SHOWN = f"""CREATE TEMP TABLE shown AS
WITH ranked AS (SELECT tokens.*, claim, level,
    row_number() OVER (PARTITION BY {_GROUP} ORDER BY suspicion DESC, first_seen, token_key) AS place
    FROM tokens JOIN claims USING (group_rule))
SELECT * FROM ranked WHERE place <= CASE WHEN level <= $level THEN $many ELSE $few END
ORDER BY level, first_seen, token_key LIMIT $all"""  # noqa: S608  # our own names
_IN_PART = f"group_rule IN {tuple(map(str, SETS))}"
_INTRUDERS = f"""SELECT claim, {_IN_PART} AS in_part, count(*) AS tokens, sum(acceptances)::BIGINT AS acceptances,
    count(DISTINCT subject) AS subjects, count(DISTINCT ip) AS ips, count(DISTINCT client_id) AS clients,
    min(first_seen) AS first_seen, max(last_seen) AS last_seen
FROM tokens JOIN claims USING (group_rule) GROUP BY claim, level, in_part ORDER BY level, in_part"""  # noqa: S608  # our own names
_REACH = """SELECT coalesce(e.object_kind, '') AS kind, count(DISTINCT e.object_id) AS objects, count(*) AS records
FROM evidence e SEMI JOIN (SELECT a.source, a.record_id FROM acceptances a JOIN tokens USING (token_key)
    JOIN claims USING (group_rule) WHERE level < $suspicion AND a.derived = '') USING (source, record_id)
GROUP BY ALL ORDER BY records DESC, kind"""
_LOGS = f"""SELECT source, kind, leg IN ('{Leg.ISSUANCE}', '{Leg.SECONDARY_ISSUANCE}') AS issuing,
    event_time::DATE AS day, count(*) AS records
FROM evidence WHERE leg <> '{Leg.CONTEXT}' AND event_time IS NOT NULL GROUP BY ALL ORDER BY ALL LIMIT {MAX_DAYS}"""  # noqa: S608  # our own names
_ANSWERED = f"""SELECT a.*, CASE WHEN {_IN_PART} THEN 'open'
    ELSE coalesce(claim, CASE verdict WHEN '{Verdict.MINTED}' THEN 'minted' ELSE 'open' END) END AS answer,
    CASE WHEN NOT {_IN_PART} THEN level END AS level
FROM acceptances a JOIN tokens USING (token_key) LEFT JOIN claims USING (group_rule)"""  # noqa: S608  # our own names
_JUDGED = f"""SELECT source, event_time::DATE AS day, answer, count(*) AS acceptances
FROM ({_ANSWERED}) GROUP BY ALL ORDER BY ALL LIMIT {MAX_DAYS}"""  # noqa: S608  # our own names
_HOURS = f"""WITH told AS (SELECT event_time, level FROM ({_ANSWERED}) WHERE level IS NOT NULL)
SELECT isodow(event_time) AS weekday, hour(event_time) AS hour, count(*) AS acceptances FROM told
WHERE level < $suspicion OR NOT EXISTS (FROM told WHERE level < $suspicion) GROUP BY ALL ORDER BY ALL"""  # noqa: S608  # our own names


def _mail(con: duckdb.DuckDBPyConnection) -> tuple[MailSum, ...]:
    """Return what the tokens of grave findings read, and what with those of suspicions, if there are such."""
    found = set(claims(con).values())
    grave = [claim for claim in FindingVerdict if claim in found & FAIL_ON_DEFAULT]
    every = [claim for claim in FindingVerdict if claim in found]
    return tuple(mail_sum(con, wanted) for wanted in dict.fromkeys((tuple(grave), tuple(every))) if wanted)


def _inputs(con: duckdb.DuckDBPyConnection) -> str:
    found = rows(con, "SELECT DISTINCT sha256 FROM inputs ORDER BY ALL")
    return hashlib.sha256("".join(row["sha256"] + "\n" for row in found).encode()).hexdigest()


def _trails(con: duckdb.DuckDBPyConnection) -> tuple[Trail, ...]:
    """Return the trails of the tokens in `shown`, with their records."""
    parts = {
        "accepted": _by_token(con, _RECORDS.format(found=_ACCEPTED)),
        "issued": _by_token(con, _RECORDS.format(found=_issued(Leg.ISSUANCE))),
        "exchanged": _by_token(con, _RECORDS.format(found=_issued(Leg.SECONDARY_ISSUANCE))),
        "key_uses": _by_token(con, _RECORDS.format(found=_KEY_USES)),
    }
    others = {"parents": _by_token(con, _PARENTS), "children": _by_token(con, _CHILDREN)}
    reached = _by_token(con, _REACHED)
    trails: list[Trail] = []
    for row in rows(con, "SELECT * FROM shown ORDER BY level, first_seen, token_key"):
        key = row["token_key"]
        told: dict[str, Any] = {name: row[name] for name in _OWN}
        told |= {name: tuple(_only(Record, each) for each in found.get(key, ())) for name, found in parts.items()}
        told |= {name: tuple(_relative(each) for each in found.get(key, ())) for name, found in others.items()}
        trails.append(Trail(
            finding=group_id(row),
            claim=FindingVerdict(row["claim"]),
            verdict=Verdict(row["verdict"]),
            subject=row["subject_name"] or row["subject"],
            accepted_records=row["acceptances"],
            reached=tuple(_only(Reached, each) for each in reached.get(key, ())),
            **told,
        ))
    return tuple(trails)


# What a trail takes from its row of `tokens` as it stands.
_OWN = (
    "token_key", "reason", "diagnosis", "derived", "token_id", "issuer", "issued_at", "key_id", "client_id", "resource",
    "ip", "first_seen", "last_seen",
)


def _only(value: type[Any], row: Mapping[str, Any]) -> Any:
    return value(**{field.name: row[field.name] for field in fields(value)})


def _relative(row: Mapping[str, Any]) -> Relative:
    verdict = None if row["verdict"] is None else Verdict(row["verdict"])
    return Relative(row["relative_key"], row["derived"], row["token_id"], verdict, row["subject"])


def _by_token(con: duckdb.DuckDBPyConnection, sql: str) -> ByToken:
    limits = {"$records": MAX_RECORDS, "$reached": MAX_REACHED, "$relatives": MAX_RELATIVES}
    for name, limit in limits.items():
        sql = sql.replace(name, str(limit))
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows(con, sql):
        found.setdefault(row["of_token"], []).append(row)
    return found


# Of each token the first records, chosen where only keys are read; the rest of a record is fetched for those alone.
_RECORDS = """WITH found AS ({found}),
first AS (SELECT * FROM found QUALIFY row_number() OVER (PARTITION BY of_token ORDER BY event_time, record_id)
    <= $records),
names AS (SELECT sha256, min(path) AS path FROM inputs WHERE source <> '' GROUP BY ALL)
SELECT of_token, e.leg, e.event_time, e.source, e.kind, e.operation, e.outcome, e.issuer,
    coalesce(e.subject_name, e.subject_id) AS subject, e.client_id, e.ip, e.user_agent,
    coalesce(e.object_parent, e.object_id) AS object_name, e.access_mode, e.item_count,
    coalesce(path, e.raw_file) AS path, e.raw_position AS position
FROM first JOIN evidence e USING (source, record_id) LEFT JOIN names ON sha256 = e.raw_file
ORDER BY of_token, e.event_time, e.record_id"""
_ACCEPTED = """SELECT DISTINCT token_key AS of_token, source, record_id, event_time
    FROM acceptances SEMI JOIN shown USING (token_key)"""
_KEY_USES = f"""SELECT DISTINCT token_key AS of_token, e.source, e.record_id, e.event_time
    FROM evidence e JOIN shown USING (signing_input_digest) WHERE e.leg = '{Leg.KEY_USE}'"""  # noqa: S608  # our own
_PARENTS = """SELECT DISTINCT shown.token_key AS of_token, t.token_key AS relative_key, t.token_id, t.verdict,
    t.derived, coalesce(t.subject_name, t.subject) AS subject
FROM acceptances a JOIN shown ON a.child_id = shown.token_id JOIN tokens t ON t.token_key = a.token_key
WHERE shown.derived = '' QUALIFY row_number() OVER (PARTITION BY of_token ORDER BY relative_key) <= $relatives"""
_CHILDREN = """SELECT DISTINCT shown.token_key AS of_token, t.token_key AS relative_key, a.child_id AS token_id,
    t.verdict, '' AS derived, coalesce(t.subject_name, t.subject) AS subject
FROM acceptances a JOIN shown USING (token_key) LEFT JOIN tokens t ON t.token_id = a.child_id AND t.derived = ''
WHERE a.child_id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY of_token ORDER BY relative_key, a.child_id) <= $relatives"""
_REACHED = """WITH objects AS (SELECT of_token, coalesce(object_kind, '') AS kind,
    coalesce(object_parent, object_id, '') AS name, count(*) AS records, coalesce(sum(item_count), 0)::BIGINT AS items
    FROM (SELECT DISTINCT token_key AS of_token, source, record_id FROM acceptances SEMI JOIN shown USING (token_key)
        WHERE derived = '')
    JOIN evidence USING (source, record_id) GROUP BY ALL)
SELECT * FROM objects QUALIFY row_number() OVER (PARTITION BY of_token ORDER BY records DESC, kind, name) <= $reached
ORDER BY of_token, records DESC, kind, name"""


def _issued(leg: Leg) -> str:
    return f"""SELECT DISTINCT token_key AS of_token, e.source, e.record_id, e.event_time
    FROM evidence e JOIN shown ON e.token_id = shown.token_id
        AND (shown.signing_input_digest IS NULL OR e.signing_input_digest IS NULL
             OR shown.signing_input_digest = e.signing_input_digest OR shown.verdict = '{Verdict.CONTRADICTED}')
    WHERE e.leg = '{leg}'"""  # noqa: S608  # our own names
