"""Pivot: from one thing to all records that touch it, each with how it is joined, and to where to look next.

The search runs over the index of the case (`case.traits`), in which a record is a row of numbers; of the evidence
itself only the records that are shown are read. From those that carry what was asked, the seed, it goes one step:

1. to those with a digest of the seed, a token id of it, a parent or child of such a token, a session of it or a
   token id that was used in that session;
2. to those of a user of the seed from the address that he had there, within a day: addresses change hands;
3. to those of a user of the seed within ten minutes.

Where more steps lead, the next pivot tells. What is common is not followed: the mail programme of everybody joins
everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from counterfoil.case.folder import CaseFolder
from counterfoil.case.given import give
from counterfoil.case.manifest import Manifest
from counterfoil.case.results import rows
from counterfoil.case.traits import at_sql
from counterfoil.errors import UsageError
from counterfoil.investigate.pivot_found import MAX_FOLLOWED, find, hashes, of_user, prepare, with_actor
from counterfoil.investigate.pivot_lines import SHOWN, lines
from counterfoil.model import addresses, ids
from counterfoil.model.pivot import FOLLOWED, JoinCount, Joined, NextPivot, Pivot, Trait
from counterfoil.model.schema import Leg

# Next pivots that are told, one by one and of one trait together.
MAX_NEXT, MAX_NEXT_OF_A_TRAIT, MAX_TOGETHER = 12, 4, 20
RARE = 0.01  # what this share of the case's records carries, or less, is rare
# Of each trait, the values that are looked up in the whole case: those that most of the records carry.
MAX_CANDIDATES = 200
MAX_LINES, DEFAULT_LINES = 10_000, 100
MAX_VALUES, MAX_CHARS = 100, 2_000

_WAYS = {0: ""} | {place: str(way) for place, way in enumerate(Joined, 1)}  # 0: carries what was asked
_STRONG = len(FOLLOWED)  # the ways up to here are followed
_IN_NO_SIGN_IN = (Trait.KEY, Trait.OBJECT)  # no sign-in carries these


def pivot(
    con: DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, asked: Mapping[Trait, Sequence[str]],
    limit: int = DEFAULT_LINES,
) -> Pivot:
    """Return what touches the values: each trait that is named must hold, of each any of its values.

    `con`: of `case.results.opened`, the index of `case.traits` being there. At most `limit` lines, the surest first.
    Raises UsageError for values that cannot be.
    """
    wanted = {trait: variants(trait, values) for trait, values in asked.items() if values}
    if not wanted:
        raise UsageError("nothing to pivot on", hint="name one of " + ", ".join(f"--{trait}" for trait in Trait))
    prepare(con, folder, manifest)
    at_most = min(limit, MAX_LINES)
    counted, unfollowed = find(con, wanted, at_most)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE shown AS SELECT how, file, place, token, digest FROM found
        ORDER BY how, event_time, file, place LIMIT {at_most}""")  # noqa: S608  # a number
    told = rows(con, "SELECT * FROM shown")
    records = int(rows(con, "SELECT coalesce(sum(records), 0) AS records FROM legs")[0]["records"])
    every = [] if counted.get(0, 0) > MAX_FOLLOWED else _next(con, wanted)
    more = [row for row in every if row["place_of_trait"] < MAX_NEXT_OF_A_TRAIT][:MAX_NEXT]
    odd = [row for row in every if row["trait"] not in _IN_NO_SIGN_IN and row["records"] <= RARE * records]
    _describe(con, [*more, *(row for row in odd if row not in more)])
    odd = [row for row in odd if not row["sign_ins"]]
    read = _read(con, folder, [(row["file"], row["place"]) for row in [*told, *more, *odd]])
    ways = _WAYS | {0: " and ".join(trait.words for trait in wanted)}
    return Pivot(
        case=str(folder.root),
        case_records=records,
        asked=tuple((trait, tuple(asked[trait])) for trait in wanted),
        counts=tuple(
            JoinCount(words, counted.get(how, 0), sum(row["how"] == how for row in told)) for how, words in ways.items()
        ),
        lines=lines(con, [row | read[row["file"], row["place"]] | {"joined": ways[row["how"]]} for row in told]),
        absent=tuple(words for leg, words in _LEGS.items() if leg not in _legs(con)),
        unfollowed=unfollowed,
        next=tuple(_named(row, read[row["file"], row["place"]]) for row in more),
        together=_together([_named(row, read[row["file"], row["place"]]) for row in odd]),
    )


def variants(trait: Trait, values: Sequence[str]) -> tuple[str, ...]:
    """Return all forms in which evidence may hold the values; raises UsageError for what cannot be one."""
    if len(values) > MAX_VALUES:
        raise UsageError(f"--{trait}: {len(values):,} values", hint=f"at most {MAX_VALUES} at a time")
    found: dict[str, None] = {}
    for value in values:
        text = value.strip()
        if not text or len(text) > MAX_CHARS:
            raise UsageError(f"--{trait}: empty, or longer than {MAX_CHARS:,} characters", hint="give one value")
        forms: tuple[str | None, ...] = (text, text.lower())
        if trait is Trait.IP and (forms := (addresses.canonical(text),)) == (None,):
            raise UsageError(f"--ip: {text[:80]!r} is not an address", hint="such as 198.51.100.13")
        if trait is Trait.TOKEN:
            forms = (ids.canonical(ids.IdKind.ENTRA_UTI, text), text)
        found |= dict.fromkeys(form for form in forms if form)
    return tuple(found)


_LEGS: Mapping[Leg, str] = {
    Leg.KEY_USE: "uses of keys: no log of a key store is in the case",
    Leg.ISSUANCE: "issuances: no log of sign-ins or of an issuer is in the case",
    Leg.ACCEPTANCE: "acceptances: no log of a service is in the case",
}


def _legs(con: DuckDBPyConnection) -> frozenset[str]:
    return frozenset(row["leg"] for row in rows(con, "SELECT leg FROM legs WHERE records > 0"))


def _next(con: DuckDBPyConnection, wanted: Mapping[Trait, Sequence[str]]) -> list[dict[str, Any]]:
    """Return what the surely joined records carry, and records beyond `found` too: the rarest in the case first.

    What is too common to be followed leads nowhere.
    """
    every: list[dict[str, Any]] = []
    for trait in Trait:
        if trait in (Trait.TOKEN, Trait.DIGEST):
            continue  # what has these is found
        value = "actor" if trait is Trait.USER else str(trait)
        asked = ""
        if trait in wanted:
            known = of_user(con, wanted[trait]) if trait is Trait.USER else hashes(con, wanted[trait])
            asked = f"AND {value} NOT IN ({known})"
        con.execute(f"""CREATE OR REPLACE TEMP TABLE here AS
            SELECT {value} AS value, count(*) AS here, count_if(how <= {_STRONG}) AS sure,
                min({{how: how, event_time: event_time, file: file, place: place}}) FILTER (how <= {_STRONG}) AS spot
            FROM found WHERE {value} IS NOT NULL {asked} GROUP BY 1 HAVING sure > 0
            ORDER BY sure DESC, value LIMIT {MAX_CANDIDATES}""")  # noqa: S608  # our own names
        if not rows(con, "SELECT 1 FROM here LIMIT 1"):
            continue
        found = rows(con, f"""SELECT here.*, records, spot.file AS file, spot.place AS place
            FROM here JOIN (SELECT value, count(*) AS records FROM ({_of_here(trait, "")}) GROUP BY 1) USING (value)
            WHERE records > here AND records <= {MAX_FOLLOWED}
            ORDER BY records, sure DESC, value LIMIT {MAX_TOGETHER}""")  # noqa: S608  # our own names
        every += [row | {"trait": trait, "place_of_trait": place} for place, row in enumerate(found)]
    return sorted(every, key=lambda row: (row["records"], -row["sure"]))


def _describe(con: DuckDBPyConnection, told: Sequence[dict[str, Any]]) -> None:
    """Add how many users carry each value, and in how many sign-ins: not asked of what is common, and not told."""
    for trait in dict.fromkeys(row["trait"] for row in told):
        mine = {row["value"]: row for row in told if row["trait"] is trait}
        written = ", ".join(map(str, mine))
        con.execute(f"CREATE OR REPLACE TEMP TABLE here AS SELECT unnest([{written}]::UBIGINT[]) AS value")  # numbers
        for row in rows(con, f"""SELECT value, count(DISTINCT actor) AS users, count_if(signed_in) AS sign_ins
                FROM ({with_actor(_of_here(trait, "subject, subject_name, signed_in,"))}) GROUP BY 1"""):  # noqa: S608
            mine[row["value"]] |= row


def _of_here(trait: Trait, more: str) -> str:
    """Return a query over the rows of the index that carry a value of `here`: `more` columns, and `value`."""
    if trait is Trait.USER:
        return f"SELECT {more} actor AS value FROM ({with_actor(f'SELECT * FROM traits WHERE {_OF_HERE}')})"  # noqa: S608
    return f"SELECT {more} {trait} AS value FROM traits WHERE {trait} IN (SELECT value FROM here)"  # noqa: S608


_OF_HERE = """subject IN (SELECT value FROM here) OR subject IS NULL AND subject_name IN (
    SELECT value FROM here UNION ALL SELECT name FROM alias WHERE id IN (SELECT value FROM here))"""


def _named(row: Mapping[str, Any], record: Mapping[str, Any]) -> NextPivot:
    trait = Trait(row["trait"])
    sign_ins = None if trait in _IN_NO_SIGN_IN else row["sign_ins"]
    value = record["user_agent" if trait is Trait.AGENT else str(trait)]
    return NextPivot(trait, value, row["here"], row["records"], row["users"], sign_ins)


def _together(odd: Iterable[NextPivot]) -> tuple[tuple[Trait, tuple[str, ...]], ...]:
    """Return the values by their trait, where there are several."""
    found: dict[Trait, list[str]] = {}
    for each in odd:
        found.setdefault(each.trait, []).append(each.value)
    return tuple((trait, tuple(values)) for trait, values in found.items() if values[1:])


def _read(
    con: DuckDBPyConnection, folder: CaseFolder, places: Sequence[tuple[str | None, int]]
) -> dict[tuple[str | None, int], dict[str, Any]]:
    """Return what the records at these places of the index say."""
    columns = ", ".join(f"{column} AS {name}" for name, column in SHOWN.items())
    at = [place for place in dict.fromkeys(places) if place[0] is not None]
    give(con, "wanted", {"file": "string", "place": "int64"}, at)
    found: list[dict[str, Any]] = []
    if at:
        files = sorted({str(file) for file, _ in at})
        found = rows(con, f"""SELECT file, place, {columns} FROM ({at_sql(folder, files)}) AS e
            JOIN wanted ON e.at_file = wanted.file AND e.at_place = wanted.place""")  # noqa: S608  # our own names
    if merged := [place for file, place in places if file is None]:
        found += rows(con, f"""SELECT NULL AS file, rowid AS place, {columns} FROM results.merged
            WHERE rowid IN ({', '.join(map(str, merged))})""")  # noqa: S608  # our own names, and numbers
    return {(row["file"], row["place"]): row for row in found}
