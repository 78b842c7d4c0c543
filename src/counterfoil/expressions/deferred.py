"""Expressions as they are written: each notes what was called on what, and has a key that says so.

Two expressions have one key if, and only if, they were written alike over tables of the same names and columns: all
that is known by key, such as SQL, holds for both. What a key does not tell is found out by building the expression.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

_KEY_BYTES = 16
_NAME = re.compile("[a-z_ -]+")
_PLAIN = (str, int, float, type(None), bytes, datetime, date, timedelta, Decimal)

# Variables of functions that are being written down: how many enclose this place.
_depth = 0


class Deferred:
    """One call, member, operator or table; anything that is done with it is noted as another."""

    __slots__ = ("_bound", "_key", "_kind", "_parts")
    __hash__ = object.__hash__
    __iter__ = None  # or else Python would ask for member after member

    def __init__(self, kind: str, *parts: Any) -> None:
        self._kind, self._parts = kind, parts
        self._bound: dict[str, str | tuple[str, ...]] = {}
        self._key = hashlib.blake2b(kind.encode() + _key_of(parts, self._bound), digest_size=_KEY_BYTES).digest()

    def __getattr__(self, name: str) -> Deferred:
        if name.startswith("__"):
            raise AttributeError(name)
        return Deferred("member", self, name)

    def __getitem__(self, place: Any) -> Deferred:
        return Deferred("item", self, written(place))

    def __call__(self, *args: Any, **kwargs: Any) -> Deferred:
        """Note the call."""
        return Deferred("call", self, written(args), written(kwargs))

    def __bool__(self) -> bool:
        raise TypeError("an expression is neither true nor false before it is computed")

    def __repr__(self) -> str:
        return f"Deferred({self._kind}, {self._key.hex()})"


def _operator(name: str, *, turned: bool = False) -> Callable[..., Deferred]:
    def noted(self: Deferred, *other: Any) -> Deferred:
        sides = (self, *map(written, other))
        return Deferred(name, *(reversed(sides) if turned else sides))

    return noted


_TWO_SIDES = ("add", "sub", "mul", "truediv", "floordiv", "mod", "and", "or", "xor")
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "invert", "neg", *_TWO_SIDES):
    setattr(Deferred, f"__{_name}__", _operator(f"__{_name}__"))
for _name in _TWO_SIDES:
    setattr(Deferred, f"__r{_name}__", _operator(f"__{_name}__", turned=True))


def written(value: Any) -> Any:
    """Return a value that is given to an expression as it is noted: functions as what they make of a variable."""
    if isinstance(value, Deferred):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, slice):
        return Deferred("slice", *map(written, (value.start, value.stop, value.step)))
    if isinstance(value, Mapping):
        return {name: written(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return tuple(map(written, value))
    if callable(value):
        return _function(value)
    raise TypeError(f"cannot stand in an expression: {type(value).__name__}")


def _function(function: Callable[[Deferred], Any]) -> Deferred:
    global _depth  # as deep as Python's own stack
    variable = Deferred("variable", _depth)
    _depth += 1
    try:
        return Deferred("function", variable, written(function(variable)))
    finally:
        _depth -= 1


def _key_of(value: Any, values: dict[str, str | tuple[str, ...]]) -> bytes:
    """Return what tells how the value was written, and add to `values` what is bound in it."""
    if isinstance(value, Deferred):
        values |= value._bound
        return value._key
    if isinstance(value, tuple):
        return b"(%d:%b)" % (len(value), b"".join([_key_of(each, values) for each in value]))
    if isinstance(value, dict):
        members = [_key_of(each, values) for pair in value.items() for each in pair]
        return b"{%d:%b}" % (len(value), b"".join(members))
    text = f"{type(value).__name__}:{value!r}".encode()
    return b"%d:%b" % (len(text), text)


def table(name: str, columns: Sequence[tuple[str, str]]) -> Any:
    """Return the table of that name in the engine, with these columns and the engine's names of their types."""
    return Deferred("table", name, tuple(columns))


def bound(name: str, value: str | Sequence[str]) -> Any:
    """Return a text, or the texts that `isin` takes, of which the expression's key holds only the name.

    For what differs from run to run: one name has one value in an expression.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name: {name!r}")
    noted = Deferred("bound", name, isinstance(value, str))
    noted._bound[name] = value if isinstance(value, str) else tuple(value)
    return noted


def builtin(name: str, takes: Sequence[str], gives: str) -> Any:
    """Return a function that the engine has; its types are Ibis' names of them."""
    return Deferred("builtin", name, tuple(takes), gives)


class _Types:
    """Stands for `ibis.expr.types` where annotations are read when the program runs."""

    def __getattr__(self, name: str) -> object:
        return Any


IBIS: Any = Deferred("ibis")
TYPES: Any = _Types()
