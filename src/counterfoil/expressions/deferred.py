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
    """One call, member, operator or table."""

    __slots__ = ("_bound", "_key", "_kind", "_parts")
    __hash__ = object.__hash__
    __iter__ = None  # or else Python would ask for item after item

    def __init__(self, kind: str, *parts: Any) -> None:
        self._kind, self._parts = kind, parts
        self._bound: dict[str, str | tuple[str, ...]] = {}
        self._key = hashlib.blake2b(kind.encode() + _key_of(parts, self._bound), digest_size=_KEY_BYTES).digest()

    def __bool__(self) -> bool:
        raise TypeError("an expression is neither true nor false before it is computed")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._kind}, {self._key.hex()})"


def written(value: Any, variable: Callable[[int], Deferred] | None = None) -> Any:
    """Return a value that is given to an expression as it is noted: functions as what they make of a variable.

    `variable` makes the one of a function at a depth.
    """
    if isinstance(value, Deferred):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, slice):
        return Deferred("slice", *(written(part) for part in (value.start, value.stop, value.step)))
    if isinstance(value, Mapping):
        return {name: written(each, variable) for name, each in value.items()}
    if isinstance(value, Sequence):
        return tuple(written(each, variable) for each in value)
    if callable(value) and variable is not None:
        return _function(value, variable)
    raise TypeError(f"cannot stand in an expression: {type(value).__name__}")


def _function(function: Callable[[Any], Any], variable: Callable[[int], Deferred]) -> Deferred:
    global _depth  # as deep as Python's own stack
    one = variable(_depth)
    _depth += 1
    try:
        return Deferred("function", one, written(function(one)))
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


def called(on: Deferred, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the parts of a noted call of that member; `args` and `kwargs` as they are noted."""
    return Deferred("member", on, name), tuple(args), dict(kwargs)


def bound_name(name: str) -> str:
    """Return the name if a value may be bound to it; raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name: {name!r}")
    return name
