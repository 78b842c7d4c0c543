"""What a pivot finds: the records of the index that carry what was asked, and those that are joined to them.

A row of the index is many columns, and its groups are read whole: so each way is searched in the one column that it
needs, which gives places, and only the rows at those places are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from duckdb import DuckDBPyConnection

from counterfoil.case.folder import CaseFolder
from counterfoil.case.given import give
from counterfoil.case.manifest import Manifest
from counterfoil.case.results import rows
from counterfoil.case.traits import COLUMNS, index_sql, traits_sql
from counterfoil.model.pivot import Joined, Trait

# A seed of more records is not followed at all; one of more than the second, not by its users.
MAX_FOLLOWED, MAX_BY_USER = 100_000, 10_000
ADDRESS_HOURS, TIME_MINUTES = 24, 10
MAX_WRITTEN = 5_000  # values that are written into a query

_ADDRESS, _TIME = (list(Joined).index(way) + 1 for way in (Joined.ADDRESS, Joined.TIME))
# What is read of a row of the index, and where it lies there.
_SPOT = "batch, row"
_READ = ", ".join(("event_time", *COLUMNS, "parents", "file", "place", _SPOT))


def prepare(con: DuckDBPyConnection, folder: CaseFolder, manifest: Manifest) -> None:
    """Make `traits`, each record once, and `alias`: names that stand for one id, as hashes."""
    con.execute(f"CREATE OR REPLACE TEMP VIEW raw_traits AS {index_sql(folder, manifest)}")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE merged_traits AS SELECT {traits_sql()},
        NULL::VARCHAR AS file, rowid AS place, -1::BIGINT AS batch, rowid AS row FROM results.merged""")  # noqa: S608
    every = "SELECT * FROM raw_traits"
    if rows(con, "SELECT 1 FROM merged_traits LIMIT 1"):  # in several wrappers: it counts as the results have it
        every += " WHERE record NOT IN (SELECT record FROM merged_traits) UNION ALL SELECT * FROM merged_traits"
    con.execute(f"CREATE OR REPLACE TEMP VIEW traits AS {every}")
    con.execute("""CREATE OR REPLACE TEMP TABLE alias AS
        SELECT hash(subject_name) AS name, min(hash(proven_id)) AS id FROM names GROUP BY 1""")


def find(con: DuckDBPyConnection, wanted: Mapping[Trait, Sequence[str]], limit: int) -> tuple[dict[int, int], str]:
    """Make `found`: the records that touch what is wanted, with `how` (a place in `Joined`, or 0) and `actor`.

    Returns how many there are of each `how`, and why not all ways were followed, or an empty text. Of what is too
    common to be followed the first `limit` in time are found.
    """
    carries = _carry(con, wanted)
    asked = _searched((0, each) for each in carries)
    con.execute(f"CREATE OR REPLACE TEMP TABLE spots AS {asked} LIMIT {MAX_FOLLOWED + 1}")
    (seed,) = rows(con, "SELECT count(*) AS records FROM spots")
    if seed["records"] > MAX_FOLLOWED:
        return _first(con, carries, limit), f"too common here to follow: more than {MAX_FOLLOWED:,} records carry it"
    con.execute(f"CREATE OR REPLACE TEMP TABLE seed AS {_at_spots(con)}")
    if ways := [*_ways(con)]:
        con.execute(f"""CREATE OR REPLACE TEMP TABLE spots AS SELECT {_SPOT}, min(how) AS how
            FROM ({_searched(ways)}) ANTI JOIN seed USING ({_SPOT}) GROUP BY ALL""")  # noqa: S608  # our own names
        con.execute(f"CREATE OR REPLACE TEMP TABLE near AS FROM seed UNION ALL {_at_spots(con)}")
    else:
        con.execute("CREATE OR REPLACE TEMP TABLE near AS FROM seed")
    by_user = seed["records"] <= MAX_BY_USER and set(wanted) != {Trait.USER}  # those of a user are all found
    con.execute(f"CREATE OR REPLACE TEMP TABLE found AS FROM near{_by_user(con) if by_user else ''}")
    counted = rows(con, "SELECT how, count(*) AS records FROM found GROUP BY how")
    open_ = not by_user and set(wanted) != {Trait.USER}
    told = f"users not followed: more than {MAX_BY_USER:,} records carry it" if open_ else ""
    return {row["how"]: row["records"] for row in counted}, told


def _searched(ways: Iterable[tuple[int, str]]) -> str:
    """Return a query for where the rows lie that fulfil one of the conditions, with the number that it has."""
    return " UNION ALL ".join(
        f"SELECT {_SPOT}, {number} AS how FROM traits WHERE {condition}" for number, condition in ways  # noqa: S608
    )


def _at_spots(con: DuckDBPyConnection) -> str:
    """Return a query for the rows at `spots`, with `how` and `actor`.

    A few places are written out: the engine then reads of the index the groups in which they lie.
    """
    some = f"SELECT DISTINCT row FROM spots LIMIT {MAX_WRITTEN + 1}"  # noqa: S608  # a number
    few = [str(row["row"]) for row in rows(con, some)]
    only = f"WHERE row IN ({', '.join(few)})" if 0 < len(few) <= MAX_WRITTEN else ""
    return with_actor(" UNION ALL ".join(
        f"SELECT {_READ}, how FROM {table} JOIN spots USING ({_SPOT}) {only}"  # noqa: S608  # our own names, and numbers
        for table in ("raw_traits", "merged_traits")
    ))


def _first(con: DuckDBPyConnection, carries: Sequence[str], limit: int) -> dict[int, int]:
    """Make `found` of the first in time of those that fulfil one of the conditions; return how many do in all."""
    every = " UNION ALL ".join(f"SELECT event_time, {_SPOT} FROM traits WHERE {each}" for each in carries)  # noqa: S608
    last = f"SELECT max(event_time) FROM (SELECT event_time FROM ({every}) ORDER BY event_time LIMIT {limit})"  # noqa: S608
    con.execute(f"""CREATE OR REPLACE TEMP TABLE spots AS SELECT {_SPOT}, 0 AS how
        FROM ({every}) WHERE event_time <= ({last})""")  # noqa: S608  # our own names, and a number
    con.execute(f"CREATE OR REPLACE TEMP TABLE found AS {_at_spots(con)}")
    return {0: int(rows(con, f"SELECT count(*) AS records FROM ({every})")[0]["records"])}  # noqa: S608


def _carry(con: DuckDBPyConnection, wanted: Mapping[Trait, Sequence[str]]) -> list[str]:
    """Return conditions that exclude each other: a row of the index that carries what is wanted fulfils one of them.

    They are plain ones, so that the engine passes over what cannot fulfil them without reading it.
    """
    plain = [f"{trait} IN ({hashes(con, values)})" for trait, values in wanted.items() if trait is not Trait.USER]
    if Trait.USER not in wanted:
        return [" AND ".join(plain)]
    of = of_user(con, wanted[Trait.USER])
    ways: list[str] = []
    for each in of.split(", "):  # one value to a scan: the index is in the order of users
        ways += [f"subject = {each}", f"subject_name = {each} AND NOT coalesce(subject IN ({of}), false)"]
    return [" AND ".join([way, *plain]) for way in ways]


def of_user(con: DuckDBPyConnection, values: Sequence[str]) -> str:
    """Return the hashes of the ids and names of the users, and of what evidence proves to be theirs."""
    _give(con, values)
    either = f"subject_name IN {_GIVEN} OR proven_id IN {_GIVEN}"
    told = rows(con, f"SELECT subject_name, proven_id FROM names WHERE {either}")  # noqa: S608  # our own names
    whose = [*values, *(row["proven_id"] for row in told), *(row["subject_name"] for row in told)]
    _give(con, whose)
    known = rows(con, f"SELECT subject_name FROM names WHERE proven_id IN {_GIVEN}")  # noqa: S608  # our own names
    return hashes(con, dict.fromkeys([*whose, *(row["subject_name"] for row in known)]))


def hashes(con: DuckDBPyConnection, values: Iterable[str]) -> str:
    """Return the numbers that the index has for the values, as SQL lists them."""
    _give(con, values)
    return ", ".join(str(row["h"]) for row in rows(con, "SELECT DISTINCT hash(value) AS h FROM given_values"))


# Values come as a table: for a parameter the engine imports pandas where there is one, which takes a quarter second.
_GIVEN = "(SELECT value FROM given_values)"


def _give(con: DuckDBPyConnection, values: Iterable[str]) -> None:
    give(con, "given_values", {"value": "string"}, [(value,) for value in values])


def with_actor(query: str) -> str:
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
        if rows(con, f"{_PARENTS} LIMIT 1"):
            con.execute("""CREATE OR REPLACE TEMP TABLE children AS SELECT record FROM traits
                WHERE list_has_any(parents, (SELECT list(DISTINCT token) FROM seed WHERE token IS NOT NULL))""")
            yield place[Joined.LINEAGE], _same(con, "record", "children")
    con.execute("CREATE OR REPLACE TEMP TABLE parents AS SELECT unnest(parents) AS token FROM seed")
    if same := _same(con, "token", "parents"):
        yield place[Joined.LINEAGE], same
    if same := _same(con, "session"):
        yield place[Joined.SESSION], same
        # a record of a session's token may not name the session
        con.execute(f"CREATE OR REPLACE TEMP TABLE of_sessions AS SELECT DISTINCT token FROM traits WHERE {same}")  # noqa: S608
        if same := _same(con, "token", "of_sessions"):
            yield place[Joined.SESSION], same


# Asked first, for lists alone are soon read.
_PARENTS = """SELECT 1 FROM (SELECT unnest(parents) AS parent FROM traits)
    WHERE parent IN (SELECT token FROM seed WHERE token IS NOT NULL)"""


def _same(con: DuckDBPyConnection, trait: str, table: str = "seed", column: str = "") -> str:
    """Return the condition that a row has the trait of one in the table, empty if none there has any.

    A few values are written out: of what lies in their order the engine then reads a few groups.
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


def _by_user(con: DuckDBPyConnection) -> str:
    """Return what is added to `near`: records of a user of the seed, from his address there or about that time."""
    each = [f"SELECT {_READ} FROM traits WHERE {condition}" for condition in _of_actors(con)]  # noqa: S608  # our own
    if not each:
        return ""
    return f""" UNION ALL BY NAME (WITH around AS ({with_actor(" UNION ALL ".join(each))}),
stands AS (SELECT DISTINCT actor, ip, event_time FROM seed WHERE actor IS NOT NULL AND event_time IS NOT NULL),
reach AS (SELECT actor, min(event_time) - to_hours({ADDRESS_HOURS}) AS begins,
    max(event_time) + to_hours({ADDRESS_HOURS}) AS ends FROM stands GROUP BY actor),
timed AS (SELECT n.*, least(n.event_time - before.event_time, after.event_time - n.event_time) AS apart,
        least(n.event_time - there.event_time, back.event_time - n.event_time) AS apart_there
    FROM (SELECT around.* FROM around JOIN reach USING (actor) ANTI JOIN near USING ({_SPOT})
        WHERE event_time BETWEEN begins AND ends) AS n
    ASOF LEFT JOIN stands AS before ON n.actor = before.actor AND n.event_time >= before.event_time
    ASOF LEFT JOIN stands AS after ON n.actor = after.actor AND n.event_time <= after.event_time
    ASOF LEFT JOIN stands AS there ON n.actor = there.actor AND n.ip = there.ip AND n.event_time >= there.event_time
    ASOF LEFT JOIN stands AS back ON n.actor = back.actor AND n.ip = back.ip AND n.event_time <= back.event_time)
SELECT * EXCLUDE (apart, apart_there), CASE WHEN apart_there <= to_hours({ADDRESS_HOURS}) THEN {_ADDRESS}
    ELSE {_TIME} END AS how
FROM timed WHERE apart <= to_minutes({TIME_MINUTES}) OR apart_there <= to_hours({ADDRESS_HOURS}))"""  # noqa: S608
