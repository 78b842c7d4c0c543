"""Turns the condition of a rule, as pySigma has it, into one of the engine: true or false, no NULL.

Sigma's specification 2.1: texts are compared without case, but for `|cased` and `|re`; `*` and `?` are wildcards; what
a record has not is equal to nothing, and its negation holds; `null` is a field that is missing or empty of value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sigma import conditions, types
from sigma.conditions import ConditionFieldEqualsValueExpression as Equals
from sigma.conditions import ConditionValueExpression as Keyword

from counterfoil.investigate.sigma.fields import quoted

MAX_DEPTH, MAX_TEXT = 50, 10_000
_JOINED = {conditions.ConditionAND: " AND ", conditions.ConditionOR: " OR "}
_OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "NEQ": "<>"}
Column = Callable[[str], str]


class Unsupported(Exception):  # noqa: N818  # a reason, told beside the rule
    """What a rule asks for, and is not compiled."""


def sql(node: Any, column: Column, depth: int = 0) -> str:
    """Return the condition; `column` names the column of a field. Raises Unsupported."""
    if depth > MAX_DEPTH:
        raise Unsupported(f"conditions nested more than {MAX_DEPTH} deep")
    for kind, word in _JOINED.items():
        if isinstance(node, kind):
            return "(" + word.join(sql(part, column, depth + 1) for part in node.args) + ")"
    if isinstance(node, conditions.ConditionNOT):
        return f"(NOT {sql(node.args[0], column, depth + 1)})"
    if isinstance(node, Equals):
        return _field(node.value, column(node.field), column)
    if isinstance(node, Keyword):
        return _keyword(node.value)
    raise Unsupported(f"the condition {type(node).__name__}")


def _field(value: Any, field: str, column: Column) -> str:
    if isinstance(value, types.SigmaExpansion):
        return "(" + " OR ".join(_field(each, field, column) for each in value.values) + ")"
    if isinstance(value, types.SigmaNull):
        return f"(len(list_filter({field}, lambda x: x IS NOT NULL)) = 0)"
    if isinstance(value, types.SigmaExists):
        return f"(len({field}) > 0)" if value.exists else f"(len({field}) = 0)"
    if isinstance(value, types.SigmaFieldReference):
        return _reference(value, field, column(value.field))
    return f"(len(list_filter({field}, lambda x: {_one(value)})) > 0)"


def _one(value: Any) -> str:
    """Return the condition that a value `x` of a field meets."""
    if isinstance(value, types.SigmaTimestampPart):
        raise Unsupported("parts of times")
    if isinstance(value, types.SigmaString):
        return _text(value, "x", cased=isinstance(value, types.SigmaCasedString))
    if isinstance(value, types.SigmaNumber):
        return f"(try_cast(x AS DOUBLE) = {float(value.number)!r}::DOUBLE)"
    if isinstance(value, types.SigmaBool):
        return f"(lower(x) = '{str(value.boolean).lower()}')"
    if isinstance(value, types.SigmaRegularExpression):
        flags = "".join(sorted(types.SigmaRegularExpression.sigma_to_re_flag[flag] for flag in value.flags))
        return f"regexp_matches(x, {_literal(str(value.regexp))}, '{flags or 'c'}')"
    if isinstance(value, types.SigmaCIDRExpression):
        return f"in_network(x, {quoted(str(value.network))})"
    if isinstance(value, types.SigmaCompareExpression):
        return f"(try_cast(x AS DOUBLE) {_OPERATORS[value.op.name]} {float(value.number.number)!r}::DOUBLE)"
    raise Unsupported(f"values of the kind {type(value).__name__.removeprefix('Sigma')}")


def _reference(value: Any, field: str, other: str) -> str:
    same = "lower(x) = lower(y)"
    if value.starts_with and value.ends_with:
        same = "contains(lower(x), lower(y))"
    elif value.starts_with:
        same = "starts_with(lower(x), lower(y))"
    elif value.ends_with:
        same = "ends_with(lower(x), lower(y))"
    return f"(len(list_filter({field}, lambda x: len(list_filter({other}, lambda y: {same})) > 0)) > 0)"


def _text(value: Any, what: str, *, cased: bool) -> str:
    if not any(isinstance(part, types.SpecialChars) for part in value.s):
        whole = _literal("".join(_plain(value)))
        return f"({what} = {whole})" if cased else f"(lower({what}) = lower({whole}))"
    pattern = _literal("".join(_like(part) for part in _plain(value)))
    sides = (what, pattern) if cased else (f"lower({what})", f"lower({pattern})")
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
