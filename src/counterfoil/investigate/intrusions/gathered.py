"""Gathers what is to be clustered, in the engine: his records, what the estate itself shows, faces and ties.

Makes the temporary tables `in_his` (records of findings' tokens, of key reads, of indicators, each with its face),
`in_faces`, and those of `estate`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import chosen, rows
from counterfoil.investigate.intrusions.clusters import Face, Tie
from counterfoil.investigate.intrusions.estate import gather_estate
from counterfoil.investigate.intrusions.traits import (
    KNOWN,
    LINEAGE_WORTH,
    RECORDS,
    SESSION,
    TOKEN_WORTH,
    TRAITS,
    records_sql,
    worth,
)
from counterfoil.investigate.messages import claims
from counterfoil.investigate.sightings import mark
from counterfoil.model.advice import KEY_TAKEN
from counterfoil.model.indicators import Indicator, IndicatorKind
from counterfoil.model.verdict import FindingVerdict
from counterfoil.reconcile.shapes import KEY

# Faces that are clustered; of more than these, the gravest and earliest.
MAX_FACES = 200_000
MAX_TIES = 1_000_000
_KINDS = [trait.kind for trait in TRAITS]
_VALUES = ", ".join(_KINDS)
_LEVELS = tuple(FindingVerdict)
SUSPICION = _LEVELS.index(FindingVerdict.SUSPICION)
# Where a record came from that is clustered: a token of a finding, a key that was read, an indicator.
BY_FINDING, BY_KEY_READ, BY_INDICATOR = "finding", "key read", "indicator"


def gather(con: duckdb.DuckDBPyConnection, indicators: Iterable[Indicator]) -> None:
    """Make the tables."""
    told = [(rule, _LEVELS.index(claim)) for rule, claim in claims(con).items()]
    give(con, "in_claims", {"group_rule": "string", "level": "int64"}, told)
    con.execute(f"CREATE OR REPLACE TEMP VIEW in_records AS {RECORDS}")
    mark(con, indicators, {IndicatorKind.AGENT: _AGENT})
    con.execute(_TOLD)
    con.execute(_SEEDS)
    con.execute(_HIS.format(records=records_sql(f"({chosen(con, 'in_seeds', KEY)})")))
    con.execute(_FACES)
    gather_estate(con)


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
WITH seen AS MATERIALIZED (SELECT s.*, {', '.join(f'r.{column}' for column in KNOWN)}
    FROM in_seeds s JOIN ({{records}}) r USING (source, record_id) WHERE r.event_time IS NOT NULL),
known AS (SELECT *, row_number() OVER (ORDER BY NOT grave, {_VALUES}, domain) AS face
    FROM (SELECT DISTINCT {', '.join(_OF_FACE)} FROM seen))
SELECT s.*, k.face FROM seen s JOIN known k
    ON {' AND '.join(f's.{column} IS NOT DISTINCT FROM k.{column}' for column in _OF_FACE)}"""  # noqa: S608
# A face's hours are those in which most of it lies: of equals the first.
_FACES = f"""CREATE OR REPLACE TEMP TABLE in_faces AS
SELECT face, {', '.join(f'any_value({kind}) AS {kind}' for kind in _KINDS)}, bool_or(grave) AS grave,
    min(event_time) AS first, max(event_time) AS last, any_value(domain) AS domain FROM in_his GROUP BY face"""  # noqa: S608


def faces(con: duckdb.DuckDBPyConnection) -> list[Face]:
    """Return the faces."""
    chosen = f"SELECT * FROM in_faces ORDER BY NOT grave, first, face LIMIT {MAX_FACES}"  # noqa: S608  # our own
    return [
        Face(row["face"], tuple(row[kind] for kind in _KINDS), row["first"], row["last"], row["grave"])
        for row in rows(con, chosen)
    ]


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
