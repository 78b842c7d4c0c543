"""Finds the fields that rules name in raw records: an expression of the engine for each, a list of texts.

A dotted name is a path, never one flat key: `userIdentity.type` and `requestParameters.type` are two fields. On the way
lie lists (any element) and bags of Name and Value. Wrappers of one log differ in the case of the first letter, and in
what lies around the record: both are tried. A list without elements: no such field; NULL in it: the record says null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

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


def quoted(text: str) -> str:
    """Return a text as the engine writes it."""
    return "'" + text.replace("'", "''") + "'"


def roots(log: str) -> str:
    """Return columns `r0`, `r1`, ...: the documents in which a field of the log may lie; `doc` is the record."""
    return ", ".join(f"{_root(member)} AS r{place}" for place, member in enumerate(ROOTS[log]))


def _root(member: str) -> str:
    if not member:
        return "doc"
    path = quoted(f'$."{member}"')
    return (f"CASE json_type(doc, {path}) WHEN 'OBJECT' THEN json_extract(doc, {path})"
            f" WHEN 'VARCHAR' THEN try_cast(json_extract_string(doc, {path}) AS JSON) END")


def values(name: str, log: str) -> str:
    """Return the expression of a field's values, of the columns of `roots`; raises ValueError for what is none."""
    steps = name.split(".")
    if len(steps) > MAX_STEPS or '"' in name or "\0" in name or "" in steps:
        raise ValueError(f"the field {name[:80]!r} is no path of at most {MAX_STEPS} names")
    found = []
    for place, _ in enumerate(ROOTS[log]):
        for form in dict.fromkeys((tuple(steps), _first(steps, str.lower), _first(steps, str.upper))):
            found.append(f"nullif({_gathered(f'r{place}', form)}, [])")
    return f"list_transform(coalesce({', '.join(found)}, []), lambda v: v->>'$')"


def _first(steps: list[str], change: object) -> tuple[str, ...]:
    return tuple(change(step[0]) + step[1:] for step in steps)  # type: ignore[operator]  # of str


def _gathered(root: str, steps: tuple[str, ...]) -> str:
    """Return all JSON values at a path of one document."""
    parts = [*_paths(root, steps), *_bagged(root, steps)]
    return f"flatten([{', '.join(parts)}])"


def _paths(root: str, steps: tuple[str, ...]) -> Iterator[str]:
    for stars in product(("", "[*]"), repeat=len(steps)):
        path = "$" + "".join(f'."{step}"{star}' for step, star in zip(steps, stars, strict=True))
        if any(stars):
            yield f"coalesce(json_extract({root}, {quoted(path)}), [])"
        else:
            yield f"list_filter([json_extract({root}, {quoted(path)})], lambda v: v IS NOT NULL)"


def _bagged(root: str, steps: tuple[str, ...]) -> Iterator[str]:
    if len(steps) == 1:
        return
    path = quoted("$" + "".join(f'."{step}"' for step in steps[:-1]) + "[*]")
    for name, value in _BAGS:
        having = f"lambda e: (e->>{quoted(name)}) = {quoted(steps[-1])}"
        yield (f"list_transform(list_filter(coalesce(json_extract({root}, {path}), []), {having}),"
               f" lambda e: json_extract(e, {quoted(f'$.{value}')}))")
