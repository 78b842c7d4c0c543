"""Gathers what is to be clustered, in the engine: his records, what the estate itself shows, faces and ties.

Makes the temporary tables `in_his` (records of findings' tokens, of key reads, of indicators, each with its face),
`in_own` (what is people's own), `in_home` (where the issuer recorded whom), `in_sessions` and `in_faces`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.investigate.intrusions.clusters import Face, Tie
from counterfoil.investigate.intrusions.traits import (
    LINEAGE_WORTH,
    RECORDS,
    SESSION,
    SHOWN,
    TOKEN_WORTH,
    TRAITS,
    few,
    network_sql,
    place_sql,
    worth,
)
from counterfoil.investigate.messages import claims
from counterfoil.investigate.sightings import mark
from counterfoil.model.advice import KEY_TAKEN
from counterfoil.model.indicators import Indicator, IndicatorKind
from counterfoil.model.schema import Leg, Outcome
from counterfoil.model.verdict import FindingVerdict

# Faces that are clustered; of more than these, the gravest and earliest.
MAX_FACES = 200_000
MAX_TIES = 1_000_000
_KINDS = [trait.kind for trait in TRAITS]
_VALUES = ", ".join(_KINDS)
_COMMON = [trait.kind for trait in SHOWN if trait is not SESSION]  # of the estate, too
_OF_ESTATE = [kind for kind in _COMMON if kind != "network"]  # which follows from the address
_LEVELS = tuple(FindingVerdict)
SUSPICION = _LEVELS.index(FindingVerdict.SUSPICION)
# Where a record came from that is clustered: a token of a finding, a key that was read, an indicator.
BY_FINDING, BY_KEY_READ, BY_INDICATOR = "finding", "key read", "indicator"


def gather(con: duckdb.DuckDBPyConnection, indicators: Iterable[Indicator]) -> int:
    """Make the tables; return how many faces were left out."""
    told = [(rule, _LEVELS.index(claim)) for rule, claim in claims(con).items()]
    give(con, "in_claims", {"group_rule": "string", "level": "int64"}, told)
    con.execute(f"CREATE OR REPLACE TEMP VIEW in_records AS {RECORDS}")
    mark(con, indicators, {IndicatorKind.AGENT: _AGENT})
    for query in (_TOLD, _SEEDS, _HIS, _FACES):
        con.execute(query)
    # where nobody is suspected, what is people's own is compared with nothing, and no evidence is read for it
    most = "" if rows(con, "SELECT 1 FROM in_faces LIMIT 1") else " LIMIT 0"
    for query in (_ESTATE, _HOME, _OWN):
        con.execute(query + most)
    con.execute("DROP TABLE in_estate")
    named = rows(con, "SELECT 1 FROM in_his WHERE session_id IS NOT NULL LIMIT 1")
    con.execute(_OF_SESSIONS + ("" if named else " LIMIT 0"))
    return int(rows(con, f"SELECT greatest(count(*) - {MAX_FACES}, 0) AS n FROM in_faces")[0]["n"])  # noqa: S608


# The agent behind a program of Exchange's own is a trait, and in no column of evidence.
_AGENT = f"""SELECT r.source, r.record_id FROM indicators i JOIN in_records r ON r.agent = i.match
    AND r.event_time >= i.first AND r.event_time < i.last WHERE i.kind = '{IndicatorKind.AGENT}'"""  # noqa: S608


def claim_levels(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return what the findings of each rule claim, by the rules that occur."""
    return [(rule, str(claim)) for rule, claim in claims(con).items()]


# Of what nobody suspects, no finding tells: by far the most tokens are not looked at.
_TOLD = """CREATE OR REPLACE TEMP TABLE in_told AS
SELECT token_key, level, group_rule, group_issuer, group_client, diagnosis FROM tokens JOIN in_claims USING (group_rule)
WHERE group_rule IS NOT NULL"""
_USED = f"""SELECT a.source, a.record_id, t.token_key, t.level, t.group_rule, t.group_issuer, t.group_client,
    t.diagnosis, '{BY_FINDING}' AS found_by, NULL::VARCHAR AS domain
FROM (SELECT DISTINCT source, record_id, token_key FROM acceptances SEMI JOIN in_told USING (token_key)) a
JOIN in_told t USING (token_key)"""  # noqa: S608  # our own names
# Who read a farm's key left records that carry no token. Hosts of one domain are one farm's.
_READ = f"""SELECT e.source, e.record_id, NULL AS token_key, {_LEVELS.index(KEY_TAKEN.claim.verdict)} AS level,
    f.rule AS group_rule, NULL AS group_issuer, NULL AS group_client, NULL AS diagnosis, '{BY_KEY_READ}' AS found_by,
    nullif(regexp_replace(lower(e.kind), '^[^.]*[.]?', ''), '') AS domain
FROM (SELECT rule, unnest(evidence) AS place FROM findings WHERE rule = '{KEY_TAKEN}') f
JOIN inputs i ON starts_with(f.place, i.path || ':') AND i.source <> ''
JOIN evidence e ON e.raw_file = i.sha256 AND e.raw_position::VARCHAR = f.place[length(i.path) + 2:]"""  # noqa: S608
_INDICATED = f"""SELECT source, record_id, NULL AS token_key, NULL AS level, NULL AS group_rule, NULL AS group_issuer,
    NULL AS group_client, NULL AS diagnosis, '{BY_INDICATOR}' AS found_by, NULL AS domain FROM in_indicated"""  # noqa: S608
# A table of their own, and no condition on evidence beside it: the engine then reads of evidence what these name.
_SEEDS = f"""CREATE OR REPLACE TEMP TABLE in_seeds AS
SELECT *, coalesce(min(level) OVER record < {SUSPICION}, false)
    OR bool_or(found_by = '{BY_INDICATOR}') OVER record AS grave
FROM ({_USED} UNION ALL {_READ} UNION ALL {_INDICATED}) WINDOW record AS (PARTITION BY source, record_id)"""  # noqa: S608
# Faces are few beside records: they are numbered alone, and the records look theirs up.
_OF_FACE = ("grave", *_KINDS, "domain")
_HIS = f"""CREATE OR REPLACE TEMP TABLE in_his AS
WITH seen AS MATERIALIZED (SELECT s.*, r.* EXCLUDE (source, record_id)
    FROM in_seeds s JOIN {few('in_seeds')} r USING (source, record_id) WHERE r.event_time IS NOT NULL),
known AS (SELECT *, row_number() OVER (ORDER BY NOT grave, {_VALUES}, domain) AS face
    FROM (SELECT DISTINCT {', '.join(_OF_FACE)} FROM seen))
SELECT s.*, k.face FROM seen s JOIN known k
    ON {' AND '.join(f's.{column} IS NOT DISTINCT FROM k.{column}' for column in _OF_FACE)}"""  # noqa: S608
# A face's hours are those in which most of it lies: of equals the first.
_FACES = f"""CREATE OR REPLACE TEMP TABLE in_faces AS
SELECT face, {', '.join(f'any_value({kind}) AS {kind}' for kind in _KINDS)}, bool_or(grave) AS grave,
    min(event_time) AS first, max(event_time) AS last, any_value(domain) AS domain FROM in_his GROUP BY face"""  # noqa: S608
# What no finding tells of, nor was issued for its tokens. Nothing is left out by a value here: the engine works out
# traits once for a value that many records share, but for each record where a filter chose them.
_OTHERS = """in_records r ANTI JOIN in_his h ON h.source = r.source AND h.record_id = r.record_id
    WHERE r.token_id IS NULL OR r.token_id NOT IN (SELECT token_id FROM in_his WHERE token_id IS NOT NULL)"""
_GOOD = f"outcome IN ('{Outcome.SUCCESS}', '{Outcome.DENIED}') AND person IS NOT NULL"
_ESTATE = f"""CREATE OR REPLACE TEMP TABLE in_estate AS
SELECT DISTINCT leg = '{Leg.ISSUANCE}' AS issued, person, {', '.join(_OF_ESTATE)} FROM {_OTHERS}
    AND outcome IN ('{Outcome.SUCCESS}', '{Outcome.DENIED}') AND person IS NOT NULL
    AND leg IN ('{Leg.ISSUANCE}', '{Leg.ACCEPTANCE}', '{Leg.CONTEXT}')"""  # noqa: S608
_PLACED = f"(SELECT *, {network_sql('ip')} AS network, {place_sql('ip')} AS place FROM in_estate)"  # noqa: S608
# Places where the issuer recorded a person.
_HOME = f"""CREATE OR REPLACE TEMP TABLE in_home AS SELECT DISTINCT person, place FROM {_PLACED}
    WHERE issued AND place IS NOT NULL"""  # noqa: S608
# What is a person's own: what the issuer recorded, and what came from a place where it did; of those of whom no
# sign-in is in evidence, everything that no finding tells of.
_OWN = f"""CREATE OR REPLACE TEMP TABLE in_own AS SELECT person, {', '.join(_COMMON)} FROM {_PLACED}
    WHERE issued OR (person, place) IN (SELECT (person, place) FROM in_home)
        OR person NOT IN (SELECT person FROM in_home)"""  # noqa: S608
_OF_SESSIONS = f"""CREATE OR REPLACE TEMP TABLE in_sessions AS
    SELECT '{SESSION.kind}' AS kind, session_id AS value, count(DISTINCT person) AS people
    FROM (SELECT r.* FROM {_OTHERS}) WHERE outcome IN ('{Outcome.SUCCESS}', '{Outcome.DENIED}') AND person IS NOT NULL
    AND session_id IN (SELECT session_id FROM in_his) AND leg = '{Leg.ISSUANCE}' GROUP BY ALL"""  # noqa: S608


def people_sql(table: str) -> str:
    """Return (kind, value, people) as SQL: how many people of the estate show the traits that a table has as columns.

    What nobody shows is left out. Of sessions, those that a finding has are told of.
    """
    return " UNION ALL ".join([
        f"SELECT '{kind}' AS kind, {kind} AS value, count(DISTINCT person) AS people FROM in_own"  # noqa: S608
        f" WHERE {kind} IN (SELECT {kind} FROM {table}) GROUP BY {kind}" for kind in _COMMON
    ] + ["SELECT * FROM in_sessions"])

def faces(con: duckdb.DuckDBPyConnection) -> list[Face]:
    """Return the faces."""
    chosen = f"SELECT * FROM in_faces ORDER BY NOT grave, first, face LIMIT {MAX_FACES}"  # noqa: S608  # our own
    return [
        Face(row["face"], tuple(row[kind] for kind in _KINDS), row["first"], row["last"], row["grave"])
        for row in rows(con, chosen)
    ]


def people(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Return how many people of the estate show each trait of the faces; what nobody shows is left out."""
    return {(row["kind"], row["value"]): row["people"] for row in rows(con, people_sql("in_faces"))}


def ties(con: duckdb.DuckDBPyConnection, known: Iterable[Face]) -> list[Tie]:
    """Return what faces share beyond their traits: tokens, sessions, lineage, a farm whose key was read."""
    ids = {face.id for face in known}
    found: list[Tie] = []
    for kind, query, value in (
        ("token", _TOKENS, TOKEN_WORTH), ("session", _SESSIONS, None), ("lineage", _LINEAGE, LINEAGE_WORTH),
        ("farm", _FARMS, TOKEN_WORTH),
    ):
        # one of those that tie the same faces is reason enough
        once = f"SELECT faces, min(value) AS value, people FROM ({query}) GROUP BY faces, people"  # noqa: S608
        for row in rows(con, f"{once} ORDER BY ALL LIMIT {MAX_TIES}"):
            members = tuple(face for face in row["faces"] if face in ids)
            strength = worth(SESSION.kind, row["people"]) if value is None else value
            found += [Tie(kind, row["value"] or "", strength, members)] if len(members) > 1 else []
    return found


_TOKENS = """SELECT list(face ORDER BY face) AS faces, min(value) AS value, 0 AS people
FROM (SELECT token_key, face, min(token_id) AS value FROM in_his WHERE token_key IS NOT NULL GROUP BY ALL)
GROUP BY token_key HAVING count(*) > 1"""
_SESSIONS = """SELECT faces, session_id AS value, coalesce(people, 0) AS people
FROM (SELECT session_id, list(face ORDER BY face) AS faces
    FROM (SELECT DISTINCT session_id, face FROM in_his WHERE session_id IS NOT NULL)
    GROUP BY session_id HAVING count(*) > 1)
LEFT JOIN in_sessions s ON s.value = session_id"""
_LINEAGE = """SELECT DISTINCT [p.face, c.face] AS faces, c.token_id AS value, 0 AS people
FROM in_his p JOIN acceptances a ON a.source = p.source AND a.record_id = p.record_id AND a.token_key = p.token_key
JOIN in_his c ON c.token_id = a.child_id WHERE a.child_id IS NOT NULL AND p.face <> c.face"""
_FARMS = """SELECT list_sort(list(DISTINCT face)) AS faces, domain AS value, 0 AS people FROM in_his
WHERE domain IS NOT NULL GROUP BY domain HAVING count(DISTINCT face) > 1"""


def domains(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return, of each face, whose domain's key was read in it, or of which domains the people are, and by what.

    `assertions`: among its tokens are federated sign-ins.
    """
    return rows(con, """SELECT face, any_value(h.domain) AS stolen, any_value(level) AS level,
        list_sort(list(DISTINCT split_part(t.subject_name, '@', 2)) FILTER (contains(t.subject_name, '@'))) AS domains,
        coalesce(bool_or(t.derived = 'assertion'), false) AS assertions
    FROM in_his h LEFT JOIN tokens t USING (token_key) GROUP BY face ORDER BY face""")


def spans(con: duckdb.DuckDBPyConnection) -> Sequence[datetime]:
    """Return the first and last time of his records; nothing if there are none."""
    (row,) = rows(con, "SELECT min(event_time) AS first, max(event_time) AS last FROM in_his")
    return [] if row["first"] is None else [row["first"], row["last"]]
