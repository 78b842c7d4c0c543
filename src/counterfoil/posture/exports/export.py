"""What an export is: it recognises a document, and turns it into what checks read. And values as exports write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from counterfoil.posture.imports.scan import moment

# Entries of one list of an export that are taken in.
MAX_ROWS = 100_000


@dataclass(frozen=True)
class Export:
    """An export. `fits`: tells it by its shape. `read`: (document, file, when it was looked at) to what it says."""

    name: str
    fits: Callable[[Any], bool]
    read: Callable[[Any, str, datetime], Sequence[object]]


def mapping(value: object, name: str = "") -> Mapping[str, Any]:
    """Return a value, or a member of it, where it is an object; else an empty one."""
    found = value.get(name) if name and isinstance(value, dict) else value
    return found if isinstance(found, dict) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list, or of the member `value` of a page of Graph; one object alone is a list of one."""
    found = value.get("value", [value]) if isinstance(value, dict) else value
    return [one for one in found[:MAX_ROWS] if isinstance(one, dict)] if isinstance(found, list) else []


def words(value: object) -> tuple[str, ...]:
    """Return a list of texts; one text alone is a list of one."""
    listed = value if isinstance(value, list) else [value]
    return tuple(one for one in listed if isinstance(one, str))


def flag(value: object) -> bool | None:
    """Return a truth, None for what is none."""
    return value if isinstance(value, bool) else None


def time_of(value: object) -> datetime | None:
    """Return a time: Unix seconds, ISO 8601, or as Windows PowerShell writes one, "/Date(1700000000000)/"."""
    if isinstance(value, dict):
        value = value.get("value", value.get("DateTime"))
    text = str(value)
    if text.startswith("/Date(") and text[6:-2].lstrip("-").isdecimal():
        value = int(text[6:-2]) / 1000
    try:
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else moment(value)
    except (ValueError, OverflowError, OSError):
        return None


def span(value: object) -> timedelta | None:
    """Return a period: seconds, as a number or with its unit."""
    text = str(value).removesuffix("s")
    return timedelta(seconds=int(text)) if text.isdecimal() and len(text) < 12 else None
