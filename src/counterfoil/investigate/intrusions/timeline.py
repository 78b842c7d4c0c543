"""Reads the timeline of one intrusion from the case: see `model.timeline`. Needs the tables of `story.one`.

Beside the intrusion's own records stand those of the same time that may belong to it: by the same address, by an actor
of it, or, around the reading of a key, by time alone. They are marked, and nobody is accused by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.investigate.intrusions.gathered import BY_KEY_READ
from counterfoil.investigate.log_findings import WAYS
from counterfoil.model.attack import OF_OPERATION
from counterfoil.model.first_party import name as client_name
from counterfoil.model.persistence import HOLDS
from counterfoil.model.reason import Reason
from counterfoil.model.schema import Leg, Outcome
from counterfoil.model.timeline import MAX_LINES, Basis, Line
from counterfoil.model.verdict import Verdict

# How long before and after the intrusion a record that may belong to it is told.
AROUND_HOURS, READ_MINUTES = 24, 30
# Records alike are one line if the next comes within so many minutes.
JOIN_MINUTES = 60
MAX_RECORDS = 200_000

NO_ISSUANCE = "no issuance of this token, though all of its kind are in evidence"
ISSUANCE_UNKNOWN = "no issuance of this token: sign-in logs were not exported, or not declared complete"
NO_SIGN_IN = "no sign-in behind the exchange that gave out this token"
NO_ID = "the record carries no token id (not logged at that date, or left out by the export)"
NO_KEY_USE = "no log of the key's uses (custody) is in evidence"
NOT_LOGGED = "what followed for 24 hours: the log was throttled"
NO_ADDRESS = "the record carries no address"


def timeline(con: duckdb.DuckDBPyConnection) -> tuple[tuple[Line, ...], int]:
    """Return the lines in time, and how many were left out."""
    custody = bool(rows(con, f"SELECT 1 FROM evidence WHERE leg = '{Leg.KEY_USE}' LIMIT 1"))  # noqa: S608
    lines = _joined(_line(row, custody=custody) for row in rows(con, _RECORDS))
    return tuple(lines[:MAX_LINES]), len(lines[MAX_LINES:])


def telling(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `in_telling`: operations that are told of an actor though nothing else joins them."""
    give(con, "in_telling", {"operation": "string"}, [[name] for name in dict.fromkeys([*HOLDS, *OF_OPERATION])])


_OWN_BASIS = f"""CASE WHEN basis = '{BY_KEY_READ}' THEN '{Basis.KEY_READ}'
    WHEN digest IS NOT NULL AND digest = token_digest THEN '{Basis.DIGEST}'
    WHEN token_id IS NOT NULL AND token_id = of_token THEN '{Basis.TOKEN_ID}'
    WHEN session_id IN (SELECT session_id FROM in_one WHERE token_id IS NOT NULL) THEN '{Basis.SESSION}'
    WHEN basis = 'traits' THEN '{Basis.TRAITS}'
    WHEN (person, ip) IN (SELECT (person, ip) FROM in_one WHERE token_id IS NOT NULL) THEN '{Basis.ACTOR_AND_ADDRESS}'
    WHEN basis IN ('finding', 'indicator') AND ip IS NOT NULL AND person IS NOT NULL THEN '{Basis.ACTOR_AND_ADDRESS}'
    WHEN ip IS NOT NULL THEN '{Basis.ADDRESS}' WHEN person IS NOT NULL THEN '{Basis.ACTOR}' ELSE '{Basis.TIME}' END"""  # noqa: S608  # our own names
_COLUMNS = """event_time, operation, outcome, shown, ip, client_id, object_kind, coalesce(object_parent, object_id) AS
    reached, token_id, verdict, reason, throttled, item_count, source, path, position, leg"""
_RECORD = f"SELECT {_COLUMNS}, {_OWN_BASIS} AS basis FROM in_one"  # noqa: S608  # our own names
_BESIDE = f"SELECT {_COLUMNS}, basis FROM in_beside"  # noqa: S608  # our own names
_NEAR = f"""CASE WHEN his_person AND his_ip THEN '{Basis.ACTOR_AND_ADDRESS}' WHEN his_ip THEN '{Basis.ADDRESS}'
    WHEN his_person THEN '{Basis.ACTOR}' ELSE '{Basis.TIME}' END"""
_RECORDS = f"""SELECT * FROM ({_RECORD} UNION ALL {_BESIDE})
ORDER BY event_time, source, path, position LIMIT {MAX_RECORDS}"""  # noqa: S608  # our own names
# Made by `story.one`: what happened around the intrusion and is none of it. An address from which the issuer recorded
# anybody else joins nothing.
BESIDE = f"""CREATE OR REPLACE TEMP TABLE in_beside AS
WITH span AS (SELECT min(event_time) AS first, max(event_time) AS last,
    min(event_time) FILTER (basis = '{BY_KEY_READ}') AS read, max(event_time) FILTER (basis = '{BY_KEY_READ}') AS reread
    FROM in_one),
own AS (SELECT DISTINCT a.ip FROM in_all a ANTI JOIN in_one o ON o.source = a.source AND o.record_id = a.record_id
    WHERE a.leg = '{Leg.ISSUANCE}' AND a.outcome = '{Outcome.SUCCESS}' AND a.ip IS NOT NULL),
ips AS (SELECT DISTINCT ip FROM in_one WHERE ip IS NOT NULL AND ip NOT IN (FROM own)),
near AS (SELECT a.*, coalesce(a.ip IN (FROM ips), false) AS his_ip,
    coalesce(a.person IN (SELECT person FROM in_one), false) AS his_person,
    coalesce(a.leg = '{Leg.CONTEXT}' AND a.event_time BETWEEN read - INTERVAL {READ_MINUTES} MINUTES
        AND reread + INTERVAL {READ_MINUTES} MINUTES, false) AS near_read
    FROM in_all a, span WHERE a.leg IN ('{Leg.CONTEXT}', '{Leg.ACCEPTANCE}')
    AND a.event_time BETWEEN first - INTERVAL {AROUND_HOURS} HOURS AND last + INTERVAL {AROUND_HOURS} HOURS)
SELECT n.*, {_NEAR} AS basis FROM near n ANTI JOIN in_one o ON o.source = n.source AND o.record_id = n.record_id
WHERE his_ip OR near_read OR (his_person AND n.leg = '{Leg.CONTEXT}'
    AND rtrim(lower(n.operation), '.') IN (SELECT operation FROM in_telling))"""  # noqa: S608  # our own names


def _line(row: Mapping[str, Any], *, custody: bool) -> Line:
    client = row["client_id"]
    return Line(
        time=row["event_time"], until=row["event_time"], what=_what(row),
        outcome="" if row["outcome"] == Outcome.SUCCESS else row["outcome"], who=row["shown"] or "",
        where=row["ip"] or "", by=(client_name(client) or client) if client else "",
        reached=row["reached"] or "", records=1, basis=Basis(row["basis"]),
        absent=tuple(_absent(row, custody=custody)), source=row["source"], path=row["path"], position=row["position"],
    )


def _what(row: Mapping[str, Any]) -> str:
    """Return the operation; of who read a farm's key, what was read."""
    known = row["basis"] == Basis.KEY_READ and row["operation"] in WAYS
    return f"read {WAYS[row['operation']]}" if known else str(row["operation"])


def _absent(row: Mapping[str, Any], *, custody: bool) -> Iterable[str]:
    """Yield what is not in evidence for a record of the intrusion, where it was let in with a token."""
    if row["leg"] in (Leg.ACCEPTANCE, Leg.SECONDARY_ISSUANCE) and row["reason"] == Reason.UNROOTED:
        yield NO_SIGN_IN
    if row["leg"] == Leg.ACCEPTANCE:
        if row["token_id"] is None:
            yield NO_ID
        elif row["verdict"] == Verdict.FORGED:
            yield NO_ISSUANCE
        elif row["verdict"] in (Verdict.UNCOVERED, Verdict.UNLINKABLE):
            yield ISSUANCE_UNKNOWN
        if row["verdict"] in (Verdict.FORGED, Verdict.CONTRADICTED) and not custody:
            yield NO_KEY_USE
        if row["ip"] is None:
            yield NO_ADDRESS
    if row["throttled"]:
        yield NOT_LOGGED


def _joined(lines: Iterable[Line]) -> list[Line]:
    """Return the lines, those alike that follow each other within the hour as one."""
    found: list[Line] = []
    last: dict[tuple[object, ...], int] = {}
    for line in lines:
        key = (line.what, line.outcome, line.who, line.where, line.by, line.reached, line.basis, line.absent)
        place = last.get(key)
        if place is not None and (line.time - found[place].until).total_seconds() <= JOIN_MINUTES * 60:
            found[place] = replace(found[place], until=line.time, records=found[place].records + 1)
            continue
        last[key] = len(found)
        found.append(line)
    return found
