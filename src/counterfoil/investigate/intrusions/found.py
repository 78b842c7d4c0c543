"""Finds the intrusions of a judged case: gathers, clusters, adds what lies beside, and sums each of them up.

Makes the temporary tables `in_members` (every record of an intrusion, with its basis), `in_groups` and `in_links`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import timedelta
from typing import Any

import duckdb

from counterfoil.case.given import give
from counterfoil.case.results import rows
from counterfoil.errors import UsageError
from counterfoil.investigate.findings import group_id
from counterfoil.investigate.intrusions.beside import BASIS, add_beside
from counterfoil.investigate.intrusions.clusters import Face, Link, Shared, clustered
from counterfoil.investigate.intrusions.estate import people
from counterfoil.investigate.intrusions.gathered import (
    BY_FINDING,
    BY_INDICATOR,
    BY_KEY_READ,
    domains,
    faces,
    gather,
    ties,
)
from counterfoil.investigate.intrusions.traits import BY_KIND
from counterfoil.model.indicators import Indicator
from counterfoil.model.intrusion import MAX_VALUES, Intrusion, Sort
from counterfoil.model.schema import Leg
from counterfoil.model.verdict import ACCUSING, FindingVerdict, Verdict
from counterfoil.report.clean import clean
from counterfoil.report.words import some

# For how long after a farm's key was read a forged assertion of that farm is taken for the reader's.
KEY_DAYS = 90
FARM_KEY = "farm key"
# Reasons that an intrusion tells one by one.
MAX_REASONS = 12
MAX_VALUE = 60  # characters of a value in such a reason
# Suspicious tokens of a group, none of them accused, from which on more is looked for beside it.
GROWING = 3
# Kinds of intrusions, as people want them: grave ones first.
_CONVICTED = frozenset(FindingVerdict(verdict) for verdict in ACCUSING)


@dataclass(frozen=True)
class _Group:
    """Faces of one intruder, and the links that hold them together."""

    faces: tuple[int, ...]
    links: tuple[Link, ...]


def find(con: duckdb.DuckDBPyConnection, indicators: Iterable[Indicator] = ()) -> tuple[Intrusion, ...]:
    """Return the intrusions, the gravest first, and make the tables; `con` sees the results of a case."""
    gather(con, indicators)
    known = faces(con)
    shown = people(con)
    whole = clustered(known, ties(con, known), shown)
    groups = _with_keys(_grouped(whole.groups, whole.links), known, domains(con))
    _keep(con, groups)
    add_beside(con)
    return tuple(_named(con, groups))


def _grouped(groups: Iterable[tuple[int, ...]], links: Iterable[Link]) -> list[_Group]:
    whole = list(groups)
    place = {face: number for number, group in enumerate(whole) for face in group}
    held: dict[int, list[Link]] = {}
    for link in links:
        held.setdefault(place[link.first], []).append(link)
    return [_Group(group, tuple(held.get(number, ()))) for number, group in enumerate(whole)]


def _with_keys(groups: Sequence[_Group], known: Sequence[Face], told: Iterable[Mapping[str, Any]]) -> list[_Group]:
    """Join who read a farm's key with whoever used it afterwards, where that is one intruder alone.

    Those who presented assertions go first: of several, nobody can tell which of them it was.
    """
    face, facts = {each.id: each for each in known}, {row["face"]: row for row in told}
    rest = [group for group in groups if not _stolen(group, facts)]
    for thief in (group for group in groups if _stolen(group, facts)):
        domain = _stolen(thief, facts)
        begun = min(face[each].first for each in thief.faces)
        after = [group for group in rest if _uses(group, facts, domain)
                 and begun <= min(face[each].first for each in group.faces) <= begun + timedelta(days=KEY_DAYS)]
        asserted = [group for group in after if any(facts[each]["assertions"] for each in group.faces)]
        ours = asserted or after
        if len(ours) == 1:
            link = Link(thief.faces[0], ours[0].faces[0], 1.0, (Shared(FARM_KEY, domain, 0, 1.0),))
            rest[rest.index(ours[0])] = _Group((*thief.faces, *ours[0].faces), (*thief.links, *ours[0].links, link))
        else:
            rest.append(thief)
    return rest


def _stolen(group: _Group, facts: Mapping[int, Mapping[str, Any]]) -> str:
    return next((facts[face]["stolen"] for face in group.faces if facts[face]["stolen"]), "")


def _uses(group: _Group, facts: Mapping[int, Mapping[str, Any]], domain: str) -> bool:
    return any(domain in (facts[face]["domains"] or ()) for face in group.faces)


def _keep(con: duckdb.DuckDBPyConnection, groups: Sequence[_Group]) -> None:
    """Make the tables of groups, links and members, without what lies beside."""
    numbers = [(face, number) for number, group in enumerate(groups) for face in group.faces]
    give(con, "in_face_groups", {"face": "int64", "intrusion": "int64"}, numbers)
    con.execute(_MEMBERS)
    con.execute(_TAINTED)
    if rows(con, "SELECT 1 FROM in_tainted LIMIT 1"):  # else no evidence is read for it
        con.execute(_ISSUED)
    con.execute(_GROUPS)
    links = [
        (number, link.first, link.second, round(link.worth, 3), [each.kind for each in link.shared], link_words(link))
        for number, group in enumerate(groups) for link in group.links
    ]
    give(con, "in_face_links", _LINKS, links)


_LINKS = {
    "intrusion": "int64", "first": "int64", "second": "int64", "worth": "float64", "shared": "array<string>",
    "why": "string",
}
# Why a record is there, by the best of its reasons.
_MEMBERS = f"""CREATE OR REPLACE TEMP TABLE in_members AS
SELECT g.intrusion, h.source, h.record_id, h.token_key, h.event_time, h.found_by AS basis,
    coalesce(h.group_rule, '{BY_INDICATOR}') AS why, h.level
FROM in_his h JOIN in_face_groups g USING (face)
QUALIFY row_number() OVER (PARTITION BY h.source, h.record_id
    ORDER BY h.level NULLS LAST, h.found_by, g.intrusion, h.token_key) = 1"""  # noqa: S608  # our own names
# What an issuer wrote down of tokens that were obtained with forged ones; of a forged one it is somebody else's record.
BY_ISSUE = "issued"
_TAINTED = f"""CREATE OR REPLACE TEMP TABLE in_tainted AS SELECT m.intrusion, m.token_key, m.level, t.token_id
FROM in_members m JOIN tokens t ON t.token_key = m.token_key AND t.verdict = '{Verdict.TAINTED}'"""  # noqa: S608
_ISSUED = f"""INSERT INTO in_members
SELECT m.intrusion, e.source, e.record_id, m.token_key, e.event_time, '{BY_ISSUE}' AS basis, 'token id' AS why, m.level
FROM in_tainted m JOIN evidence e ON e.token_id = m.token_id AND e.leg IN ('{Leg.ISSUANCE}', '{Leg.SECONDARY_ISSUANCE}')
ANTI JOIN in_members o ON o.source = e.source AND o.record_id = e.record_id
WHERE e.event_time IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY e.source, e.record_id ORDER BY m.level, m.intrusion, m.token_key) = 1"""  # noqa: S608


# A lone suspicion is too little to look for more of it.
_GROUPS = f"""CREATE OR REPLACE TEMP TABLE in_groups AS
SELECT g.intrusion, bool_or(h.grave) OR count(DISTINCT h.token_key) >= {GROWING} AS grows
FROM in_his h JOIN in_face_groups g USING (face) GROUP BY g.intrusion"""  # noqa: S608  # our own number


def link_words(link: Link) -> str:
    """Return why two faces are one intruder's, in words."""
    return ", ".join(_shared_words(each) for each in link.shared)


_ONE = {"token": "one token", "lineage": "one was obtained with the other", "session": "one session",
        "farm": "both read the key of one farm"}


def _shared_words(shared: Shared) -> str:
    if shared.kind in _ONE:
        return _ONE[shared.kind]
    if shared.kind == FARM_KEY:
        return f"the key of {shared.value} was read before"
    if shared.kind == "band":
        return f"the same hours of the day ({some(shared.people, 'person', 'people')} of the estate)"
    if shared.kind == "person":
        return "the same victim"
    whose = f"{some(shared.people, 'person', 'people')} of the estate" if shared.people else "nobody of the estate"
    return f"{BY_KIND[shared.kind].words} {clean(shared.value, MAX_VALUE)} ({whose})"


def _named(con: duckdb.DuckDBPyConnection, groups: Sequence[_Group]) -> list[Intrusion]:
    """Return the intrusions in order, and give the tables their ids."""
    ids = {row["intrusion"]: _id(row) for row in rows(con, _FIRST)}
    give(con, "in_ids", {"intrusion": "int64", "id": "string"}, sorted(ids.items()))
    told: dict[int, list[str]] = {}
    for row in rows(con, f"SELECT DISTINCT intrusion, group_rule, group_issuer, group_client, diagnosis FROM ({_OF})"):  # noqa: S608
        told.setdefault(row["intrusion"], []).append(group_id(row))
    reads = {row["intrusion"]: row["ids"] for row in rows(con, _READS)}
    order = list(FindingVerdict)
    every = [
        _intrusion(row, ids[row["intrusion"]], groups[row["intrusion"]],
                   sorted({*told.get(row["intrusion"], ()), *reads.get(row["intrusion"], ())}))
        for row in rows(con, _SUMS)
    ]
    sorts = list(Sort)
    return sorted(every, key=lambda each: (
        sorts.index(each.sort), len(order) if each.claim is None else order.index(each.claim), -each.records, each.id,
    ))


def _id(row: Mapping[str, Any]) -> str:
    """Return a short id that stays while the first record of its findings does."""
    return hashlib.sha256(f"{row['source']}\x1f{row['record_id']}".encode()).hexdigest()[:12]


_FIRST = f"""SELECT intrusion, source, record_id FROM in_members WHERE basis <> '{BASIS}'
QUALIFY row_number() OVER (PARTITION BY intrusion ORDER BY event_time, source, record_id) = 1"""  # noqa: S608
_OF = f"""SELECT g.intrusion, h.* FROM in_his h JOIN in_face_groups g USING (face)
WHERE h.found_by = '{BY_FINDING}'"""  # noqa: S608  # our own names
_READS = f"""SELECT g.intrusion, list_sort(list(DISTINCT f.id)) AS ids
FROM in_his h JOIN in_face_groups g USING (face) JOIN inputs i ON i.sha256 = h.raw_file AND i.source <> ''
JOIN findings f ON f.rule = h.group_rule AND list_contains(f.evidence, i.path || ':' || h.raw_position)
WHERE h.found_by = '{BY_KEY_READ}' GROUP BY g.intrusion"""  # noqa: S608  # our own names


def _listed(column: str, name: str) -> str:
    return (f"list_sort(list(DISTINCT {column}) FILTER ({column} IS NOT NULL))[:{MAX_VALUES}] AS {name},"
            f" count(DISTINCT {column}) AS {name}_count")


_SUMS = f"""WITH whole AS (SELECT m.*, r.* EXCLUDE (source, record_id, event_time),
        CASE WHEN r.object_kind = 'mailbox' AND r.leg = '{Leg.ACCEPTANCE}'
            THEN coalesce(r.object_parent, r.object_id) END AS box
    FROM in_members m JOIN in_known r USING (source, record_id)),
names AS (SELECT person, min(shown) AS name FROM whole GROUP BY person)
SELECT intrusion, min(level) AS level, min(event_time) AS first_seen, max(event_time) AS last_seen,
    count(DISTINCT token_key) AS tokens, count(*) AS records, count_if(basis = '{BASIS}') AS beside,
    count_if(basis = '{BY_KEY_READ}') AS reads, count_if(basis = '{BY_INDICATOR}') AS indicated,
    {_listed('names.name', 'subjects')}, {_listed('box', 'mailboxes')}, {_listed('ip', 'ips')},
    {_listed('network', 'networks')}, {_listed('agent', 'agents')}, {_listed('client_id', 'clients')},
    {_listed('key_id', 'keys')}, count(DISTINCT session_id) AS sessions
FROM whole LEFT JOIN names USING (person) GROUP BY intrusion"""  # noqa: S608  # our own names


def _intrusion(row: Mapping[str, Any], name: str, group: _Group, told: Sequence[str]) -> Intrusion:
    claim = None if row["level"] is None else list(FindingVerdict)[row["level"]]
    reasons: dict[tuple[str, ...], str] = {}  # one of each kind, the worthiest
    for link in sorted(group.links, key=lambda link: (-link.worth, link.first, link.second)):
        kinds = tuple(each.kind for each in link.shared)
        if kinds not in reasons:
            reasons[kinds] = link_words(link)
    lists = {name: tuple(row[name] or ()) for name in
             ("subjects", "mailboxes", "ips", "networks", "agents", "clients", "keys")}
    return Intrusion(
        id=name, sort=_sort(row, claim), claim=claim, confidence=_confidence(claim), first_seen=row["first_seen"],
        last_seen=row["last_seen"], tokens=row["tokens"], records=row["records"], beside=row["beside"],
        subject_count=row["subjects_count"], mailbox_count=row["mailboxes_count"], ip_count=row["ips_count"],
        sessions=row["sessions"], findings=tuple(told), joined=tuple(reasons.values())[:MAX_REASONS], **lists,
    )


def _sort(row: Mapping[str, Any], claim: FindingVerdict | None) -> Sort:
    if claim is None or claim in _CONVICTED or row["indicated"]:
        return Sort.INTRUSION
    several = row["tokens"] > 1
    if claim is FindingVerdict.PROBABLY_FORGED:
        return Sort.INTRUSION if several or row["reads"] else Sort.SINGLE
    return Sort.SUSPECTED if several else Sort.SINGLE


def _confidence(claim: FindingVerdict | None) -> str:
    return "medium" if claim is None else claim.confidence


# What the case keeps, by name: the members and the links, by the ids of their intrusions.
KEPT: Mapping[str, str] = {
    "intrusion_records": """SELECT id AS intrusion, source, record_id, token_key, event_time, basis, why
        FROM in_members JOIN in_ids USING (intrusion) ORDER BY id, event_time, source, record_id""",
    "intrusion_links": """WITH first AS (SELECT face, arg_min(source, (event_time, source, record_id)) AS source,
            arg_min(record_id, (event_time, source, record_id)) AS record_id FROM in_his GROUP BY face)
        SELECT id AS intrusion, a.source, a.record_id, b.source AS other_source, b.record_id AS other_record_id,
            worth, shared, why
        FROM in_face_links l JOIN in_ids USING (intrusion) JOIN first a ON a.face = l.first
        JOIN first b ON b.face = l.second ORDER BY ALL""",
}
COLUMNS: Mapping[str, str] = {
    "id": "string", "sort": "string", "claim": "string", "confidence": "string", "first_seen": "timestamp(6)",
    "last_seen": "timestamp(6)", "tokens": "int64", "records": "int64", "beside": "int64", "subject_count": "int64",
    "subjects": "array<string>", "mailbox_count": "int64", "mailboxes": "array<string>", "ip_count": "int64",
    "ips": "array<string>", "networks": "array<string>", "agents": "array<string>", "clients": "array<string>",
    "sessions": "int64", "keys": "array<string>", "findings": "array<string>", "joined": "array<string>",
}


def kept(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Find the intrusions, and return the queries of what a case keeps of them, by the names of its tables."""
    give(con, "in_intrusions", COLUMNS, [list(astuple(each)) for each in find(con)])
    return {"intrusions": "FROM in_intrusions", **KEPT}


def found(con: duckdb.DuckDBPyConnection, indicators: Sequence[Indicator] | None) -> tuple[Intrusion, ...]:
    """Return the intrusions that the case keeps, or, with indicators, those that there are then."""
    return stored(con) if indicators is None else find(con, indicators)


def records(indicators: Sequence[Indicator] | None) -> str:
    """Return what stands for the table `intrusion_records` after `found`, in a query."""
    return "intrusion_records" if indicators is None else f"({KEPT['intrusion_records']})"


def stored(con: duckdb.DuckDBPyConnection) -> tuple[Intrusion, ...]:
    """Return the intrusions that the case keeps."""
    return tuple(_stored(row) for row in rows(con, "SELECT * FROM intrusions"))


def chosen(told: Sequence[Intrusion], ids: Sequence[str]) -> tuple[Intrusion, ...]:
    """Return the intrusions of these ids, or all that are taken for one; raises UsageError for an id of none."""
    if not ids:
        return tuple(entry for entry in told if entry.sort is Sort.INTRUSION)
    known = {entry.id: entry for entry in told}
    if missing := [name for name in ids if name not in known]:
        raise UsageError(f"no intrusion {missing[0][:80]!r} here", hint="counterfoil intrusions --case CASE lists them")
    return tuple(known[name] for name in dict.fromkeys(ids))


def _stored(row: Mapping[str, Any]) -> Intrusion:
    values = {field.name: row[field.name] for field in fields(Intrusion)}
    values |= {name: tuple(value or ()) for name, value in values.items() if COLUMNS[name].startswith("array")}
    claim = None if row["claim"] is None else FindingVerdict(row["claim"])
    return Intrusion(**(values | {"sort": Sort(row["sort"]), "claim": claim}))
