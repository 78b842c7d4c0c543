"""Turns the condition of a rule, as pySigma has it, into one of the engine: true or false, no NULL.

Sigma's specification 2.1: texts are compared without case, but for `|cased` and `|re`; `*` and `?` are wildcards; what
a record has not is equal to nothing, and its negation holds; `null` is a field that is missing or empty of value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sigma.conditions import ConditionFieldEqualsValueExpression as Equals
from sigma.conditions import ConditionValueExpression as Keyword

from counterfoil.investigate.sigma.fields import LIST, LOWER, THERE, quoted
from sigma import conditions, types

MAX_DEPTH, MAX_TEXT = 50, 10_000
_JOINED = {conditions.ConditionAND: " AND ", conditions.ConditionOR: " OR "}
_OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "NEQ": "<>"}
Column = Callable[[str], str]


class Unsupported(Exception):  # noqa: N818  # a reason, told beside the rule
    """What a rule asks for, and is not compiled."""


def asks_all(node: Any) -> bool:
    """Tell whether a condition asks for a text anywhere in the record."""
    return isinstance(node, Keyword) or any(asks_all(part) for part in getattr(node, "args", ()))


def sql(node: Any, column: Column, *, plain: bool, depth: int = 0) -> str:
    """Return the condition; `column` names the column of a field. Raises Unsupported.

    `plain`: every field has one value, in the columns NAME, NAME_lower, NAME_there; else a list of them, NAME_all.
    """
    if depth > MAX_DEPTH:
        raise Unsupported(f"conditions nested more than {MAX_DEPTH} deep")
    for kind, word in _JOINED.items():
        if isinstance(node, kind):
            return "(" + word.join(sql(part, column, plain=plain, depth=depth + 1) for part in node.args) + ")"
    if isinstance(node, conditions.ConditionNOT):
        return f"(NOT {sql(node.args[0], column, plain=plain, depth=depth + 1)})"
    if isinstance(node, Equals):
        return (_alone if plain else _field)(node.value, column(node.field), column)
    if isinstance(node, Keyword):
        return _keyword(node.value)
    raise Unsupported(f"the condition {type(node).__name__}")


def _alone(value: Any, name: str, column: Column) -> str:
    """Return the condition on a field of one value: NULL if the record says null, or has it not."""
    if isinstance(value, types.SigmaExpansion):
        return "(" + " OR ".join(_alone(each, name, column) for each in value.values) + ")"
    if isinstance(value, types.SigmaNull):
        return f"({name} IS NULL)"
    if isinstance(value, types.SigmaExists):
        return f"({name}{THERE})" if value.exists else f"(NOT {name}{THERE})"
    if isinstance(value, types.SigmaFieldReference):
        return f"coalesce({_same(value, f'{name}{LOWER}', f'{column(value.field)}{LOWER}')}, false)"
    return f"coalesce({_one(value, name, f'{name}{LOWER}')}, false)"


def _field(value: Any, name: str, column: Column) -> str:
    if isinstance(value, types.SigmaExpansion):
        return "(" + " OR ".join(_field(each, name, column) for each in value.values) + ")"
    field = name + LIST
    if isinstance(value, types.SigmaNull):
        return f"(len(list_filter({field}, lambda x: x IS NOT NULL)) = 0)"
    if isinstance(value, types.SigmaExists):
        return f"(len({field}) > 0)" if value.exists else f"(len({field}) = 0)"
    if isinstance(value, types.SigmaFieldReference):
        same = _same(value, "lower(x)", "lower(y)")
        other = f"{column(value.field)}{LIST}"
        return f"(len(list_filter({field}, lambda x: len(list_filter({other}, lambda y: {same})) > 0)) > 0)"
    return f"(len(list_filter({field}, lambda x: {_one(value, 'x', 'lower(x)')})) > 0)"


def _one(value: Any, x: str, lower: str) -> str:
    """Return the condition that a value `x` of a field meets; `lower`: the value in lower case."""
    if isinstance(value, types.SigmaTimestampPart):
        raise Unsupported("parts of times")
    if isinstance(value, types.SigmaString):
        return _text(value, x, lower, cased=isinstance(value, types.SigmaCasedString))
    if isinstance(value, types.SigmaNumber):
        return f"(try_cast({x} AS DOUBLE) = {float(value.number)!r}::DOUBLE)"
    if isinstance(value, types.SigmaBool):
        return f"({lower} = '{str(value.boolean).lower()}')"
    if isinstance(value, types.SigmaRegularExpression):
        flags = "".join(sorted(types.SigmaRegularExpression.sigma_to_re_flag[flag] for flag in value.flags))
        return f"regexp_matches({x}, {_literal(str(value.regexp))}, '{flags or 'c'}')"
    if isinstance(value, types.SigmaCIDRExpression):
        return f"in_network({x}, {quoted(str(value.network))})"
    if isinstance(value, types.SigmaCompareExpression):
        return f"(try_cast({x} AS DOUBLE) {_OPERATORS[value.op.name]} {float(value.number.number)!r}::DOUBLE)"
    raise Unsupported(f"values of the kind {type(value).__name__.removeprefix('Sigma')}")


def _same(value: Any, x: str, y: str) -> str:
    """Return the condition between two fields, both in lower case."""
    if value.starts_with and value.ends_with:
        return f"contains({x}, {y})"
    if value.starts_with:
        return f"starts_with({x}, {y})"
    return f"ends_with({x}, {y})" if value.ends_with else f"({x} = {y})"


def _text(value: Any, what: str, lower: str, *, cased: bool) -> str:
    if not any(isinstance(part, types.SpecialChars) for part in value.s):
        whole = _literal("".join(_plain(value)))
        return f"({what} = {whole})" if cased else f"({lower} = lower({whole}))"
    pattern = _literal("".join(_like(part) for part in _plain(value)))
    sides = (what, pattern) if cased else (lower, f"lower({pattern})")
    return f"({sides[0]} LIKE {sides[1]} ESCAPE '\\')"


def _plain(value: Any) -> list[Any]:
    """Return the parts of a text; raises Unsupported for what the one who runs the rule has to fill in."""
    for part in value.s:
        if isinstance(part, types.Placeholder):
            raise Unsupported(f"the placeholder %{part.name}%, which has no value here")
    return list(value.s)


def _like(part: Any) -> str:
    if part == types.SpecialChars.WILDCARD_MULTI:
        return "%"
    if part == types.SpecialChars.WILDCARD_SINGLE:
        return "_"
    return str(part).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _literal(text: str) -> str:
    if "\0" in text or len(text) > MAX_TEXT:
        raise Unsupported(f"a text with a zero byte, or of more than {MAX_TEXT:,} characters")
    return quoted(text)


def _keyword(value: Any) -> str:
    """Return the condition that a text stands anywhere in the record."""
    if isinstance(value, types.SigmaExpansion):
        return "(" + " OR ".join(_keyword(each) for each in value.values) + ")"
    if isinstance(value, types.SigmaNumber):
        value = types.SigmaString(str(value))
    if not isinstance(value, types.SigmaString):
        raise Unsupported(f"keywords of the kind {type(value).__name__.removeprefix('Sigma')}")
    inside = "".join(
        _like(json.dumps(part, ensure_ascii=False)[1:-1]) if isinstance(part, str) else _like(part)
        for part in _plain(value)
    )
    return f"(lower(doc::VARCHAR) LIKE lower({_literal(f'%{inside}%')}) ESCAPE '\\')"
