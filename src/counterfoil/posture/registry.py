"""Finds the checks: every module below `checks` that holds a `CHECK`."""

from __future__ import annotations

from functools import cache
from typing import Any

from counterfoil import plugins
from counterfoil.posture import checks
from counterfoil.posture.check import Check


@cache
def all_checks() -> tuple[Check[Any], ...]:
    """Return every check, those that gain most first; two of one id are a mistake of ours: ValueError."""
    found = sorted(plugins.members(checks, "CHECK"), key=lambda check: (-check.gain, check.id))
    if len({check.id for check in found}) != len(found):
        raise ValueError("two checks share an id")
    return tuple(found)
