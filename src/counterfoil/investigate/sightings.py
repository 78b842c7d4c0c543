"""Indicators in the evidence of a case: which were seen, each within its time only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.model.indicators import Indicator, IndicatorKind


@dataclass(frozen=True)
class Sighting:
    """An indicator that is in evidence. `subjects`: how many accounts; `evidence`: `file:position` of the first."""

    kind: IndicatorKind
    value: str
    name: str
    origin: str
    records: int
    subjects: int
    first_seen: datetime
    last_seen: datetime
    evidence: str


# Which column holds it, and by which time it counts: a key by when the token says that it was issued. A token that was
# issued long before is somebody's sample.
_COLUMNS = {
    IndicatorKind.IP: ("ip", "event_time"),
    IndicatorKind.AGENT: ("user_agent", "event_time"),
    IndicatorKind.CLIENT: ("client_id", "event_time"),
    IndicatorKind.KEY: ("key_id", "issued_at"),
}


_GIVEN = {"kind": "string", "value": "string", "first": "timestamp(6)", "last": "timestamp(6)", "name": "string",
          "origin": "string"}


def sighted(con: duckdb.DuckDBPyConnection, indicators: Iterable[Indicator]) -> list[Sighting]:
    """Return what the case whose results `con` holds has of them, those with most accounts first."""
    given = [(str(one.kind), one.value, *_naive(one), one.name, one.origin) for one in dict.fromkeys(indicators)]
    give(con, "indicators", _GIVEN, given)
    return [Sighting(**(row | {"kind": IndicatorKind(row["kind"])})) for row in rows(con, _SQL)]


def _naive(one: Indicator) -> tuple[datetime, datetime]:
    return one.first.replace(tzinfo=None), one.last.replace(tzinfo=None)


def _part(kind: IndicatorKind) -> str:
    column, when = _COLUMNS[kind]
    return f"""SELECT i.kind, i.value, i.name, i.origin, coalesce(e.subject_id, e.subject_name) AS subject,
    e.event_time, e.raw_file, e.raw_position
FROM indicators i JOIN evidence e ON e.{column} = i.value AND e.{when} >= i.first AND e.{when} < i.last
WHERE i.kind = '{kind}' AND e.event_time IS NOT NULL"""  # noqa: S608  # our own names


_SQL = f"""WITH seen AS ({' UNION ALL '.join(map(_part, IndicatorKind))}),
names AS (SELECT sha256, min(path) AS path FROM inputs WHERE source <> '' GROUP BY ALL)
SELECT kind, value, name, origin, count(*) AS records, count(DISTINCT subject) AS subjects,
    min(event_time) AS first_seen, max(event_time) AS last_seen,
    arg_min(coalesce(path, raw_file) || ':' || raw_position, (event_time, raw_file, raw_position)) AS evidence
FROM seen LEFT JOIN names ON sha256 = raw_file GROUP BY kind, value, name, origin
ORDER BY subjects DESC, records DESC, kind, value, name"""  # noqa: S608  # our own names
