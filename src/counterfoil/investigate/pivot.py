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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from counterfoil.case.folder import CaseFolder
from counterfoil.case.given import give
from counterfoil.case.manifest import Manifest
from counterfoil.case.results import rows
from counterfoil.case.traits import at_sql, index_sql, traits_sql
from counterfoil.errors import UsageError
from counterfoil.investigate.pivot_lines import SHOWN, lines
from counterfoil.model import addresses, ids
from counterfoil.model.pivot import FOLLOWED, JoinCount, Joined, NextPivot, Pivot, Trait
from counterfoil.model.schema import Leg

# A seed of more records is not followed at all; one of more than the second, not by its users.
MAX_FOLLOWED, MAX_BY_USER = 100_000, 10_000
ADDRESS_HOURS, TIME_MINUTES = 24, 10
# Next pivots that are told, one by one and of one trait together.
MAX_NEXT, MAX_NEXT_OF_A_TRAIT, MAX_TOGETHER = 12, 4, 20
RARE = 0.01  # what this share of the case's records carries, or less, is rare
# Of each trait, the values that are looked up in the whole case: those that most of the records carry.
MAX_CANDIDATES = 200
MAX_LINES, DEFAULT_LINES = 10_000, 100
MAX_WRITTEN = 500  # values that are written into a query
MAX_VALUES, MAX_CHARS = 100, 2_000

_WAYS = {0: ""} | {place: str(way) for place, way in enumerate(Joined, 1)}  # 0: carries what was asked
_STRONG = len(FOLLOWED)  # the ways up to here are followed
_ADDRESS, _TIME = (list(Joined).index(way) + 1 for way in (Joined.ADDRESS, Joined.TIME))
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
    _prepare(con, folder, manifest)
    unfollowed = _find(con, wanted)
    counted = {row["how"]: row["records"] for row in rows(con, "SELECT how, count(*) AS records FROM found GROUP BY 1")}
    con.execute(f"""CREATE OR REPLACE TEMP TABLE shown AS SELECT how, file, place, token, digest FROM found
        ORDER BY how, event_time, file, place LIMIT {min(limit, MAX_LINES)}""")  # noqa: S608  # a number
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


def _prepare(con: DuckDBPyConnection, folder: CaseFolder, manifest: Manifest) -> None:
    """Make `traits`, each record once, and `alias`: names that stand for one id, as hashes."""
    con.execute(f"CREATE OR REPLACE TEMP VIEW raw_traits AS {index_sql(folder, manifest)}")
    every = "SELECT * FROM raw_traits"
    if rows(con, "SELECT 1 FROM merged LIMIT 1"):  # what came in several wrappers counts as the results have it
        con.execute(f"""CREATE OR REPLACE TEMP TABLE merged_traits AS
            SELECT {traits_sql()}, NULL::VARCHAR AS file, rowid AS place FROM results.merged""")  # noqa: S608
        every += """ WHERE record NOT IN (SELECT record FROM merged_traits)
            UNION ALL SELECT * FROM merged_traits"""
    con.execute(f"CREATE OR REPLACE TEMP VIEW traits AS {every}")
    con.execute("""CREATE OR REPLACE TEMP TABLE alias AS
        SELECT hash(subject_name) AS name, min(hash(proven_id)) AS id FROM names GROUP BY 1""")


def _find(con: DuckDBPyConnection, wanted: Mapping[Trait, Sequence[str]]) -> str:
    """Make `found`: the records that touch what is wanted, with `how` (a place in `Joined`) and `actor`.

    Returns why not all ways were followed, or an empty text.
    """
    carries = _carry(con, wanted)
    every = " UNION ALL ".join(f"SELECT * FROM traits WHERE {condition}" for condition in carries)  # noqa: S608
    con.execute(f"CREATE OR REPLACE TEMP TABLE seed AS {_with_actor(every)} LIMIT {MAX_FOLLOWED + 1}")
    (seed,) = rows(con, "SELECT count(*) AS records FROM seed")
    if seed["records"] > MAX_FOLLOWED:
        con.execute(f"CREATE OR REPLACE TEMP VIEW found AS SELECT *, 0 AS how FROM ({every})")  # noqa: S608  # our own
        return f"too common here to follow: more than {MAX_FOLLOWED:,} records carry it"
    by_user = seed["records"] <= MAX_BY_USER and set(wanted) != {Trait.USER}  # those of a user are all found
    branches = [f"SELECT *, {place} AS sure FROM traits WHERE {condition}" for place, condition in _ways(con)]  # noqa: S608
    if by_user:
        branches += [f"SELECT *, NULL AS sure FROM traits WHERE {condition}" for condition in _of_actors(con)]  # noqa: S608
    near = " UNION ALL ".join(["SELECT * EXCLUDE (actor), 0 AS sure FROM seed", *branches])
    # one condition to a scan: then what does not fulfil it is not read
    con.execute(f"""CREATE OR REPLACE TEMP TABLE near AS {_with_actor(near)}
        QUALIFY row_number() OVER (PARTITION BY file, place ORDER BY sure NULLS LAST) = 1""")
    con.execute(_FOUND)
    if by_user or set(wanted) == {Trait.USER}:
        return ""
    return f"users not followed: more than {MAX_BY_USER:,} records carry it"


def _carry(con: DuckDBPyConnection, wanted: Mapping[Trait, Sequence[str]]) -> list[str]:
    """Return conditions that exclude each other: a row of the index that carries what is wanted fulfils one of them.

    They are plain ones, so that the engine passes over what cannot fulfil them without reading it.
    """
    plain = [f"{trait} IN ({_hashes(con, values)})" for trait, values in wanted.items() if trait is not Trait.USER]
    if Trait.USER not in wanted:
        return [" AND ".join(plain)]
    hashes = _of_user(con, wanted[Trait.USER])
    ways: list[str] = []
    for each in hashes.split(", "):  # one value to a scan: the index is in the order of users
        ways += [f"subject = {each}", f"subject_name = {each} AND NOT coalesce(subject IN ({hashes}), false)"]
    return [" AND ".join([way, *plain]) for way in ways]


def _of_user(con: DuckDBPyConnection, values: Sequence[str]) -> str:
    """Return the hashes of the ids and names of the users, and of what evidence proves to be theirs."""
    _give(con, values)
    either = f"subject_name IN {_GIVEN} OR proven_id IN {_GIVEN}"
    told = rows(con, f"SELECT subject_name, proven_id FROM names WHERE {either}")  # noqa: S608  # our own names
    whose = [*values, *(row["proven_id"] for row in told), *(row["subject_name"] for row in told)]
    _give(con, whose)
    known = rows(con, f"SELECT subject_name FROM names WHERE proven_id IN {_GIVEN}")  # noqa: S608  # our own names
    return _hashes(con, dict.fromkeys([*whose, *(row["subject_name"] for row in known)]))


def _hashes(con: DuckDBPyConnection, values: Iterable[str]) -> str:
    _give(con, values)
    return ", ".join(str(row["h"]) for row in rows(con, "SELECT DISTINCT hash(value) AS h FROM given_values"))


# Values come as a table: for a parameter the engine imports pandas where there is one, which takes a quarter second.
_GIVEN = "(SELECT value FROM given_values)"


def _give(con: DuckDBPyConnection, values: Iterable[str]) -> None:
    give(con, "given_values", {"value": "string"}, [(value,) for value in values])


def _with_actor(query: str) -> str:
    """Return the query with `actor`: the id of the user, proven where only a name is told, else the name."""
    return f"""SELECT q.*, coalesce(q.subject, alias.id, q.subject_name) AS actor FROM ({query}) AS q
        LEFT JOIN alias ON alias.name = CASE WHEN q.subject IS NULL THEN q.subject_name END"""  # noqa: S608  # our own


def _ways(con: DuckDBPyConnection) -> Iterator[tuple[int, str]]:
    """Yield the ways that the seed can be followed by (a place in `Joined`), each with a condition; some have two."""
    place = {way: number for number, way in enumerate(Joined, 1)}
    if same := _same(con, "digest"):
        yield place[Joined.DIGEST], same
    if same := _same(con, "token"):
        yield place[Joined.TOKEN], same
        con.execute("""CREATE OR REPLACE TEMP TABLE children AS SELECT DISTINCT record FROM
            (SELECT record, unnest(parents) AS parent FROM traits WHERE parents IS NOT NULL)
            WHERE parent IN (SELECT token FROM seed WHERE token IS NOT NULL)""")
        if same := _same(con, "record", "children"):
            yield place[Joined.LINEAGE], same
    con.execute("CREATE OR REPLACE TEMP TABLE parents AS SELECT unnest(parents) AS token FROM seed")
    if same := _same(con, "token", "parents"):
        yield place[Joined.LINEAGE], same
    if same := _same(con, "session"):
        yield place[Joined.SESSION], same
        # a record of a session's token may not name the session
        con.execute(f"CREATE OR REPLACE TEMP TABLE of_sessions AS SELECT DISTINCT token FROM traits WHERE {same}")  # noqa: S608
        if same := _same(con, "token", "of_sessions"):
            yield place[Joined.SESSION], same


def _same(con: DuckDBPyConnection, trait: str, table: str = "seed", column: str = "") -> str:
    """Return the condition that a row has the trait of one in the table, empty if none there has any.

    A few values are written out: the engine then looks at nothing else of the rows that have none of them.
    """
    column = column or trait
    some = f"SELECT DISTINCT {column} AS value FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608  # our own names
    found = [str(row["value"]) for row in rows(con, f"{some} LIMIT {MAX_WRITTEN + 1}")]
    if not found:
        return ""
    return f"{trait} IN ({some if len(found) > MAX_WRITTEN else ', '.join(found)})"


def _of_actors(con: DuckDBPyConnection) -> Iterator[str]:
    """Yield the conditions under which a row is of a user of the seed: by id, or by name where it has no id."""
    if same := _same(con, "subject", column="actor"):
        yield same
    con.execute("""CREATE OR REPLACE TEMP TABLE actor_names AS SELECT actor AS name FROM seed WHERE actor IS NOT NULL
        UNION SELECT name FROM alias WHERE id IN (SELECT actor FROM seed)""")
    if same := _same(con, "subject_name", "actor_names", "name"):
        yield f"subject IS NULL AND {same}"


_FOUND = f"""CREATE OR REPLACE TEMP TABLE found AS
WITH spots AS (SELECT DISTINCT actor, ip, event_time FROM seed WHERE actor IS NOT NULL AND event_time IS NOT NULL),
timed AS (SELECT n.*, least(n.event_time - before.event_time, after.event_time - n.event_time) AS apart,
        least(n.event_time - there.event_time, back.event_time - n.event_time) AS apart_there
    FROM (SELECT * FROM near WHERE sure IS NULL) AS n
    ASOF LEFT JOIN spots AS before ON n.actor = before.actor AND n.event_time >= before.event_time
    ASOF LEFT JOIN spots AS after ON n.actor = after.actor AND n.event_time <= after.event_time
    ASOF LEFT JOIN spots AS there ON n.actor = there.actor AND n.ip = there.ip AND n.event_time >= there.event_time
    ASOF LEFT JOIN spots AS back ON n.actor = back.actor AND n.ip = back.ip AND n.event_time <= back.event_time)
SELECT *, sure AS how FROM near WHERE sure IS NOT NULL
UNION ALL BY NAME
SELECT * EXCLUDE (apart, apart_there), CASE WHEN apart_there <= to_hours({ADDRESS_HOURS}) THEN {_ADDRESS}
    ELSE {_TIME} END AS how
FROM timed WHERE apart <= to_minutes({TIME_MINUTES}) OR apart_there <= to_hours({ADDRESS_HOURS})"""  # noqa: S608


def _next(con: DuckDBPyConnection, wanted: Mapping[Trait, Sequence[str]]) -> list[dict[str, Any]]:
    """Return what the surely joined records carry, and records beyond `found` too: the rarest in the case first."""
    every: list[dict[str, Any]] = []
    for trait in Trait:
        if trait in (Trait.TOKEN, Trait.DIGEST):
            continue  # what has these is found
        value = "actor" if trait is Trait.USER else str(trait)
        asked = ""
        if trait in wanted:
            known = _of_user(con, wanted[trait]) if trait is Trait.USER else _hashes(con, wanted[trait])
            asked = f"AND {value} NOT IN ({known})"
        con.execute(f"""CREATE OR REPLACE TEMP TABLE here AS
            SELECT {value} AS value, count(*) AS here, count_if(how <= {_STRONG}) AS sure,
                min({{file: file, place: place}}) FILTER (how <= {_STRONG}) AS spot
            FROM found WHERE {value} IS NOT NULL {asked} GROUP BY 1 HAVING sure > 0
            ORDER BY sure DESC, value LIMIT {MAX_CANDIDATES}""")  # noqa: S608  # our own names
        if not rows(con, "SELECT 1 FROM here LIMIT 1"):
            continue
        found = rows(con, f"""SELECT here.*, records, spot.file AS file, spot.place AS place
            FROM here JOIN (SELECT value, count(*) AS records FROM ({_of_here(trait, "")}) GROUP BY 1) USING (value)
            WHERE records > here ORDER BY records, sure DESC, value LIMIT {MAX_TOGETHER}""")  # noqa: S608  # our own names
        every += [row | {"trait": trait, "place_of_trait": place} for place, row in enumerate(found)]
    return sorted(every, key=lambda row: (row["records"], -row["sure"]))


def _describe(con: DuckDBPyConnection, told: Sequence[dict[str, Any]]) -> None:
    """Add how many users carry each value, and in how many sign-ins: not asked of what is common, and not told."""
    for trait in dict.fromkeys(row["trait"] for row in told):
        mine = {row["value"]: row for row in told if row["trait"] is trait}
        written = ", ".join(map(str, mine))
        con.execute(f"CREATE OR REPLACE TEMP TABLE here AS SELECT unnest([{written}]::UBIGINT[]) AS value")  # numbers
        for row in rows(con, f"""SELECT value, count(DISTINCT actor) AS users, count_if(signed_in) AS sign_ins
                FROM ({_with_actor(_of_here(trait, "subject, subject_name, signed_in,"))}) GROUP BY 1"""):  # noqa: S608
            mine[row["value"]] |= row


def _of_here(trait: Trait, more: str) -> str:
    """Return a query over the rows of the index that carry a value of `here`: `more` columns, and `value`."""
    if trait is Trait.USER:
        return f"SELECT {more} actor AS value FROM ({_with_actor(f'SELECT * FROM traits WHERE {_OF_HERE}')})"  # noqa: S608
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
