"""Rows of a table that a Spark knows, as JSON lines: a member for each column, in the forms that logs have.

NULL is `null`, as a column is always there; a time is UTC in ISO 8601; bytes are base64; a VARIANT is the JSON that it
holds. A table of one column of texts holds records as they were written, whatever the column is called.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from counterfoil.case.spark import Spark, uri
from counterfoil.case.spark_dialect import column, literal
from counterfoil.case.spark_query import one_select, said
from counterfoil.errors import UsageError

MAX_SHOWN = 80  # characters of a table in a message
_WHOLE = re.compile(r"(?i)\s*(?:select|with)\b")
_ZONED, _UTC = (literal(f"yyyy-MM-dd'T'HH:mm:ss.SSSSSS{zone}") for zone in ("XXX", "'Z'"))
_TIMES = f"map('timestampFormat', {_ZONED}, 'timestampNTZFormat', {_UTC})"
_HINT = "what stands after FROM in the engine's SQL, or one SELECT; the server must know the table, and may read it"
_VIEW = "cf_table"


def shown(table: str) -> str:
    """Return a table as a message names it."""
    line = " ".join(table.split())
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN // 2]}…{line[-MAX_SHOWN // 2:]}"


def selected(table: str) -> str:
    """Return the one SELECT that a table means: itself, or all of what can stand after FROM. Raises UsageError."""
    query = table if _WHOLE.match(table) else f"SELECT * FROM {table}"  # noqa: S608  # the user's own, checked here
    try:
        one_select(query)
    except UsageError as error:
        raise UsageError(f"--table {shown(table)}: neither a table nor one SELECT", hint=_HINT) from error
    return query


def first_lines(spark: Spark, table: str, count: int) -> list[str]:
    """Return some rows of the table as JSON texts; raises UsageError for what is no table, or cannot be read."""
    from pyspark.errors import PySparkException

    query = selected(table)
    try:
        found = spark.session.sql(_lines(spark, query, table)).limit(count).toArrow()
    except PySparkException as error:
        raise UsageError(f"--table {shown(table)}: {said(error)}", hint=_HINT) from error
    return [str(text) for text in found.column(0).to_pylist()]


def write_lines(spark: Spark, table: str, place: Path, rows: int) -> list[Path]:
    """Write all rows of the table into the new folder, at most so many to a file where the engine minds it.

    Return the files, some of which may be empty.
    """
    frame = spark.session.sql(_lines(spark, selected(table), table))
    frame.write.option("maxRecordsPerFile", rows).text(uri(place))
    return sorted(place.glob("*.txt"))


def _lines(spark: Spark, query: str, table: str) -> str:
    """Return a query of one column, `value`: a JSON text for each row."""
    frame = spark.session.sql(query)
    frame.createOrReplaceTempView(_VIEW)
    fields = frame.schema.fields
    names = [field.name.lower() for field in fields]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"--table {shown(table)}: several columns are called {twice[0]}", hint="name each with AS")
    if len(fields) == 1 and fields[0].dataType.typeName() == "string":
        # a line feed within JSON is a blank, and here it would end the line
        text = f"regexp_replace({column(names[0])}, '[\\\\r\\\\n]+', ' ')"
        return f"SELECT {text} AS value FROM {_VIEW} WHERE {column(names[0])} IS NOT NULL"  # noqa: S608
    whole = len(fields) == 1 and fields[0].dataType.typeName() == "variant"
    value = _json(column(names[0]), fields[0].dataType) if whole else _object("", fields)
    return f"SELECT {value} AS value FROM {_VIEW}"  # noqa: S608


def _object(of: str, fields: Any) -> str:
    """Return the SQL of an object with a member for each field of `of`."""
    members = [
        f"concat({literal(json.dumps(field.name) + ':')}, {_json(of + column(field.name), field.dataType)})"
        for field in fields
    ]
    return f"concat('{{', concat_ws(',', {', '.join(members)}), '}}')" if members else "'{}'"


def _json(value: str, kind: Any, depth: int = 0) -> str:
    """Return the SQL of a value as JSON. Written out, since not every engine keeps NULLs, or digits, or VARIANTs."""
    name = kind.typeName()
    if name == "struct":
        text = _object(f"{value}.", kind.fields)
    elif name == "array":
        item = f"item{depth}"
        inner = _json(item, kind.elementType, depth + 1)
        text = f"concat('[', concat_ws(',', transform({value}, {item} -> {inner})), ']')"
    elif name == "variant":
        text = f"to_json({value})"
    elif name in ("boolean", "byte", "short", "integer", "long", "decimal"):
        text = f"CAST({value} AS string)"
    else:  # {"v":...}
        held = f"to_json(named_struct('v', {value}), {_TIMES})"
        text = f"substring({held}, 6, length({held}) - 6)"
        if name in ("float", "double"):  # a JVM writes large ones with an exponent, which no log has
            digits = f"CAST(CAST({value} AS decimal(22, 6)) AS string)"
            text = f"CASE WHEN abs({value}) >= 1e7 AND abs({value}) < 1e15 THEN {digits} ELSE {text} END"
    return f"CASE WHEN {value} IS NULL THEN 'null' ELSE {text} END"
