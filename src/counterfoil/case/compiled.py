"""The SQL of expressions, each compiled once in a process: that takes longer than to run it on a few records."""

from __future__ import annotations

import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

# A run has some two hundred; more than this are other runs', and take memory.
MAX_KEPT = 500

_SQL: dict[ops.Node, str] = {}


def compiled(con: Backend, table: ir.Table) -> str:
    """Return the SQL of the expression. It names tables, and is the same in any database that has them."""
    expression = table.op()
    if expression not in _SQL:
        if len(_SQL) >= MAX_KEPT:
            _SQL.clear()
        _SQL[expression] = con.compile(table)
    return _SQL[expression]
