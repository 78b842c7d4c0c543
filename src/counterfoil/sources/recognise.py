"""Recognises a file's shape by its content: a sample of its records against every source; and each record's source.

A record is of the source whose shape it has: the fields that every record of it has, the values that mark it, and none
that only others have. Unions of tables hold the columns of all of them in every row: there, the fields that are filled
decide, and the column `Type`, in which Log Analytics names the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from counterfoil.sources import byproducts, foreign
from counterfoil.sources.source import TYPE, Csv, Source

# A file is called near a shape of which it has at least half.
NEAR = 0.5
OTHER_TABLE = "a row of another table, which is not read"
NO_SHAPE = "has no shape that is read"
NO_OBJECT = "no JSON object"

_TIME = re.compile(r"(?i)^[^.]*(?:time|date)[^.]*$")
_NO_TIME = "none"


@dataclass(frozen=True)
class Recognised:
    """The sources whose records the sample holds, those of the most records first."""

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
    known = tuple(sources)
    if sample.header:
        found = _by_header(sample, [source for source in known if source.csv is not None])
        return found if isinstance(found, Recognised) else _told(found, sample.header)
    objects = [record for record in sample.records if isinstance(record, Mapping)]
    if not objects:
        return Unread("", "no record is a JSON object")
    candidates = [source for source in known if source.reads_json]
    choose = router(candidates)
    counts: dict[str, int] = {}
    for record in objects:
        source = choose(record)
        if isinstance(source, Source):
            counts[source.name] = counts.get(source.name, 0) + 1
    if counts:
        order = sorted(counts, key=lambda name: (-counts[name], name))
        return Recognised(tuple(source for name in order for source in candidates if source.name == name))
    return _told(_nearest(objects[0], candidates), byproducts.members(objects[0]))


def router(
    sources: Sequence[Source], header: Sequence[str] = (), name: str = "", main: Source | None = None
) -> Callable[[Any], Source | str]:
    """Return what tells of a record which of the sources it is of, or why it is of none.

    `header`: of a CSV, whose rows are objects of all its columns; `name` that of its file. `main`: the file's source,
    of which a record is that lacks nothing but its time.
    """
    if header:
        sources = _by_columns(Sample("", tuple(header), (), name), [s for s in sources if s.csv is not None])
    else:
        sources = [source for source in sources if source.reads_json]

    @lru_cache(maxsize=4_096)
    def possible(keys: frozenset[str]) -> tuple[Source, ...]:
        return tuple(s for s in sources if {path.partition(".")[0] for path in s.asks(csv=bool(header))} <= keys)

    def choose(record: Any) -> Source | str:
        if not isinstance(record, Mapping):
            return NO_OBJECT
        found = of(record)
        if found == NO_SHAPE and (unfolded := _unfolded(record)):
            found = of(unfolded)
        if found != NO_SHAPE or main is None or header:
            return found
        return main if _lacks_its_time(main, record) else f"{NO_SHAPE}; for {main.name}, {_why_not(main, record)}"

    def of(record: Mapping[str, Any]) -> Source | str:
        found = possible(frozenset(record))
        shares = [(share, s) for s in found if (share := _share(s, record, csv=bool(header))) is not None]
        # where several tables are one, empty columns say that the row is of another
        shares = [(share, s) for share, s in shares if share >= (1 if len(found) > 1 else NEAR)]
        if shares:
            return max(shares, key=lambda pair: (pair[0], len(pair[1].asks(csv=bool(header)))))[1]
        return OTHER_TABLE if any(not s.takes_table(record.get(TYPE)) for s in found) else NO_SHAPE

    return choose


def _why_not(source: Source, record: Mapping[str, Any]) -> str:
    """Return what keeps the record from being of that source."""
    empty = [f"{path} is empty" for path in sorted(source.asks(csv=False)) if not _filled(_get(record, path))]
    return "; ".join((_misses(source, record) or empty)[:4])


def _lacks_its_time(source: Source, record: Mapping[str, Any]) -> bool:
    """Tell whether the record is of the source but for a time that is not in it."""
    dated = {path: _NO_TIME for path in source.required if _TIME.search(path) and not _has(record, path)}
    return bool(dated) and _share(source, {**record, **dated}, csv=False) == 1


def _unfolded(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the record with the objects that it holds as JSON texts, None if it holds none."""
    inside = {}
    for name, value in record.items():
        if isinstance(value, str) and value.startswith("{"):
            with suppress(msgspec.DecodeError, RecursionError):
                inside[name] = msgspec.json.decode(value)
    return {**record, **inside} if inside else None


def _share(source: Source, record: Mapping[str, Any], *, csv: bool) -> float | None:
    """Return which share of what the source asks for the record fills; None if it is not of its shape."""
    asked = source.asks(csv=csv)
    if not source.takes_table(record.get(TYPE)) or not all(_has(record, path) for path in asked):
        return None
    marked = csv or all(_marks(_get(record, path), values) for path, values in source.markers.items())
    if not marked or any(_filled(_get(record, path)) for path in source.absent):
        return None
    return sum(_filled(_get(record, path)) for path in asked) / len(asked)


def _filled(value: Any) -> bool:
    return value is not None and value != ""


def _marks(value: Any, values: frozenset[str]) -> bool:
    return isinstance(value, str | int) and str(value) in values


def _told(found: Unread, names: Iterable[str]) -> Unread:
    """Return why no source reads the file, where that is because it is a known by-product or a known other export."""
    names = tuple(names)
    why = byproducts.by_shape(names) or foreign.by_members(names)
    return Unread("", why) if why else found


def _by_columns(sample: Sample, candidates: Sequence[Source]) -> tuple[Source, ...]:
    """Return the sources whose header the file has; of those with the same one, that which names the file."""
    names = set(sample.header)
    found: dict[frozenset[str], Source] = {}
    for source in candidates:
        shape = source.csv
        if shape is None or not shape.header <= names:
            continue
        if shape.named and not re.search(shape.named, sample.name.lower()):
            continue
        if shape.named or shape.header not in found:
            found[shape.header] = source
    return tuple(sorted(found.values(), key=lambda s: -len(s.csv.header) if s.csv else 0))


def _by_header(sample: Sample, candidates: list[Source]) -> Recognised | Unread:
    """Return the sources of the file: that which names it, or whose header is the widest, first."""
    names = set(sample.header)
    fitting = [source for source in _by_columns(sample, candidates) if not source.absent & names]
    if fitting:
        named = [source for source in fitting if source.csv and source.csv.named]
        return Recognised(tuple(named or fitting)[:1])
    united = _by_columns(sample, candidates)
    if len(united) > 1:  # a union of tables: each row is looked at
        return Recognised(united[:1])
    near: list[tuple[float, Source, Csv]] = []
    for source in candidates:
        if source.csv and not source.absent & names and not source.csv.named:
            near.append((len(source.csv.header & names) / len(source.csv.header), source, source.csv))
    share, source, shape = max(near, key=lambda found: found[0])
    if share < NEAR:
        return Unread("", "CSV with columns of no known export")
    missing = sorted(shape.header - names)
    local = [name for name in missing if any(re.fullmatch(re.escape(name) + r" \[.+\]", other) for other in names)]
    if local:
        return Unread(source.name, f"{local[0]} is in another time zone: set the portal to UTC and export again")
    return Unread(source.name, "column " + ", ".join(missing[:6]) + " missing")


def _nearest(record: Mapping[str, Any], candidates: Sequence[Source]) -> Unread:
    """Return the source of whose fields the record has the largest share, if it is near any."""
    scored = []
    for source in candidates:
        misses = _misses(source, record)
        scored.append((len(misses) / (len(source.required) + len(source.markers)), source, misses))
    share, source, misses = min(scored, key=lambda found: (found[0], found[1].name))
    if share > 1 - NEAR:
        return Unread("", "JSON of no known log")
    return Unread(source.name, "; ".join(misses[:4]))


def _misses(source: Source, record: Mapping[str, Any]) -> list[str]:
    """Return what keeps the record from being of that source, in our words alone; empty when nothing does."""
    misses = [f"{path} missing" for path in sorted(source.required) if not _has(record, path)]
    for path, values in sorted(source.markers.items()):
        if not _marks(_get(record, path), values):
            misses.append(f"{path} is not one of {sorted(values)[:4]}")
    misses += [f"{path} present" for path in sorted(source.absent) if _filled(_get(record, path))]
    if not misses and not source.takes_table(record.get(TYPE)):
        misses.append(f"{TYPE} names another table")
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
