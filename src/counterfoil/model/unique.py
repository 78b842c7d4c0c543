"""JSON in which an object has a member twice: one reader takes the first, another the last. So no reader takes any.

`msgspec` and `json` keep the last. Encoding the decoded value again finds out at no great cost: if that gives the same
bytes, no name occurred twice, for an encoder writes each once. Only where it does not (spaces, escapes, duplicates) a
second parser looks at every object.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def duplicate_in(raw: bytes) -> str | None:
    """Return a name that an object of this JSON has twice, None if there is none.

    Raises ValueError, which holds nothing of the text, for what one of two parsers cannot read.
    """
    try:
        if _encode(_decode(raw)) == raw:
            return None
        json.loads(raw, object_pairs_hook=_unique)
        return None
    except _DuplicateError as error:
        return str(error)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass  # what they hold is the whole text
    raise ValueError("not JSON to every reader")


class _DuplicateError(Exception):
    """A name occurs twice."""


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _DuplicateError(name)
        seen.add(name)
