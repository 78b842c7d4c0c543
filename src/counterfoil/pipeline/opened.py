"""Nested values that arrive as JSON texts: pipelines and scripts write objects so, and a text has no members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from counterfoil.sources.source import RawType


class NoJSON(Exception):  # noqa: N818  # a finding, told by its text
    """A member that should hold an object or a list holds another text."""


def nested_names(raw: Mapping[str, RawType]) -> Iterator[str]:
    """Yield the names of all members that hold objects or lists."""
    for name, kind in raw.items():
        if not isinstance(kind, str):
            yield name
            inner = kind if isinstance(kind, Mapping) else kind[0]
            yield from nested_names(inner) if isinstance(inner, Mapping) else ()


def opened(value: Any, kind: RawType, name: str = "") -> Any:
    """Return the value with the texts parsed that stand where the raw type has objects and lists.

    Raises NoJSON for another text.
    """
    if isinstance(kind, str):
        return value
    if isinstance(value, str) and value.strip():
        value = _parsed(value, name)
    if isinstance(kind, Mapping) and isinstance(value, Mapping):
        return {key: opened(inner, kind[key], key) if key in kind else inner for key, inner in value.items()}
    if not isinstance(kind, Mapping) and isinstance(value, list):
        return [opened(inner, kind[0], name) for inner in value]
    return value


def _parsed(text: str, name: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        value = text
    if isinstance(value, Mapping | list | None):
        return value
    raise NoJSON(f"{name} is a text that is no JSON")
