"""A question of the user's to a case's tables that a Spark answers: plain tokens and evidence need not come home."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import duckdb
from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.case.results import TABLES, attached, no_results, result_names, views
from counterfoil.case.spark import Spark
from counterfoil.case.spark_tables import SparkTables
from counterfoil.case.tables import MAX_ROWS
from counterfoil.errors import UsageError

# What a question may not be made of: it would change something, or run another program there.
_ACTS = (exp.DDL, exp.DML, exp.Command, exp.Into, exp.QueryTransform)
_CALLS = {"java_method", "reflect", "try_reflect"}
_TOLD = 300  # characters of what an engine says of a query


def query(
    spark: Spark, con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, sql: str
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Run one query of the user's over the tables of a judged case, and return column names and rows.

    Raises UsageError for what is no question, wrong, or answered by more than MAX_ROWS rows; CaseError without results.
    """
    from pyspark.errors import AnalysisException, IllegalArgumentException, ParseException

    one_select(sql)
    known = _offered(spark, con, folder, manifest, sql)
    try:
        found = spark.session.sql(sql).limit(MAX_ROWS + 1).toArrow()
    except (AnalysisException, IllegalArgumentException, ParseException) as error:
        raise UsageError(f"the query failed: {said(error)}", hint=_there_is(spark, known)) from error
    if found.num_rows > MAX_ROWS:
        raise UsageError(f"the answer has more than {MAX_ROWS:,} rows", hint="count or group them, or add a LIMIT")
    return tuple(found.column_names), list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def said(error: Any) -> str:
    """Return what an engine says of a query, as a line: its plan follows."""
    return str(error.getMessage()).partition("\n")[0][:_TOLD]


def one_select(sql: str) -> None:
    """Raise UsageError for all but one SELECT and its like."""
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it would tell of every statement that is none
    try:
        told = parse(sql, read="spark")
    except SqlglotError as error:
        line = " ".join(re.sub(r"\x1b\[\d*m", "", str(error)).split())[:_TOLD]
        raise UsageError(f"the query failed: {line}", hint="it is asked in Spark's SQL") from error
    asked = [each for each in told if each is not None]
    acts = any(each.find(*_ACTS) or _CALLS & {call.name.lower() for call in each.find_all(exp.Func)} for each in asked)
    if acts or len(asked) != 1 or not isinstance(asked[0], exp.Query):
        raise UsageError("expected one SELECT statement", hint="tables: " + ", ".join(TABLES))


def _offered(
    spark: Spark, con: duckdb.DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, sql: str
) -> list[str]:
    """Give the engine those tables of the case that the query names, or that these are made of; return their names."""
    with attached(con, folder) as results:
        if results is None:
            raise no_results(folder)
        tables = SparkTables(spark, con, folder.settled)
        shown = views(con, folder, results, tables.files)
        stored = result_names(con, results)
        needed = _needed(sql, dict.fromkeys((*stored, "evidence_raw"), "") | shown)
        for name in needed:
            if name in shown:
                spark.session.sql(shown[name]).createOrReplaceTempView(name)
            elif name in stored:
                tables.copied(name, f'SELECT * FROM {results}."{name}"')  # noqa: S608  # our own names
            else:
                tables.evidence(name, folder, manifest)
        return needed


def _needed(sql: str, made_of: Mapping[str, str]) -> list[str]:
    """Return the tables that a query speaks of, and what they are made of: tables before them, as in `made_of`."""
    needed: list[str] = []
    for name in reversed([*made_of]):
        if re.search(rf"(?i)\b{name}\b", sql):
            needed.insert(0, name)
            sql += "\n" + made_of[name]
    return needed


def _there_is(spark: Spark, known: list[str]) -> str:
    """Return what a failed query could have named: the columns of its first table, else tables."""
    asked = [name for name in known if name in TABLES]
    if asked:
        return f"columns of {asked[0]}: " + ", ".join(spark.session.table(asked[0]).columns)
    return "tables: " + ", ".join(TABLES)
