"""Reads the habits of one intrusion from the case: see `model.habits`. Needs the table `in_one` (`story.one`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from counterfoil.case.results import rows
from counterfoil.detect.registry import all_rules
from counterfoil.investigate.intrusions.gathered import BY_KEY_READ
from counterfoil.investigate.intrusions.hours import hours
from counterfoil.model.advice import claim_of
from counterfoil.model.attack import NAMES, OF_OPERATION, operation_key
from counterfoil.model.first_party import name as client_name
from counterfoil.model.habits import MAX_HABITS, MAX_SHOWN, Act, Change, Habits, Technique, Used
from counterfoil.model.intrusion import Intrusion
from counterfoil.model.schema import Outcome

# What did not do what was asked for.
REFUSED = (Outcome.DENIED, Outcome.REFUSED, Outcome.FAILED, Outcome.INTERRUPTED)
# A change is told if each side was used at least so often.
MIN_CHANGE = 3


def habits(con: duckdb.DuckDBPyConnection, entry: Intrusion) -> Habits:
    """Return the habits of the intrusion whose records are in `in_one`."""
    used = {kind: _used(con, kind) for kind in ("ip", "network", "agent", "client_id", "operation")}
    acts = tuple(Act(**row) for row in rows(con, _ACTS))
    active = rows(con, "SELECT DISTINCT date_trunc('hour', event_time) AS hour FROM in_one ORDER BY hour")
    at_once = rows(con, """SELECT coalesce(max(n), 0) AS n FROM (SELECT count(DISTINCT network) AS n FROM in_one
        GROUP BY date_trunc('hour', event_time))""")
    return Habits(
        addresses=_most(used["ip"]), networks=_most(used["network"]), agents=_most(used["agent"]),
        applications=_most(used["client_id"]), most_at_once=at_once[0]["n"],
        hours=hours(row["hour"] for row in active),
        acts=tuple(act for act in acts if act.outcome not in REFUSED)[:MAX_HABITS],
        refused=tuple(act for act in acts if act.outcome in REFUSED)[:MAX_HABITS],
        techniques=tuple(_techniques(con)),
        changes=tuple(change for kind, name in _CHANGING.items() if (change := _change(name, used[kind]))),
        dwell=entry.last_seen - entry.first_seen,
    )


_CHANGING = {"network": "network", "agent": "agent", "client_id": "application", "operation": "operation"}
_ACTS = """SELECT operation, outcome, min(event_time) AS first_seen, max(event_time) AS last_seen, count(*) AS records
FROM in_one GROUP BY ALL ORDER BY first_seen, operation, outcome"""
# What others are used while one is: their times meet.
_USED = """WITH used AS (SELECT {kind} AS name, min(event_time) AS first_seen, max(event_time) AS last_seen,
    count(*) AS records, count(DISTINCT event_time::DATE) AS days,
    list_sort(list(DISTINCT object_kind) FILTER (object_kind IS NOT NULL)) AS kinds
    FROM in_one WHERE {kind} IS NOT NULL GROUP BY {kind})
SELECT a.*, (SELECT count(*) FROM used b WHERE b.name <> a.name AND b.first_seen <= a.last_seen
    AND b.last_seen >= a.first_seen) AS overlaps, {people} AS people
FROM used a ORDER BY first_seen, name"""


_OTHERS = """(SELECT count(DISTINCT r.person) FROM in_records r
    ANTI JOIN in_one o ON o.source = r.source AND o.record_id = r.record_id WHERE r.{kind} = a.name)"""


def _used(con: duckdb.DuckDBPyConnection, kind: str) -> list[Used]:
    """Return the values of a kind in the order of their first use."""
    others = "0" if kind == "operation" else _OTHERS.format(kind=kind)
    query = _USED.format(kind=kind, people=others)
    return [
        Used(row["name"], _detail(kind, row), row["first_seen"], row["last_seen"], row["records"], row["days"],
             row["overlaps"], row["people"])
        for row in rows(con, query)
    ]


def _detail(kind: str, row: Mapping[str, Any]) -> str:
    if kind != "client_id":
        return ""
    kinds = ", ".join(row["kinds"] or ())
    return f"{client_name(row['name']) or 'not a known application'}{f'; for {kinds}' if kinds else ''}"


def _most(used: Iterable[Used]) -> tuple[Used, ...]:
    return tuple(sorted(used, key=lambda each: (-each.records, each.first_seen, each.name))[:MAX_HABITS])


def _change(kind: str, used: Sequence[Used]) -> Change | None:
    """Return the first time from which on nothing was used that was used before, and something else was."""
    ended, before = None, 0
    for place, each in enumerate(used):
        after = sum(other.records for other in used[place:])
        if ended is not None and each.first_seen > ended and min(before, after) >= MIN_CHANGE:
            names = [other.name for other in used]
            return Change(kind, each.first_seen, tuple(names[:place][:MAX_HABITS]), tuple(names[place:][:MAX_HABITS]))
        ended = each.last_seen if ended is None else max(ended, each.last_seen)
        before += each.records
    return None


def _techniques(con: duckdb.DuckDBPyConnection) -> Iterable[Technique]:
    """Yield the techniques by id: what the rules of findings claim, and what the operations are."""
    found: dict[str, dict[int, tuple[Mapping[str, Any], list[str]]]] = {}

    def shows(technique: str, place: int, row: Mapping[str, Any], why: str) -> None:
        found.setdefault(technique, {}).setdefault(place, (row, []))[1].append(why)

    for place, row in enumerate(rows(con, _SHOWING)):
        claimed = () if row["rule"] is None else claim_of(row["rule"]).attack
        odd = (row["rules"] or "").split()
        own = (technique for rule in all_rules() if rule.id in odd for technique in rule.attack)
        for technique in dict.fromkeys((*claimed, *own)):
            shows(technique, place, row, row["rule"])
        acted = OF_OPERATION.get(operation_key(row["operation"]))
        if acted and row["outcome"] not in REFUSED:
            shows(acted, place, row, row["operation"])
    for technique, told in sorted(found.items()):
        shown = [row for row, _ in told.values()]
        yield Technique(
            technique, NAMES.get(technique, ""), tuple(dict.fromkeys(why for _, whys in told.values() for why in whys)),
            min(row["first_seen"] for row in shown), max(row["last_seen"] for row in shown),
            sum(row["records"] for row in shown),
            tuple(dict.fromkeys(path for row in shown for path in row["shown"]))[:MAX_SHOWN],
        )


_SHOWING = f"""SELECT CASE WHEN basis IN ('finding', '{BY_KEY_READ}') THEN why END AS rule, rules, operation, outcome,
    min(event_time) AS first_seen, max(event_time) AS last_seen, count(*) AS records,
    (list(place ORDER BY event_time, record_id))[:{MAX_SHOWN}] AS shown
FROM in_one GROUP BY ALL ORDER BY first_seen, rule, operation, outcome, rules"""  # noqa: S608  # our own names
