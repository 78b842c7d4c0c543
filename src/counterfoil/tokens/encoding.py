"""Exact base64url and JSON of tokens: what has two readings is refused.

RFC 7515, 4 and RFC 7519, 4 let a verifier take the last of two members of one name, or refuse; only the latter is safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from counterfoil.jose import base64url
from counterfoil.model.unique import duplicate_in
from counterfoil.tokens import rules
from counterfoil.tokens.limits import MAX_DEPTH, MAX_MEMBERS, MAX_NUMERIC_DATE
from counterfoil.tokens.rules import refused

_CONTAINERS = frozenset({dict, list})
NOTHING = object()

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def from_base64url(text: bytes, what: str) -> bytes:
    """Return what base64url without padding encodes; raises VerifyError F2 for any other text.

    >>> from_base64url(b"eyJhbGci", "header")
    b'{"alg"'
    """
    return from_translated(text.translate(base64url.TO_BASE64), what)


def from_translated(text: bytes, what: str) -> bytes:
    """Return the same for a text that went through `TO_BASE64` (which leaves no quote in it) and has no dot."""
    try:
        return base64url.decode_translated(text)
    except base64url.InexactError as error:
        raise refused(rules.MALFORMED, "base64url", f"{what} in {error.expected}", error.got) from error


def json_object(raw: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object that `raw` is. Raises VerifyError: F2 for other JSON or none, F3 for a duplicate name.

    Nothing that a decoder raises stays in the error's chain: it would hold the whole text.
    """
    value, same, deep = _decoded(raw)
    if deep:
        raise refused(rules.TOO_LARGE, "depth", f"at most {MAX_DEPTH} levels in {what}", "far more")
    if value is NOTHING:
        raise refused(rules.MALFORMED, "json", f"{what} as a JSON object", "text that is none")
    if type(value) is not dict:
        raise refused(rules.MALFORMED, "object", f"{what} as a JSON object", rules.quoted(value))
    if not same:
        _refuse_duplicates(raw, what)
    return value


def _refuse_duplicates(raw: bytes, what: str) -> None:
    try:
        twice = duplicate_in(raw)
    except ValueError as error:
        raise refused(rules.MALFORMED, "json", f"{what} as a JSON object", "text that is none") from error
    if twice is not None:
        raise refused(rules.DUPLICATE, "member", f"each name once in {what}", f"{rules.quoted(twice)} twice")


def _decoded(raw: bytes) -> tuple[Any, bool, bool]:
    """Return the value, whether it is written as we would, and whether it is too deep; NOTHING for what is no JSON."""
    try:
        value = _decode(raw)
        return value, type(value) is dict and _encode(value) == raw, False
    except RecursionError:
        return NOTHING, False, True
    except (msgspec.MsgspecError, ValueError):
        return NOTHING, False, False


def frozen(members: dict[str, Any], what: str) -> MappingProxyType[str, Any]:
    """Return an object that cannot be changed, at any depth; raises VerifyError F1 for too deep or too many."""
    return MappingProxyType(frozen_inside(members, what))


def frozen_inside(members: dict[str, Any], what: str) -> dict[str, Any]:
    """Return the object itself, with all that is inside it frozen; raises VerifyError F1 for too deep or too many."""
    if len(members) > MAX_MEMBERS:
        raise refused(rules.TOO_LARGE, "members", f"at most {MAX_MEMBERS} members in {what}", str(len(members)))
    if _CONTAINERS.isdisjoint(map(type, members.values())):
        return members
    left = MAX_MEMBERS - len(members)
    for name, value in members.items():
        kind = type(value)
        if kind is list or kind is dict:
            members[name], left = _frozen(value, what, 2, left)
    return members


def _frozen(value: Any, what: str, depth: int, left: int) -> tuple[Any, int]:
    """Return the value frozen, and how many members may follow it."""
    left -= len(value)
    if left < 0:
        raise refused(rules.TOO_LARGE, "members", f"at most {MAX_MEMBERS} members in {what}", "more")
    if depth > MAX_DEPTH:
        raise refused(rules.TOO_LARGE, "depth", f"at most {MAX_DEPTH} levels in {what}", "more")
    held: list[Any] = []
    for item in value.values() if type(value) is dict else value:
        if type(item) is list or type(item) is dict:
            inner, left = _frozen(item, what, depth + 1, left)
            held.append(inner)
        else:
            held.append(item)
    return MappingProxyType(dict(zip(value, held, strict=True))) if type(value) is dict else tuple(held), left


def numeric_date(value: object) -> float | None:
    """Return a NumericDate (RFC 7519, 2) in bounds; None for anything else, a truth value included."""
    if (type(value) is int or type(value) is float) and 0 <= value <= MAX_NUMERIC_DATE:
        return value
    return None


def thawed(value: Any) -> Any:
    """Return a frozen value as dictionaries and lists."""
    if isinstance(value, Mapping):
        return {name: thawed(inner) for name, inner in value.items()}
    return [thawed(inner) for inner in value] if isinstance(value, tuple) else value
