"""What the estate itself shows: where issuers recorded whom, and what of traits is people's own.

Makes the temporary tables `in_home` (person, place: where the issuer recorded whom), `in_own` (person, and traits of
what is that person's own), `in_networks` (ip, network: of the addresses in it) and `in_sessions`. What findings tell of
(`in_his`) is nobody's own, and neither is what was issued for its tokens.
"""

from __future__ import annotations

import duckdb

from counterfoil.case.results import rows
from counterfoil.investigate.intrusions.traits import (
    ACTOR,
    BAND_HOURS,
    PERSON,
    PROVEN,
    SESSION,
    SHOWN,
    agent_sql,
    network_sql,
    place_sql,
)
from counterfoil.model.schema import Leg, Outcome


def gather_estate(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables, beside `in_his`. Where nobody is suspected they are empty, and no evidence is read for them."""
    most = "" if rows(con, "SELECT 1 FROM in_his LIMIT 1") else " LIMIT 0"
    bare = {row["leg"] for row in rows(con, "SELECT DISTINCT leg FROM in_his WHERE token_id IS NULL")}
    con.execute(_SIGNED.format(others=_others({Leg.ISSUANCE} & bare)) + most)
    con.execute(_HOME)
    con.execute(_OWN.format(others=_others({Leg.ACCEPTANCE, Leg.CONTEXT} & bare), most=most))
    con.execute("DROP TABLE in_signed")
    con.execute(_NETWORKS)
    con.execute(_OF_SESSIONS + ("" if rows(con, f"SELECT 1 FROM {_SIGNED_IN} LIMIT 1") else " LIMIT 0"))  # noqa: S608


def people(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """Return how many people of the estate show each trait of the faces; what nobody shows is left out."""
    return {(row["kind"], row["value"]): row["people"] for row in rows(con, people_sql("in_faces"))}


def people_sql(table: str) -> str:
    """Return (kind, value, people) as SQL: how many people of the estate show the traits that a table has as columns.

    What nobody shows is left out. Of sessions, those that a finding has are told of.
    """
    counted = " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, {kind} AS value, count(DISTINCT person) AS people FROM {_FROM.get(kind, 'in_own')}"  # noqa: S608
        f" WHERE {kind} IN (SELECT {kind} FROM {table}) GROUP BY {kind}" for kind in _KINDS
    )
    return f"{counted} UNION ALL FROM in_sessions"


_KINDS = [trait.kind for trait in SHOWN if trait is not SESSION]
_BITS = ", ".join(f"('{band}', {1 << band})" for band in range(24 // BAND_HOURS))
# What is no column of `in_own`.
_FROM = {
    "network": "in_own JOIN in_networks USING (ip)",
    "band": f"in_own JOIN (VALUES {_BITS}) of_day(band, bit) ON bands & bit <> 0",
}
_BARE = f"""e.outcome IN ('{Outcome.SUCCESS}', '{Outcome.DENIED}')
    AND (e.subject_id IS NOT NULL OR e.subject_name IS NOT NULL)"""


def _others(bare: set[Leg]) -> str:
    """Return the condition that a record `e` is of no finding, nor of its tokens.

    `bare`: legs in which findings have records without a token id. Ids of records are read of these alone.
    """
    nameless = "(e.source, e.record_id) NOT IN (SELECT (source, record_id) FROM in_his WHERE token_id IS NULL)"
    named = "e.token_id NOT IN (SELECT token_id FROM in_his WHERE token_id IS NOT NULL)"
    return f"CASE WHEN e.token_id IS NULL THEN {nameless if bare else 'true'} ELSE {named} END"


# A bit for each band of the day: which of them a person shows is told by one number.
_BAND = f"(1 << (hour(e.event_time) // {BAND_HOURS}))::UTINYINT"
# What the issuer recorded: from where, and with what. Two groupings, for together they are nearly as many as records.
_SIGNED = f"""CREATE OR REPLACE TEMP TABLE in_signed AS
SELECT subject_id, subject_name, ip, agent, device_id, key_id, bit_or(band) AS bands
FROM (SELECT e.subject_id, CASE WHEN e.subject_id IS NULL THEN e.subject_name END AS subject_name, e.ip,
        e.user_agent AS agent, e.device_id, e.key_id, {_BAND} AS band
    FROM evidence e WHERE e.leg = '{Leg.ISSUANCE}' AND {_BARE} AND {{others}})
GROUP BY GROUPING SETS ((subject_id, subject_name, ip), (subject_id, subject_name, agent, device_id, key_id))"""  # noqa: S608  # our own names
_HOME = f"""CREATE OR REPLACE TEMP TABLE in_home AS
SELECT DISTINCT {PERSON} AS person, place FROM in_signed e {PROVEN}
JOIN (SELECT ip, {place_sql('ip')} AS place FROM (SELECT DISTINCT ip FROM in_signed)) USING (ip)"""  # noqa: S608
# Uses, once for each way in which they were made: what is worked out of a record is worked out of these.
_USED = f"""SELECT e.subject_id, CASE WHEN e.subject_id IS NULL THEN e.subject_name END AS subject_name, e.ip,
        e.user_agent, {ACTOR} AS actor, CASE WHEN e.leg = '{Leg.ACCEPTANCE}' THEN e.client_id END AS client_id,
        CASE WHEN e.leg = '{Leg.ACCEPTANCE}' THEN e.object_kind END AS object_kind, e.device_id, e.key_id,
        bit_or({_BAND}) AS bands
    FROM evidence e WHERE e.leg IN ('{Leg.ACCEPTANCE}', '{Leg.CONTEXT}') AND {_BARE} AND {{others}} GROUP BY ALL"""  # noqa: S608
# What is a person's own: what the issuer recorded, and what came from a place where it did; of those of whom no sign-in
# is in evidence, everything that no finding tells of. An IPv4 address at home is known from there already.
_OWN = f"""CREATE OR REPLACE TEMP TABLE in_own AS
SELECT {PERSON} AS person, ip, agent, NULL::VARCHAR AS app, device_id, key_id,
    CASE WHEN ip IS NULL THEN bands END AS bands FROM in_signed e {PROVEN}
UNION ALL (SELECT person, CASE WHEN NOT known OR contains(ip, ':') THEN ip END AS ip, agent,
    client_id || ' for ' || coalesce(object_kind, 'anything') AS app, device_id, key_id, bit_or(bands) AS bands
FROM (SELECT *, person IN (SELECT person FROM in_home) AS known
    FROM (SELECT {PERSON} AS person, ip, {place_sql('ip')} AS place, {agent_sql('actor', 'user_agent')} AS agent,
            client_id, object_kind, device_id, key_id, bands
        FROM ({_USED}) e {PROVEN}))
WHERE NOT known OR (person, place) IN (SELECT (person, place) FROM in_home)
GROUP BY person, 2, agent, client_id, object_kind, device_id, key_id{{most}})"""  # noqa: S608
_NETWORKS = f"""CREATE OR REPLACE TEMP TABLE in_networks AS
SELECT ip, {network_sql('ip')} AS network FROM (SELECT DISTINCT ip FROM in_own WHERE ip IS NOT NULL)"""  # noqa: S608
# Sign-ins of the sessions of findings: whether there are any is soon told, for then one column is read.
_SIGNED_IN = f"""evidence e SEMI JOIN in_his h ON h.session_id = e.session_id AND e.leg = '{Leg.ISSUANCE}'"""
_OF_SESSIONS = f"""CREATE OR REPLACE TEMP TABLE in_sessions AS
WITH signed AS MATERIALIZED (SELECT e.source, e.record_id, e.token_id, e.subject_id, e.subject_name, e.session_id
    FROM {_SIGNED_IN} WHERE {_BARE})
SELECT '{SESSION.kind}' AS kind, session_id AS value, count(DISTINCT {PERSON}) AS people
FROM signed e {PROVEN} ANTI JOIN in_his h ON h.source = e.source AND h.record_id = e.record_id
WHERE e.token_id IS NULL OR e.token_id NOT IN (SELECT token_id FROM in_his WHERE token_id IS NOT NULL)
GROUP BY session_id"""  # noqa: S608  # our own names
