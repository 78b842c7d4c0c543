"""Small tables of the embedded engine that are given row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import msgspec

# Rows that are written as one value: the engine takes the square of a list's length to unfold it.
WRITTEN = 500
_TYPES = {
    "string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "boolean": "BOOLEAN", "timestamp(6)": "TIMESTAMP",
    "decimal(38, 1)": "DECIMAL(38, 1)",
}


def give(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
    """Make a temporary table with these columns (name -> Ibis type) and rows, in place of one of that name."""
    con.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {written(columns, rows)}')


def written(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a query that holds the rows.

    They are written into it as JSON: to take a parameter, or a table of Arrow's, the engine imports pandas where there
    is one, which takes as long as judging a small case.
    """
    told = [dict(zip(columns, map(_value, row), strict=True)) for row in rows]
    parts = (told[place : place + WRITTEN] for place in range(0, max(len(told), 1), WRITTEN))
    data = ", ".join("('" + msgspec.json.encode(part).decode().replace("'", "''") + "')" for part in parts)
    kind = msgspec.json.encode([{name: _kind(dtype) for name, dtype in columns.items()}]).decode()
    return f"SELECT unnest(from_json_strict(data, '{kind}'), max_depth := 2) FROM (VALUES {data}) AS written(data)"  # noqa: S608  # quoted above


def _value(value: Any) -> Any:
    """Return the value as JSON can hold it: it knows no number without end."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _kind(dtype: str) -> Any:
    """Return a type that Ibis calls by that name as the engine's JSON functions take it."""
    if dtype.startswith("array<"):
        return [_kind(dtype.removeprefix("array<").removesuffix(">"))]
    if dtype.startswith("struct<"):
        members = dtype.removeprefix("struct<").removesuffix(">").split(", ")
        return {name: _kind(kind) for name, _, kind in (member.partition(": ") for member in members)}
    return _TYPES[dtype]
