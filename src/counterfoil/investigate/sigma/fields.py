"""Finds the fields that rules name in raw records: an expression of the engine for each.

A dotted name is a path, never one flat key: `userIdentity.type` and `requestParameters.type` are two fields. On the way
lie lists (any element) and bags of Name and Value. Wrappers of one log differ in the case of the first letter, and in
what lies around the record: both are tried, as far as any record has them. To ask that first is what makes it fast: of
hundreds of ways to a field the records of a log have one, and it is read from one parsed record with all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import duckdb

# What lies around a record in its wrappers, by log: members that hold it, as an object or as text. "": nothing.
ROOTS: Mapping[str, tuple[str, ...]] = {
    "m365-ual": ("AuditData", "auditData", "RawEventData", ""),
    "entra-signin": ("", "properties"),
    "entra-audit": ("", "properties"),
    "azure-activity": ("", "properties"),
    "aws-cloudtrail": ("", "CloudTrailEvent", "detail"),
}
MAX_STEPS = 6  # of a path: each list on the way doubles the ways
_BAGS = (("Name", "Value"), ("key", "value"))
Path = tuple[str, ...]
# What a column of a field has behind its name: the text, in lower case, whether it is there, and a list of several.
LOWER, THERE, LIST = "_lower", "_there", "_all"


@dataclass(frozen=True)
class _Way:
    """A way to a field in one root: plain, or through lists."""

    root: int
    path: Path
    plain: bool


def quoted(text: str) -> str:
    """Return a text as the engine writes it."""
    return "'" + text.replace("'", "''") + "'"


def steps(name: str) -> Path:
    """Return the steps of a field's name; raises ValueError for what is none."""
    found = tuple(name.split("."))
    if len(found) > MAX_STEPS or '"' in name or "\0" in name or "" in found:
        raise ValueError(f"the field {name[:80]!r} is no path of at most {MAX_STEPS} names")
    return found


@dataclass(frozen=True)
class Shape:
    """Where the fields of a log lie in its records: by column, the ways that any record goes, in these roots."""

    roots: tuple[int, ...]
    ways: Mapping[str, tuple[_Way, ...]]

    def plain(self, column: str) -> bool:
        """Tell whether the field lies in one place, in no list; so does one that no record has."""
        found = self.ways[column]
        return not found or (len(found) == 1 and found[0].plain)


def shape(con: duckdb.DuckDBPyConnection, log: str, fields: Mapping[str, str]) -> Shape:
    """Return where these fields (column -> name) lie in the records of a log."""
    ways = {column: tuple(_ways(steps(name), log)) for column, name in fields.items()}
    members = _heads(con, "doc", f"SELECT doc FROM sigma_records WHERE log = {quoted(log)}")  # noqa: S608  # our own
    roots = tuple(place for place, member in enumerate(ROOTS[log]) if not member or member in members)
    rows = _rooted(log, roots)
    heads = {root: _heads(con, f"r{root}", rows) if ROOTS[log][root] else members for root in roots}
    known = _known(con, rows, {
        (root, path) for each in ways.values() for root, path in each if root in heads and path[0] in heads[root]
    })
    return Shape(roots, {column: tuple(known[way] for way in each if way in known) for column, each in ways.items()})


def select(log: str, shape: Shape, lists: Collection[str], *, doc: bool) -> str:
    """Return a query of the records of a log: path, position, and the columns of each field.

    Those are NAME, NAME_lower and NAME_there of a plain field, and NAME_all (a list) of those in `lists`. `doc`: the
    record itself, too.
    """
    chosen: dict[int, list[Path]] = {}
    columns = ["path", "position", *(["doc"] if doc else [])]
    for column, ways in shape.ways.items():
        if shape.plain(column):
            columns += _plain(column, ways[0], chosen) if ways else _absent(column)
        if column in lists:
            columns.append(f"{_listed(ways) if ways else '[]::VARCHAR[]'} AS {column}{LIST}")
    inner = "".join(
        f", json_extract_string(r{root}, {_array(paths)}) AS x{root}, json_type(r{root}, {_array(paths)}) AS t{root}"
        for root, paths in chosen.items()
    )
    return f"SELECT {', '.join(columns)} FROM (SELECT * {inner} FROM ({_rooted(log, shape.roots)}))"  # noqa: S608  # compiled


def _absent(column: str) -> list[str]:
    return [f"NULL::VARCHAR AS {column}", f"NULL::VARCHAR AS {column}{LOWER}", f"false AS {column}{THERE}"]


def _plain(column: str, way: _Way, chosen: dict[int, list[Path]]) -> list[str]:
    paths = chosen.setdefault(way.root, [])
    if way.path not in paths:
        paths.append(way.path)
    place = f"{way.root}[{paths.index(way.path) + 1}]"
    there = f"coalesce(t{place} IS NOT NULL, false)"
    return [f"x{place} AS {column}", f"lower(x{place}) AS {column}{LOWER}", f"{there} AS {column}{THERE}"]


def _rooted(log: str, roots: Iterable[int]) -> str:
    """Return a query of the records with columns `r0`, `r1`, ...: the documents in which a field may lie."""
    named = ", ".join(f"{_root(ROOTS[log][place])} AS r{place}" for place in roots)
    return f"SELECT path, position, doc, {named} FROM sigma_records WHERE log = {quoted(log)}"  # noqa: S608  # our own


def _root(member: str) -> str:
    if not member:
        return "doc"
    path = quoted(f'$."{member}"')
    return (f"CASE json_type(doc, {path}) WHEN 'OBJECT' THEN json_extract(doc, {path})"
            f" WHEN 'VARCHAR' THEN try_cast(json_extract_string(doc, {path}) AS JSON) END")


def _ways(path: Path, log: str) -> Iterator[tuple[int, Path]]:
    """Yield each root and spelling in which a field may lie, in the order in which they count."""
    for place, _ in enumerate(ROOTS[log]):
        for form in dict.fromkeys((path, _first(path, str.lower), _first(path, str.upper))):
            yield place, form


def _first(path: Path, change: Callable[[str], str]) -> Path:
    return tuple(change(step[0]) + step[1:] for step in path)


def _heads(con: duckdb.DuckDBPyConnection, document: str, rows: str) -> frozenset[str]:
    """Return the names of all members of the documents in a column."""
    query = f"SELECT DISTINCT unnest(json_keys({document})) FROM ({rows}) WHERE json_type({document}) = 'OBJECT'"  # noqa: S608
    return frozenset(name for (name,) in con.execute(query).fetchall())


def _known(
    con: duckdb.DuckDBPyConnection, rows: str, ways: Iterable[tuple[int, Path]]
) -> dict[tuple[int, Path], _Way]:
    """Return those ways that any record goes; `rows`: a query of them, with their roots."""
    found: dict[tuple[int, Path], _Way] = {}
    for root in sorted({root for root, _ in ways}):
        forms = sorted(form for where, form in ways if where == root)
        prefixes = sorted({form[:end] for form in forms for end in range(1, len(form) + 1)})
        asked = ", ".join(
            f"bool_or(t[{n}] IS NOT NULL), bool_or(t[{n}] = 'ARRAY')" for n in range(1, len(prefixes) + 1)
        )
        row = con.execute(f"SELECT {asked} FROM (SELECT json_type(r{root}, {_array(prefixes)}) AS t"  # noqa: S608
                          f" FROM ({rows}) WHERE r{root} IS NOT NULL)").fetchone() or ()
        told = dict(zip(prefixes, zip(row[::2], row[1::2], strict=True), strict=True))
        for form in forms:
            way = any(told[form[:end]][1] for end in range(1, len(form) + 1))
            if told[form][0] or way:
                found[root, form] = _Way(root, form, plain=not way)
    return found


def _path(path: Path, stars: Sequence[str] = ()) -> str:
    return "$" + "".join(f'."{step}"{star}' for step, star in zip(path, stars or [""] * len(path), strict=True))


def _array(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(quoted(_path(path)) for path in paths) + "]"


def _listed(ways: Iterable[_Way]) -> str:
    """Return the expression of all values of a field that lies in lists, or in several places: the first that has any.

    A list without elements: no such field; NULL in it: the record says null.
    """
    found = [f"nullif({_gathered(f'r{way.root}', way.path)}, [])" for way in ways]
    return f"list_transform(coalesce({', '.join(found)}, []), lambda v: v->>'$')"


def _gathered(root: str, path: Path) -> str:
    """Return all JSON values at a path of one document."""
    parts = [*_paths(root, path), *_bagged(root, path)]
    return f"flatten([{', '.join(parts)}])"


def _paths(root: str, path: Path) -> Iterator[str]:
    for stars in product(("", "[*]"), repeat=len(path)):
        where = quoted(_path(path, stars))
        if any(stars):
            yield f"coalesce(json_extract({root}, {where}), [])"
        else:
            yield f"list_filter([json_extract({root}, {where})], lambda v: v IS NOT NULL)"


def _bagged(root: str, path: Path) -> Iterator[str]:
    if len(path) == 1:
        return
    where = quoted(_path(path[:-1]) + "[*]")
    for name, value in _BAGS:
        having = f"lambda e: (e->>{quoted(name)}) = {quoted(path[-1])}"
        yield (f"list_transform(list_filter(coalesce(json_extract({root}, {where}), []), {having}),"
               f" lambda e: json_extract(e, {quoted(f'$.{value}')}))")
