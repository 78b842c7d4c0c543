"""Recognises a file's shape by its content: a sample of its records against every source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.sources import byproducts
from counterfoil.sources.source import Csv, Source


@dataclass(frozen=True)
class Recognised:
    """The sources that read the file; several where one wrapper carries several logs (Azure Monitor)."""

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Unread:
    """No source reads the file: `nearest` is the closest shape's name or empty, `reason` a clear line."""

    nearest: str
    reason: str


@dataclass(frozen=True)
class Sample:
    """What the reader saw first: the container, a CSV's header (empty for JSON), some records, the file's name."""

    container: str
    header: tuple[str, ...]
    records: Sequence[Any]
    name: str = ""


def recognise(sample: Sample, sources: Iterable[Source]) -> Recognised | Unread:
    """Return the sources that read the sample, or why none does."""
    candidates = [s for s in sources if (s.csv is not None if sample.header else s.reads_json)]
    if sample.header:
        return _told(_by_header(sample, candidates), sample.header)
    objects = [record for record in sample.records if isinstance(record, Mapping)]
    if not objects:
        return Unread("", "no record is a JSON object")
    hits = [(source, sum(_misses(source, record) == [] for record in objects)) for source in candidates]
    best = max((count for _, count in hits), default=0)
    if best:
        return Recognised(tuple(source for source, count in hits if count))
    return _told(_nearest(objects[0], candidates), byproducts.members(objects[0]))


def _told(found: Recognised | Unread, names: Iterable[str]) -> Recognised | Unread:
    """Return why no source reads the file, where that is because it is a known by-product."""
    why = "" if isinstance(found, Recognised) else byproducts.by_shape(names)
    return Unread("", why) if why else found


def _by_header(sample: Sample, candidates: list[Source]) -> Recognised | Unread:
    """Return the source that names the file, else the one whose header is the widest of those that fit."""
    names = set(sample.header)
    near: list[tuple[float, Source, Csv]] = []
    hits: list[tuple[bool, int, Source]] = []
    for source in candidates:
        shape = source.csv
        if shape is None or source.absent & names or (shape.named and not re.search(shape.named, sample.name.lower())):
            continue
        near.append((len(shape.header & names) / len(shape.header), source, shape))
        if shape.header <= names:
            hits.append((bool(shape.named), len(shape.header), source))
    if not near:
        return Unread("", "CSV with columns of no known export")
    if hits:
        return Recognised((max(hits, key=lambda hit: hit[:2])[2],))
    share, source, shape = max(near, key=lambda found: found[0])
    if not share:
        return Unread("", "CSV with columns of no known export: " + ", ".join(sample.header[:6]))
    return Unread(source.name, "column " + ", ".join(sorted(shape.header - names)[:6]) + " missing")


def _nearest(record: Mapping[str, Any], candidates: list[Source]) -> Unread:
    """Return the source that misses the smallest share of what it asks for."""
    scored = [(len(_misses(s, record)) / max(1, len(s.required) + len(s.markers)), s) for s in candidates]
    if not scored:
        return Unread("", "JSON of no known log")
    share, source = min(scored, key=lambda pair: (pair[0], pair[1].name))
    if share >= 1:
        return Unread("", "JSON of no known log; its keys are " + ", ".join(sorted(map(str, record))[:6]))
    return Unread(source.name, "; ".join(_misses(source, record)[:4]))


def _misses(source: Source, record: Mapping[str, Any]) -> list[str]:
    """Return what keeps the record from being of that source, in words; empty when nothing does."""
    misses = [f"{path} missing" for path in sorted(source.required) if not _has(record, path)]
    for path, values in sorted(source.markers.items()):
        value = _get(record, path)
        if not isinstance(value, str | int) or str(value) not in values:
            misses.append(f"{path} is {str(value)[:40]!r}, not one of {sorted(values)[:4]}")
    misses += [f"{path} present" for path in sorted(source.absent) if _has(record, path)]
    return misses


def _get(record: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, None if there is none."""
    value: Any = record
    for step in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def _has(record: Mapping[str, Any], path: str) -> bool:
    """Tell whether the dotted path exists, whatever its value."""
    head, _, last = path.rpartition(".")
    parent = _get(record, head) if head else record
    return isinstance(parent, Mapping) and last in parent
