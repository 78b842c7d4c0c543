"""What is known of expressions by their keys: their SQL, shipped with the program or found out once.

What is shipped is made by `python -m tests.reconcile.shipped`. A key tells all of how an expression was written: what
is found by it is never out of date, only missing.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.expressions.deferred import Deferred

SHIPPED = Path(__file__).with_name("shipped.json.xz")
# A run has some four hundred; more than this are other runs', and take memory.
MAX_KEPT = 2_000

_BOUND = re.compile("'⟦([a-z_ -]+)⟧'")
_LEFT_OUT = re.compile(r"EXCLUDE \(([^()]*)\)")
_DOUBLED = {"'": "''"}
_NOTHING = "⟦⟧"  # what no value is: an empty list is no SQL

Known = dict[str, str]  # SQL by the key of the expression in hexadecimal digits

# What this process found out.
_own: Known = {}


def sql(expression: Any) -> str:
    """Return the DuckDB SQL of the expression."""
    return with_values(_known(expression), expression._bound)


def with_values(text: str, values: Mapping[str, str | tuple[str, ...]], escape: Mapping[str, str] = _DOUBLED) -> str:
    """Return the SQL of an expression with what is bound in it; `escape`: how an engine writes a sign of a text."""
    if not values:
        return text
    signs = str.maketrans(dict(escape))
    return _BOUND.sub(lambda found: _literals(values[found.group(1)], signs), text)


@contextmanager
def recording() -> Iterator[Known]:
    """Find everything out anew, and yield what was: it grows while expressions are asked for."""
    global _own, _shipped  # only whoever makes what is shipped does this
    before = _own, _shipped
    _own, _shipped = {}, dict
    try:
        yield _own
    finally:
        _own, _shipped = before


def _literals(value: str | tuple[str, ...], signs: dict[int, str]) -> str:
    values = (value,) if isinstance(value, str) else value or (_NOTHING,)
    return ", ".join(f"'{one.translate(signs)}'" for one in values)


def read() -> Known:
    """Return what is shipped."""
    return msgspec.json.decode(lzma.decompress(SHIPPED.read_bytes()), type=Known)


_shipped: Callable[[], Known] = cache(read)


def _known(expression: Deferred) -> str:
    key, shipped = expression._key.hex(), _shipped()
    if key in shipped:
        return shipped[key]
    if key not in _own:
        if len(_own) >= MAX_KEPT:
            _own.clear()
        _own[key] = _compiled(expression)
    return _own[key]


def _compiled(expression: Deferred) -> str:
    import ibis

    from counterfoil.expressions.built import built

    # selects that the engine merges itself need not be merged before
    ibis.options.sql.fuse_selects = False
    text = str(ibis.to_sql(built(expression, named=True), dialect="duckdb", pretty=False))
    # Ibis writes these in the order in which this process happens to keep a set
    return _LEFT_OUT.sub(lambda found: f"EXCLUDE ({', '.join(sorted(found.group(1).split(', ')))})", text)
