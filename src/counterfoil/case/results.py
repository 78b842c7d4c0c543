"""Results of a case: written as one new database that replaces the old one in a single step, and read from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.evidence import evidence_sql
from counterfoil.case.folder import CaseFolder, pattern, quoted
from counterfoil.case.manifest import Manifest
from counterfoil.case.piles import files_sql, pile_sql
from counterfoil.errors import CaseError, UsageError
from counterfoil.expressions import ir
from counterfoil.expressions.compiled import sql
from counterfoil.model import schema
from counterfoil.model.clearance import STRANGERS
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict

_ORDER = ", ".join(schema.NAMES)


def write_results(
    con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, tables: Mapping[str, ir.Table],
    more: Callable[[], Mapping[str, str]],
) -> None:
    """Write the tables to a new database beside the old one, add those of `more`, then replace it.

    `more` returns queries by name. It is asked when the tables stand, and sees them as `opened` shows them.
    """
    new = folder.root / "case.duckdb.new"
    new.unlink(missing_ok=True)
    con.execute(f"ATTACH '{quoted(new)}' AS results")
    try:
        for name, table in tables.items():
            con.execute(f'CREATE TABLE results."{name}" AS {sql(table)}')
        con.execute(f"CREATE SCHEMA {_SEEN}")
        con.execute(f"SET search_path = '{_SEEN},main'")
        try:
            _make_views(con, folder, manifest)
            for name, query in more().items():
                con.execute(f'CREATE TABLE results."{name}" AS {query}')
        finally:
            con.execute("SET search_path = 'main'")
            con.execute(f"DROP SCHEMA {_SEEN} CASCADE")
    finally:
        con.execute("DETACH results")
    new.chmod(0o600)
    new.replace(folder.results)


_SEEN = "results_seen"  # where the views of results stand while they are written


@contextmanager
def attached(con: duckdb.DuckDBPyConnection, folder: CaseFolder) -> Iterator[str | None]:
    """Yield the name under which the last results are attached for reading; None if there are none."""
    if not folder.results.is_file():
        yield None
        return
    con.execute(f"ATTACH '{quoted(folder.results)}' AS before (READ_ONLY)")
    try:
        yield "before"
    finally:
        con.execute("DETACH before")


@contextmanager
def opened(folder: CaseFolder, manifest: Manifest) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the results for reading, with `evidence` beside them; nothing outside the case can be reached.

    Raises CaseError if the case has no results yet, or if they cannot be read.
    """
    if not folder.results.is_file():
        raise no_results(folder)
    con = duckdb.connect()
    try:
        try:
            _prepare(con, folder, manifest)
        except duckdb.Error as error:
            line = str(error).splitlines()[0][:200]
            raise CaseError(
                f"the results of the case {folder.root} cannot be read: {line}",
                hint="run: counterfoil reconcile --case DIR",
            ) from error
        yield con
    finally:
        con.close()


def no_results(folder: CaseFolder) -> CaseError:
    """Return the error of a case that was not judged yet."""
    return CaseError(
        f"the case {folder.root} has no results yet",
        hint=f"run the same hunt again, or judge what was read: counterfoil reconcile --case {folder.root}",
    )


def _prepare(con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest) -> None:
    """Make views of the tables, then shut everything else out."""
    con.execute(f"ATTACH '{quoted(folder.results)}' AS results (READ_ONLY)")
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET parquet_metadata_cache = true")  # as case.engine does
    _make_views(con, folder, manifest)
    read = (folder.evidence, folder.settled, folder.traits)
    allowed = [path for own in read for path in (own.resolve(), own, pattern(own))]
    con.execute("SET allowed_directories = [" + ", ".join(f"'{quoted(path)}'" for path in allowed) + "]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _make_views(con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest) -> None:
    """Make views of the attached results, and of the evidence beside them."""
    tables = {name: f'SELECT * FROM results."{name}"' for name in result_names(con, "results")}  # noqa: S608  # our own names
    evidence = {"evidence_raw": evidence_sql(folder, manifest, more=_PLACE)}
    for name, query in (tables | evidence | views(con, folder, "results")).items():
        con.execute(f'CREATE VIEW "{name}" AS {query}')


def result_names(con: duckdb.DuckDBPyConnection, results: str) -> list[str]:
    """Return the names of the tables of results that are attached under this name."""
    found = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [results]).fetchall()
    return [name for (name,) in found]


# What the results say of a token that is minted and nothing else: it lies on a pile, not among those judged.
_MINTED = {
    "verdict": f"'{Verdict.MINTED}'",
    "reason": f"CASE WHEN by_digest THEN '{Reason.BY_DIGEST}' ELSE '{Reason.BY_ID}' END",
    "suspicion": "0.0",
    "rules": "NULL",
    **dict.fromkeys(("group_rule", "group_issuer", "group_client"), "NULL"),
    "diagnosis": "NULL",
    "needs": "NULL",
    **dict.fromkeys(("ordinary", "explained", "route", "refuted", "silent", "outside_life", "early"), "false"),
}


def views(
    con: duckdb.DuckDBPyConnection, folder: CaseFolder, results: str, files: Callable[[Path, str], str] = files_sql
) -> dict[str, str]:
    """Return what is shown of what was judged, of the piles and of `evidence_raw`, as queries by name, in order.

    `results`: the name under which `con` has them attached; `files`: what an engine reads a pile with (`pile_sql`).
    Every engine takes these words.
    """
    made = con.execute(f"SELECT name FROM {results}.generations ORDER BY place").fetchall()  # noqa: S608  # our own name
    piles = [folder.settled / name for (name,) in made]
    columns = [name for (name, *_) in con.execute(f"DESCRIBE {results}.judged").fetchall()]
    plain = ", ".join(f"{_MINTED.get(name, f't.{name}')} AS {name}" for name in columns)
    since, until = con.execute(f"SELECT since, until FROM {results}.judged_window").fetchall()[0]  # noqa: S608
    inside = "" if since is None else f" AND last_seen >= TIMESTAMP '{since}'"
    inside += "" if until is None else f" AND first_seen < TIMESTAMP '{until}'"
    shown = "WHERE token_key IN (SELECT token_key FROM tokens)" if inside else ""
    merged = con.execute(f"SELECT 1 FROM {results}.merged LIMIT 1").fetchall()  # noqa: S608
    return {
        "settled_tokens": pile_sql(piles, "tokens", files),
        "settled_uses": pile_sql(piles, "uses", files),
        "tokens": f"""SELECT * FROM judged UNION ALL
        SELECT {plain} FROM settled_tokens t WHERE plain{inside} AND token_key NOT IN (SELECT token_key FROM caught)""",  # noqa: S608
        "strangers": f"SELECT * FROM tokens WHERE {STRANGERS}",  # noqa: S608
        "acceptances": f"""SELECT * FROM (SELECT token_key, event_time, source, record_id, derived, child_id, raw_file,
        raw_position FROM settled_uses UNION ALL SELECT token_key, first_seen, source, record_id, derived, NULL,
        raw_file, raw_position FROM settled_tokens WHERE acceptances = 1 AND derived = '') AS used {shown}""",  # noqa: S608
        "evidence": _ONCE if merged else _AS_READ,
    }


# Where a row of evidence lies.
_PLACE = ("filename", "file_row_number")
# Every record once: what occurs in several wrappers is read from the merged rows. Where nothing does, no id is read for
# it. (Of NOT EXISTS the engine makes a join that holds all columns of all records.)
_AS_READ = f"SELECT {_ORDER} FROM evidence_raw"  # noqa: S608  # our own names
_UNMERGED = "ANTI JOIN merged m ON m.source = e.source AND m.record_id = e.record_id"
_ONCE = f"""SELECT {_ORDER} FROM evidence_raw e {_UNMERGED}
UNION ALL SELECT {_ORDER} FROM merged"""  # noqa: S608  # our own names


# Files, and rows of them, that are written into a query.
_MAX_WRITTEN = 5_000


def chosen(con: duckdb.DuckDBPyConnection, table: str, by: Sequence[str]) -> str:
    """Return a query for the records of `evidence` that a small table names by these columns.

    Of a record that a join throws away the engine reads all that is asked for. So where they lie is found first, by
    those columns alone, and of the files and groups of rows in which none lies nothing else is read. The query is good
    until the next is asked for.
    """
    same = " AND ".join(f"f.{column} = e.{column}" for column in by)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE chosen_places AS SELECT {', '.join(_PLACE)}
        FROM evidence_raw e SEMI JOIN {table} f ON {same}""")  # noqa: S608  # our own names
    inside = "".join(_written(con, column) for column in _PLACE)
    once = "" if not rows(con, "SELECT 1 FROM merged LIMIT 1") else _UNMERGED
    return f"""SELECT {_ORDER} FROM (SELECT e.* FROM evidence_raw e SEMI JOIN chosen_places USING ({', '.join(_PLACE)})
        WHERE true{inside}) e {once}
    UNION ALL SELECT {_ORDER} FROM merged e SEMI JOIN {table} f ON {same}"""  # noqa: S608  # our own names


def _written(con: duckdb.DuckDBPyConnection, column: str) -> str:
    """Return the condition that the column has one of the chosen values, empty if they are many."""
    some = f"SELECT DISTINCT {column} AS value FROM chosen_places ORDER BY value LIMIT {_MAX_WRITTEN + 1}"  # noqa: S608
    values = [row["value"] for row in rows(con, some)]
    found = [str(value) if isinstance(value, int) else f"'{quoted(value)}'" for value in values]
    return f" AND e.{column} IN ({', '.join(found) or 'NULL'})" if len(found) <= _MAX_WRITTEN else ""


def query(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Run one query of the user's and return column names and rows; raises UsageError for what is wrong in it.

    Only SELECT and its like: the engine may read the evidence files, and what it may read it may overwrite.
    """
    try:
        kinds = [statement.type for statement in con.extract_statements(sql)]
        if kinds != [duckdb.StatementType.SELECT]:
            raise UsageError("expected one SELECT statement", hint="tables: " + ", ".join(TABLES))
        found = con.execute(sql)
        names = tuple(column[0] for column in found.description or ())
        return names, found.fetchall()
    except duckdb.Error as error:
        lines = str(error).strip().splitlines()
        raise UsageError(f"the query failed: {' '.join(lines[:2])[:300]}", hint=_there_is(con, sql, error)) from error


def _there_is(con: duckdb.DuckDBPyConnection, sql: str, error: duckdb.Error) -> str:
    """Return what a failed query could have named: the columns of its first table if one is missing, else tables."""
    asked = [name for name in TABLES if re.search(rf"(?i)\b{name}\b", sql)]
    if isinstance(error, duckdb.BinderException) and asked:
        columns = con.execute(f"SELECT * FROM {asked[0]} LIMIT 0").description or ()  # noqa: S608  # our own name
        return f"columns of {asked[0]}: " + ", ".join(str(column[0]) for column in columns)
    return "tables: " + ", ".join(TABLES)


def rows(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of one of our own queries as dictionaries."""
    try:
        found = con.execute(sql, list(parameters))
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        hint = "judge it again: counterfoil reconcile --case DIR"
        raise CaseError("the results of this case were made by another version", hint=hint) from error
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


TABLES = (
    "evidence", "tokens", "strangers", "acceptances", "findings", "intrusions", "intrusion_records", "intrusion_links",
    "coverage", "strata", "keys", "rejects", "inputs",
)
