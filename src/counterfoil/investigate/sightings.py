"""Indicators in the evidence of a case: which were seen, each within its time only."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.model.indicators import ALWAYS, Indicator, IndicatorKind


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


# Which columns of evidence hold it; what says most is first: an agent, everybody may have.
_COLUMNS = {
    IndicatorKind.KEY: ("key_id",), IndicatorKind.TOKEN: ("token_id",), IndicatorKind.SESSION: ("session_id",),
    IndicatorKind.DEVICE: ("device_id",), IndicatorKind.IP: ("ip",), IndicatorKind.NETWORK: ("ip",),
    IndicatorKind.ID: ("client_id", "session_id", "device_id", "token_id"), IndicatorKind.CLIENT: ("client_id",),
    IndicatorKind.AGENT: ("user_agent",),
}
# A key counts by when the token says that it was issued: one that was issued long before is somebody's sample. Where
# that is not known, only a key without a beginning counts.
_ISSUED = f"coalesce(e.issued_at, CASE WHEN i.first = TIMESTAMP '{ALWAYS:%Y-%m-%d}' THEN e.event_time END)"
_GIVEN = {
    "kind": "string", "value": "string", "match": "string", "first": "timestamp(6)", "last": "timestamp(6)",
    "name": "string", "origin": "string",
}


def sighted(con: duckdb.DuckDBPyConnection, indicators: Iterable[Indicator]) -> list[Sighting]:
    """Return what the case whose results `con` holds has of them: by how much they say, then most accounts first."""
    with _given(con, indicators) as kinds:
        found = rows(con, _SQL.format(seen=_seen(kinds))) if kinds else []
    return [Sighting(**(row | {"kind": IndicatorKind(row["kind"])})) for row in found]


def mark(con: duckdb.DuckDBPyConnection, indicators: Iterable[Indicator], more: Mapping[IndicatorKind, str]) -> None:
    """Make the temporary table `in_indicated`: source and record_id of every record that shows one.

    `more`: by kind, a query of further (source, record_id), over the table `indicators` (kind, match, first, last).
    """
    with _given(con, indicators) as kinds:
        wanted = [f"SELECT source, record_id FROM ({_seen(kinds)})"] if kinds else [_NOTHING]  # noqa: S608  # our own names
        wanted += [more[kind] for kind in kinds if kind in more]
        con.execute(f"CREATE OR REPLACE TEMP TABLE in_indicated AS {' UNION '.join(wanted)}")


@contextmanager
def _given(con: duckdb.DuckDBPyConnection, indicators: Iterable[Indicator]) -> Iterator[list[IndicatorKind]]:
    """Hold the table `indicators`, and yield the kinds in it: of others no evidence is read.

    Of a network, `match` is each address in evidence that is in it.
    """
    every = list(dict.fromkeys(indicators))
    wide = [one for one in every if one.kind is IndicatorKind.NETWORK]
    held = [(one, one.value) for one in every if one.kind is not IndicatorKind.NETWORK]
    held += _inside(con, wide) if wide else []
    give(con, "indicators", _GIVEN, [
        [str(one.kind), one.value, match, one.first.replace(tzinfo=None), one.last.replace(tzinfo=None), one.name,
         one.origin] for one, match in held
    ])
    try:
        yield sorted({one.kind for one, _ in held})
    finally:
        con.execute("DROP TABLE indicators")


def _inside(con: duckdb.DuckDBPyConnection, wide: Iterable[Indicator]) -> list[tuple[Indicator, str]]:
    known: dict[int, dict[int, str]] = {4: {}, 6: {}}
    for (text,) in con.execute("SELECT DISTINCT ip FROM evidence WHERE ip IS NOT NULL").fetchall():
        try:
            address = ip_address(text)
        except ValueError:
            continue
        known[address.version][int(address)] = text
    order = {version: sorted(held) for version, held in known.items()}
    found: list[tuple[Indicator, str]] = []
    for one in wide:
        network = ip_network(one.value)
        numbers = order[network.version]
        for number in numbers[bisect_left(numbers, int(network[0])):bisect_left(numbers, int(network[-1]) + 1)]:
            found.append((one, known[network.version][number]))
    return found


def _part(kind: IndicatorKind, column: str) -> str:
    when = _ISSUED if kind is IndicatorKind.KEY else "e.event_time"
    return f"""SELECT i.kind, i.value, i.name, i.origin, coalesce(e.subject_id, e.subject_name) AS subject,
    e.source, e.record_id, e.event_time, e.raw_file, e.raw_position
FROM indicators i JOIN evidence e ON e.{column} = i.match AND {when} >= i.first AND {when} < i.last
WHERE i.kind = '{kind}' AND e.event_time IS NOT NULL"""  # noqa: S608  # our own names


def _seen(kinds: Iterable[IndicatorKind]) -> str:
    return " UNION ".join(_part(kind, column) for kind in kinds for column in _COLUMNS[kind])


_NOTHING = "SELECT NULL::VARCHAR AS source, NULL::VARCHAR AS record_id LIMIT 0"
_SQL = f"""WITH seen AS ({{seen}}),
names AS (SELECT sha256, min(path) AS path FROM inputs WHERE source <> '' GROUP BY ALL)
SELECT kind, value, name, origin, count(*) AS records, count(DISTINCT subject) AS subjects,
    min(event_time) AS first_seen, max(event_time) AS last_seen,
    arg_min(coalesce(path, raw_file) || ':' || raw_position, (event_time, raw_file, raw_position)) AS evidence
FROM seen LEFT JOIN names ON sha256 = raw_file GROUP BY kind, value, name, origin
ORDER BY list_position({list(map(str, _COLUMNS))}, kind), subjects DESC, records DESC, value, name"""  # noqa: S608  # our own names
