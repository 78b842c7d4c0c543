"""Finds the sources: every module of this folder, and of the folders in it, that holds `SOURCE` or `SOURCES`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from counterfoil import sources
from counterfoil.model.logs import IssuanceLog, Logs
from counterfoil.sources.source import Source


@cache
def all_sources() -> tuple[Source, ...]:
    """Return every source, ordered by name; two of one name are a mistake of ours and raise ValueError."""
    found: list[Source] = []
    for module in pkgutil.walk_packages(sources.__path__, f"{sources.__name__}."):
        held = vars(importlib.import_module(module.name))
        found += held.get("SOURCES") or ([held["SOURCE"]] if "SOURCE" in held else [])
    names = [source.name for source in found]
    if len(set(names)) != len(names):
        raise ValueError(f"two sources share a name: {sorted(names)}")
    return tuple(sorted(found, key=lambda source: source.name))


@cache
def logs() -> Logs:
    """Return what every log of issuances means, each once; two that differ are a mistake of ours: ValueError."""
    found: dict[str, IssuanceLog] = {}
    for source in all_sources():
        if source.issuance is not None and found.setdefault(source.log, source.issuance) != source.issuance:
            raise ValueError(f"two sources tell different things of the log {source.log}")
    return Logs(tuple(found[name] for name in sorted(found)))
