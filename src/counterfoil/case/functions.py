"""Functions that mappings ask of the engine beside its own: our macros, and what Python reads of rare forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
from duckdb.func import FunctionNullHandling

from counterfoil.case.canonical import MACROS
from counterfoil.model import addresses, times

# Their names stand in `sources.mapping`, too.
_FUNCTIONS: tuple[tuple[str, Callable[..., Any], Any, str], ...] = (
    ("cf_time", times.read, ["VARCHAR", "VARCHAR", "TIMESTAMP"], "TIMESTAMP"),
    ("cf_no_time", times.is_nothing, ["VARCHAR"], "BOOLEAN"),
    ("cf_address", addresses.canonical, ["VARCHAR"], "VARCHAR"),
)


def install(con: duckdb.DuckDBPyConnection) -> None:
    """Give a new connection the functions."""
    for macro in MACROS:
        con.execute(macro)
    for name, function, takes, gives in _FUNCTIONS:
        con.create_function(name, function, takes, gives, null_handling=FunctionNullHandling.SPECIAL)
