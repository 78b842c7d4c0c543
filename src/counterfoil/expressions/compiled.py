"""What is known of expressions by their keys: SQL and columns, shipped with the program or found out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from counterfoil.expressions.deferred import Deferred

# A run has some four hundred; more than this are other runs', and take memory.
MAX_KEPT = 2_000

_Known = TypeVar("_Known")

_SQL: dict[bytes, str] = {}
_COLUMNS: dict[bytes, tuple[str, ...]] = {}


def sql(expression: Any) -> str:
    """Return the DuckDB SQL of the expression."""
    return _known(_SQL, expression, _compiled)


def columns(expression: Any) -> tuple[str, ...]:
    """Return the names of the table's columns."""
    return _known(_COLUMNS, expression, _columns)


def _known(kept: dict[bytes, _Known], expression: Deferred, found: Callable[[Deferred], _Known]) -> _Known:
    key = expression._key  # which is what this file goes by
    if key not in kept:
        if len(kept) >= MAX_KEPT:
            kept.clear()
        kept[key] = found(expression)
    return kept[key]


def _columns(table: Deferred) -> tuple[str, ...]:
    from counterfoil.expressions.built import built  # Ibis takes a second to import

    return tuple(built(table).columns)


# Rules ask a table for them as they do in Ibis.
Deferred.columns = property(columns)  # type: ignore[attr-defined]  # to a type checker it is a table of Ibis


def _compiled(expression: Deferred) -> str:
    import ibis

    from counterfoil.expressions.built import built

    # selects that the engine merges itself need not be merged before
    ibis.options.sql.fuse_selects = False
    return str(ibis.to_sql(built(expression), dialect="duckdb", pretty=False))
