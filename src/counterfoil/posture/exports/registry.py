"""Finds the exports: every module of this folder that holds an `EXPORT` or `EXPORTS`."""

from __future__ import annotations

from functools import cache

from counterfoil import plugins
from counterfoil.posture import exports
from counterfoil.posture.exports.export import Export


@cache
def all_exports() -> tuple[Export, ...]:
    """Return every export, by name."""
    found = [*plugins.members(exports, "EXPORT")]
    for more in plugins.members(exports, "EXPORTS"):
        found += more
    return tuple(sorted(found, key=lambda export: export.name))
