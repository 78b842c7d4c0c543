"""Values in expressions: columns, what is made of them, and the functions that make them.

Names and meaning are Ibis'. What is not listed here does not exist: a type checker says so, and Python when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from counterfoil.expressions.deferred import Deferred, bound_name, called, written

IBIS = Deferred("ibis")


def _variable(depth: int) -> Value:
    return Value("variable", depth)


def _noted(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    return written(args, _variable), written(kwargs, _variable)


def _method(name: str) -> Callable[..., Value]:
    def noted(self: Value, *args: Any, **kwargs: Any) -> Value:
        return Value("call", *called(self, name, *_noted(args, kwargs)))

    return noted


def _operator(name: str, *, turned: bool = False) -> Callable[..., Value]:
    def noted(self: Value, *other: Any) -> Value:
        sides = (self, *map(written, other))
        return Value(name, *(reversed(sides) if turned else sides))

    return noted


class Value(Deferred):
    """A column, or what is computed of columns."""

    __slots__ = ()
    __hash__ = Deferred.__hash__

    __eq__ = _operator("__eq__")  # type: ignore[assignment]  # a comparison is a value
    __ne__ = _operator("__ne__")  # type: ignore[assignment]
    __lt__, __le__, __gt__, __ge__ = map(_operator, ("__lt__", "__le__", "__gt__", "__ge__"))
    __invert__, __neg__ = map(_operator, ("__invert__", "__neg__"))
    __add__, __sub__, __mul__ = map(_operator, ("__add__", "__sub__", "__mul__"))
    __truediv__, __floordiv__, __mod__ = map(_operator, ("__truediv__", "__floordiv__", "__mod__"))
    __and__, __or__, __xor__ = map(_operator, ("__and__", "__or__", "__xor__"))
    __radd__, __rsub__ = _operator("__add__", turned=True), _operator("__sub__", turned=True)
    __rmul__, __rtruediv__ = _operator("__mul__", turned=True), _operator("__truediv__", turned=True)
    __rand__, __ror__ = _operator("__and__", turned=True), _operator("__or__", turned=True)

    # of any type
    cast, try_cast, name, hash, isin, notnull, isnull, fill_null, nullif, hexdigest = map(_method, (
        "cast", "try_cast", "name", "hash", "isin", "notnull", "isnull", "fill_null", "nullif", "hexdigest"))
    # texts
    lower, upper, strip, like, left, substr, replace, length, contains, startswith, endswith, split, lpad = map(
        _method, ("lower", "upper", "strip", "like", "left", "substr", "replace", "length", "contains",
                  "startswith", "endswith", "split", "lpad"))
    re_search, re_extract, re_replace, join, concat, find, as_timestamp = map(_method, (
        "re_search", "re_extract", "re_replace", "join", "concat", "find", "as_timestamp"))
    # numbers and times
    abs, round, sqrt, ln, log2, ceil, epoch_seconds, truncate, date = map(_method, (
        "abs", "round", "sqrt", "ln", "log2", "ceil", "epoch_seconds", "truncate", "date"))
    # lists and maps
    map, filter, flatten, unnest, unique, sort, mins, maxs, sums, get, keys = map(_method, (
        "map", "filter", "flatten", "unnest", "unique", "sort", "mins", "maxs", "sums", "get", "keys"))
    # over many rows
    count, nunique, min, max, sum, any, all, first, collect, argmin, argmax, bit_or, lag, over, desc = (
        _method("count"), _method("nunique"), _method("min"), _method("max"), _method("sum"), _method("any"),
        _method("all"), _method("first"), _method("collect"), _method("argmin"), _method("argmax"),
        _method("bit_or"), _method("lag"), _method("over"), _method("desc"))

    def __getitem__(self, place: Any) -> Value:
        """Return a member of a structure, or an item or a part of a list."""
        return Value("item", self, written(place))

    def __call__(self, *args: Any, **kwargs: Any) -> Value:
        """Return what a function of the engine makes of values."""
        return Value("call", self, *_noted(args, kwargs))


def function(name: str) -> Callable[..., Value]:
    """Return the function of Ibis that has this name."""
    member = Deferred("member", IBIS, name)

    def noted(*args: Any, **kwargs: Any) -> Value:
        return Value("call", member, *_noted(args, kwargs))

    return noted


def bound(name: str, value: str | Sequence[str]) -> Any:
    """Return a text, or the texts that `isin` takes, of which the expression's key holds only the name.

    For what differs from run to run: one name has one value in an expression.
    """
    noted = Value("bound", bound_name(name), isinstance(value, str))
    noted._bound[name] = value if isinstance(value, str) else tuple(value)
    return noted


def builtin(name: str, takes: Sequence[str], gives: str) -> Value:
    """Return a function that the engine has; its types are Ibis' names of them."""
    return Value("builtin", name, tuple(takes), gives)
