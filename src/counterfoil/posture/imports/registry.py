"""Finds the imports: every module of this folder that holds an `IMPORT`."""

from __future__ import annotations

from functools import cache

from counterfoil import plugins
from counterfoil.posture import imports
from counterfoil.posture.imports.scan import Import


@cache
def all_imports() -> tuple[Import, ...]:
    """Return every import, by tool."""
    return tuple(sorted(plugins.members(imports, "IMPORT"), key=lambda found: found.tool))
