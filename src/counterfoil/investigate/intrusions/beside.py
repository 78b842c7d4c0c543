"""What lies beside: records of no finding that share so much with one intrusion that they are taken for its own.

Makes the temporary table `in_members` whole, and `in_known`: their records with their traits. A record that fits two
intrusions equally is nobody's, and so is one from a place where the issuer recorded its person.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb

from counterfoil.case.results import chosen, rows
from counterfoil.investigate.intrusions.estate import people_sql
from counterfoil.investigate.intrusions.traits import (
    ACTOR,
    BESIDE,
    KNOWN,
    LEASE_DAYS,
    SESSION,
    SHOWN,
    agent_sql,
    network_sql,
    of_record,
    records_sql,
    worth_sql,
)
from counterfoil.model.schema import Leg
from counterfoil.reconcile.shapes import KEY

# Each round adds what shares traits with those found in the round before.
MAX_ROUNDS = 3
# A trait of at least this worth makes a record worth a look.
STRONG = 0.5
BASIS = "traits"


def add_beside(con: duckdb.DuckDBPyConnection) -> None:
    """Add to `in_members` what lies beside the intrusions that are marked in `in_groups`."""
    con.execute(_KNOWN)
    _learn(con)
    for _ in range(MAX_ROUNDS):
        con.execute(_MEMBER_TRAITS)
        con.execute(_WORTHS)
        con.execute(_SPANS)
        strong = [row["kind"] for row in rows(con, _STRONG_KINDS)]
        if not strong or not _more(con, strong):  # then no record is worth a look
            return
        before = _count(con)
        either = " OR ".join(f"r.{kind} IN ({_strong(kind)})" for kind in strong)
        con.execute(_ADDED.format(strong=either, records=_records(con, "in_places", ("raw_file", "raw_position"))))
        if _count(con) == before:
            return
        _learn(con)


def _learn(con: duckdb.DuckDBPyConnection) -> None:
    """Add to `in_known` what is not among it of the members: evidence is read for it only if there is some."""
    con.execute(_UNKNOWN)
    if rows(con, "SELECT 1 FROM in_unknown LIMIT 1"):
        con.execute(_LEARNED.format(records=_records(con, "in_unknown", KEY)))


def _records(con: duckdb.DuckDBPyConnection, table: str, by: Sequence[str]) -> str:
    return records_sql(f"({chosen(con, table, by)})")


def _count(con: duckdb.DuckDBPyConnection) -> int:
    return int(rows(con, "SELECT count(*) AS n FROM in_members")[0]["n"])


_KINDS = [trait.kind for trait in SHOWN]
# Most members are records that were clustered, whose traits are known.
_COLUMNS = ", ".join(("source", "record_id", *(name for name in KNOWN if name != "token_id")))
_KNOWN = f"CREATE OR REPLACE TEMP TABLE in_known AS SELECT DISTINCT {_COLUMNS} FROM in_his"  # noqa: S608  # our own
_UNKNOWN = """CREATE OR REPLACE TEMP TABLE in_unknown AS SELECT m.source, m.record_id
FROM in_members m ANTI JOIN in_known k ON k.source = m.source AND k.record_id = m.record_id"""
_LEARNED = f"INSERT INTO in_known SELECT {_COLUMNS} FROM ({{records}})"  # noqa: S608  # our own names
_MEMBER_TRAITS = f"""CREATE OR REPLACE TEMP TABLE in_member_traits AS
SELECT DISTINCT m.intrusion, m.basis, {', '.join(f'r.{kind}' for kind in _KINDS)}
FROM in_members m JOIN in_known r USING (source, record_id) SEMI JOIN in_groups g
    ON g.intrusion = m.intrusion AND g.grows"""  # noqa: S608  # our own names
# A session counts where a finding has it: of others it is not known how many people of the estate have it.
_EACH = " UNION ALL ".join(
    f"SELECT DISTINCT intrusion, '{kind}' AS kind, {kind} AS value FROM in_member_traits WHERE {kind} IS NOT NULL"  # noqa: S608
    + (f" AND basis <> '{BASIS}'" if kind == SESSION.kind else "")
    for kind in _KINDS
)
_ASPECT = "CASE kind " + " ".join(f"WHEN '{trait.kind}' THEN '{trait.aspect}'" for trait in SHOWN) + " END"
_WORTHS = f"""CREATE OR REPLACE TEMP TABLE in_worths AS
SELECT intrusion, kind, value, {_ASPECT} AS aspect, ({worth_sql('kind', 'coalesce(people, 0)')})::DOUBLE AS worth
FROM ({_EACH}) LEFT JOIN ({people_sql('in_member_traits')}) USING (kind, value)"""  # noqa: S608  # our own names
_SPANS = f"""CREATE OR REPLACE TEMP TABLE in_spans AS
SELECT intrusion, min(event_time) - INTERVAL {LEASE_DAYS} DAYS AS begins,
    max(event_time) + INTERVAL {LEASE_DAYS} DAYS AS ends FROM in_members GROUP BY intrusion"""  # noqa: S608
_SPAN = """SELECT min(begins)::VARCHAR AS begins, max(ends)::VARCHAR AS ends FROM in_spans
WHERE intrusion IN (SELECT intrusion FROM in_worths)"""
_ENOUGH = f"worth >= {STRONG} AND kind NOT IN ('band', 'key_id')"
_STRONG_KINDS = f"SELECT DISTINCT kind FROM in_worths WHERE {_ENOUGH} ORDER BY kind"  # noqa: S608  # our own names


def _strong(kind: str) -> str:
    return f"SELECT value FROM in_worths WHERE kind = '{kind}' AND {_ENOUGH}"  # noqa: S608  # our own names


def _more(con: duckdb.DuckDBPyConnection, strong: Collection[str]) -> bool:
    """Make `in_places`: where more records lie that show a strong trait than are known to be an intrusion's.

    Each trait is looked for in the columns that it needs, addresses and networks in one; of what is found, its place.
    What is from another time than every intrusion is none of one.
    """
    (span,) = rows(con, _SPAN)
    when = f"event_time BETWEEN TIMESTAMP '{span['begins']}' AND TIMESTAMP '{span['ends']}'"
    shown = {kind: (_OF_AGENTS if kind == "agent" else [f"{of_record(kind)} IN ({_strong(kind)})"],
                    f"{kind} IN ({_strong(kind)})") for kind in strong if kind not in _ADDRESSED}
    if "agent" in strong:
        con.execute(_AGENTS.format(when=when))
    if _ADDRESSED & set(strong):
        con.execute(_ADDRESSES.format(inside=_INSIDE.format(when=when) if "network" in strong else ""))
        shown["ip"] = (["e.ip IN (FROM in_addresses)"], "ip IN (FROM in_addresses)")
    each = [_FOUND.format(kind=kind, when=when, shows=shows) for kind, (either, _) in shown.items() for shows in either]
    each += [_OF_KNOWN.format(kind=kind, when=when, known=known) for kind, (_, known) in shown.items()]
    con.execute(_PLACES.format(both=" UNION ALL ".join(each)))
    return bool(rows(con, "SELECT 1 FROM in_places LIMIT 1"))


_ADDRESSED = frozenset({"ip", "network"})
# Agents are worked out of each pair of texts once. A sign-in has one text, and no more of it is read.
_SIGN_INS, _OTHERS = f"e.leg = '{Leg.ISSUANCE}'", f"e.leg NOT IN ('{Leg.ISSUANCE}', '{Leg.KEY_USE}')"
_AGENTS = f"""CREATE OR REPLACE TEMP TABLE in_agents AS
SELECT coalesce(user_agent, '') AS user_agent, coalesce(actor, '') AS actor
FROM (SELECT DISTINCT e.user_agent, {ACTOR} AS actor FROM evidence e WHERE {_OTHERS} AND e.{{when}})
WHERE {agent_sql('actor', 'user_agent')} IN ({_strong('agent')})"""  # noqa: S608  # our own names
_SAID = f"(coalesce(e.user_agent, ''), coalesce({ACTOR}, ''))"
_OF_AGENTS = [
    f"{_SIGN_INS} AND e.user_agent IN ({_strong('agent')})",
    f"{_OTHERS} AND {_SAID} IN (SELECT (user_agent, actor) FROM in_agents)",  # noqa: S608  # our own names
]
# Networks are worked out of each address once.
_INSIDE = f""" UNION SELECT ip FROM (SELECT DISTINCT ip FROM evidence WHERE ip IS NOT NULL AND {{when}})
    WHERE {network_sql('ip')} IN ({_strong('network')})"""  # noqa: S608  # our own names
_ADDRESSES = f"CREATE OR REPLACE TEMP TABLE in_addresses AS {_strong('ip')}{{inside}}"
_FOUND = f"""SELECT '{{kind}}' AS kind, e.raw_file, e.raw_position, 1 AS more FROM evidence e
    WHERE e.leg <> '{Leg.KEY_USE}' AND e.{{when}} AND {{shows}}"""  # noqa: S608  # our own names
_OF_KNOWN = f"""SELECT '{{kind}}', raw_file, raw_position, -1
    FROM in_known SEMI JOIN in_members USING (source, record_id)
    WHERE leg <> '{Leg.KEY_USE}' AND {{when}} AND {{known}}"""  # noqa: S608  # our own names
_PLACES = """CREATE OR REPLACE TEMP TABLE in_places AS SELECT DISTINCT raw_file, raw_position FROM ({both})
GROUP BY kind, raw_file, raw_position HAVING sum(more) > 0"""


_HITS = " UNION ALL ".join(
    f"SELECT n.source, n.record_id, w.intrusion, w.aspect, w.kind, w.worth FROM near n"  # noqa: S608
    f" JOIN in_worths w ON w.kind = '{kind}' AND w.value = n.{kind}"
    " JOIN in_spans s ON s.intrusion = w.intrusion AND n.event_time BETWEEN s.begins AND s.ends"
    for kind in _KINDS
)
_ADDED = f"""INSERT INTO in_members
WITH near AS (SELECT r.* FROM ({{records}}) r
    ANTI JOIN in_members m ON m.source = r.source AND m.record_id = r.record_id
    WHERE r.leg <> '{Leg.KEY_USE}' AND ({{strong}})
    AND NOT coalesce((r.person, r.place) IN (SELECT (person, place) FROM in_home), false)),
best AS (SELECT source, record_id, intrusion, aspect, arg_max(kind, worth) AS kind, max(worth) AS worth
    FROM ({_HITS}) GROUP BY ALL),
summed AS (SELECT source, record_id, intrusion, sum(worth) AS score,
    string_agg(kind, ' ' ORDER BY worth DESC, kind) AS why FROM best GROUP BY ALL HAVING score >= {BESIDE} - 1e-9),
first AS (SELECT * FROM summed
    QUALIFY rank() OVER (PARTITION BY source, record_id ORDER BY score DESC) = 1),
alone AS (SELECT * FROM first QUALIFY count(*) OVER (PARTITION BY source, record_id) = 1)
SELECT a.intrusion, a.source, a.record_id, NULL AS token_key, n.event_time, '{BASIS}' AS basis, a.why, NULL AS level
FROM alone a JOIN near n USING (source, record_id)"""  # noqa: S608  # our own names
