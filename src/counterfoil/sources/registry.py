"""Finds the sources: every module of this folder, and of the folders in it, that holds `SOURCE` or `SOURCES`."""

from __future__ import annotations

from functools import cache

from counterfoil import plugins, sources
from counterfoil.model.logs import Log, Logs
from counterfoil.sources.source import Source


@cache
def all_sources() -> tuple[Source, ...]:
    """Return every source, ordered by name; two of one name are a mistake of ours and raise ValueError."""
    found: list[Source] = []
    for held in plugins.members(sources, "SOURCE", "SOURCES"):
        found += (held,) if isinstance(held, Source) else held
    names = [source.name for source in found]
    if len(set(names)) != len(names):
        raise ValueError(f"two sources share a name: {sorted(names)}")
    return tuple(sorted(found, key=lambda source: source.name))


@cache
def logs() -> Logs:
    """Return what every log means, each once; two of one name that differ are a mistake of ours: ValueError."""
    found: dict[str, Log] = {}
    for source in all_sources():
        if found.setdefault(source.log.name, source.log) != source.log:
            raise ValueError(f"two sources tell different things of the log {source.log.name}")
    return Logs(tuple(found[name] for name in sorted(found)))
