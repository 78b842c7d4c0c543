"""Builds in Ibis what was written down."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import Parameter, Signature
from typing import Any

import ibis
from ibis.backends.sql.datatypes import DuckDBType

from counterfoil.expressions.deferred import Deferred

# Tables have the same few types again and again, and reading one takes longer than all else of a column.
_dtype = cache(DuckDBType.from_string)

_Memo = dict[int, Any]  # by the identity of what was built
_NAMED = 0  # the place of the names that stand for values


def built(expression: Deferred, *, named: bool = False) -> Any:
    """Return the Ibis expression. Its tables are bound to no engine; any that has tables of these names takes it.

    `named`: what was bound to a name is that name, in brackets.
    """
    values: _Memo = {_NAMED: {name: f"⟦{name}⟧" for name in expression._bound}} if named else {}
    return _built(expression, values)


def _built(value: Any, memo: _Memo) -> Any:
    if isinstance(value, Deferred):
        if id(value) not in memo:
            memo[id(value)] = _KINDS.get(value._kind, _operated)(value, memo)  # that is what this file is for
        return memo[id(value)]
    if isinstance(value, tuple):
        return tuple(_built(each, memo) for each in value)
    if isinstance(value, dict):
        return {name: _built(each, memo) for name, each in value.items()}
    return value


def _parts(value: Deferred, memo: _Memo) -> tuple[Any, ...]:
    return tuple(_built(part, memo) for part in value._parts)


def _operated(value: Deferred, memo: _Memo) -> Any:
    return getattr(operator, value._kind)(*_parts(value, memo))


def _table(value: Deferred, _: _Memo) -> Any:
    name, columns = value._parts
    return ibis.table({column: _dtype(dtype) for column, dtype in columns}, name=name)


def _builtin(value: Deferred, _: _Memo) -> Any:
    name, takes, gives = value._parts
    function = _taking(lambda *_: None, [f"a{place}" for place in range(len(takes))])
    return ibis.udf.scalar.builtin(function, name=name, signature=(tuple(takes), gives))


def _bound(value: Deferred, memo: _Memo) -> Any:
    (name, single), given = value._parts, value._bound
    told = memo.get(_NAMED, given)[name]
    return told if single or not isinstance(told, str) else (told,)


def _call(value: Deferred, memo: _Memo) -> Any:
    function, args, kwargs = _parts(value, memo)
    return function(*args, **kwargs)


def _function(value: Deferred, memo: _Memo) -> Any:
    variable, body = value._parts
    # in SQL a variable hides those around it that have its name
    name = f"v{variable._parts[0]}"

    def made(*given: Any, **named: Any) -> Any:  # a table's is given its argument, a list's by name
        return _built(body, memo | {id(variable): given[0] if given else named[name]})

    return _taking(made, [name])


def _taking(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """Return the function as one whose arguments have these names: Ibis reads them off."""
    taken = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    function.__signature__ = Signature(taken)  # type: ignore[attr-defined]  # which `inspect` looks for
    return function


_KINDS: Mapping[str, Callable[[Deferred, _Memo], Any]] = {
    "ibis": lambda *_: ibis,
    "table": _table,
    "builtin": _builtin,
    "member": lambda value, memo: getattr(*_parts(value, memo)),
    "item": lambda value, memo: operator.getitem(*_parts(value, memo)),
    "slice": lambda value, memo: slice(*_parts(value, memo)),
    "bound": _bound,
    "call": _call,
    "function": _function,
}
