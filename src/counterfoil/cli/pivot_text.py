"""What `pivot` prints: lines for people, one document for programs, the lines as a table for spreadsheets."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields

from counterfoil.model.first_party import name as client_name
from counterfoil.model.pivot import Joined, Line, Pivot, Trait
from counterfoil.report import _document, registry
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen
from counterfoil.report.words import brief, some

SCHEMA = "counterfoil.pivot/1"
COLUMNS = tuple(field.name for field in fields(Line))
MAX_VALUE = 200
MAX_COMMAND = 4_000
_MEANS = {
    Joined.DIGEST: "the same signed bytes",
    Joined.TOKEN: "the same token, unless its id was copied",
    Joined.LINEAGE: "obtained with such a token, or such a token with it",
    Joined.SESSION: "the same session, which is a claim of whoever held the token",
    Joined.ADDRESS: "the same user from the same address, within a day",
    Joined.TIME: "the same user, within ten minutes; nothing else",
}


def render(found: Pivot, form: str, screen: Screen) -> str:
    """Return the pivot in this format: all but text and json are its lines."""
    if form == "text":
        return "".join(f"{line}\n" for line in _text(found, screen))
    if form == "json":
        return _document.encode(document(found), indent=2) + "\n"
    rows = [[getattr(line, name) for name in COLUMNS] for line in found.lines]
    return registry.table(form, COLUMNS, rows, screen)


def document(found: Pivot) -> _document.Document:
    """Return the whole pivot as `counterfoil.pivot/1`."""
    return {
        "schema": SCHEMA,
        "case": found.case,
        "case_records": found.case_records,
        "asked": {str(trait): list(values) for trait, values in found.asked},
        "records": found.total,
        "shown": len(found.lines),
        "left_out": found.left_out,
        "joined": [asdict(count) for count in found.counts],
        "lines": [asdict(line) for line in found.lines],
        "absent": list(found.absent),
        "unfollowed": found.unfollowed,
        "next": [asdict(each) | {"command": command(found, each.trait, [each.value])} for each in found.next],
        "together": [
            {"trait": trait, "values": list(values), "command": command(found, trait, values)}
            for trait, values in found.together
        ],
    }


def command(found: Pivot, trait: Trait, values: Sequence[str]) -> str:
    """Return the command of another pivot; what it names is quoted for a shell."""
    names = " ".join(f"--{trait} {shlex.quote(value)}" for value in values)
    return f"counterfoil pivot --case {shlex.quote(found.case)} {names}"


def _text(found: Pivot, screen: Screen) -> Iterator[str]:
    asked = " and ".join(
        f"{trait.words} {' or '.join(clean(value, MAX_VALUE) for value in values)}" for trait, values in found.asked
    )
    yield f"{asked}: {some(found.total, 'record')} of {found.case_records:,} in {clean(found.case, MAX_VALUE)}"
    yield ""
    yield from _counts(found)
    if found.lines:
        yield ""
        # a screen would wrap what does not fit; a file does not
        yield from (line if screen.rows is None else line[: screen.width] for line in _timeline(found.lines))
    if found.left_out:
        yield f"  and {found.left_out:,} more: --lines {min(found.total, 10_000)}"
    for words in found.absent:
        yield f"not in evidence: {words}"
    if found.next:
        yield ""
        yield from _next(found)


def _counts(found: Pivot) -> Iterator[str]:
    """Yield the ways by which records were found, and a sum that adds up."""
    yield "JOINED BY            records  shown"
    for place, count in enumerate(found.counts):
        if place == 0 or count.records:
            words = "it carries what was asked" if place == 0 else _MEANS[list(Joined)[place - 1]]
            yield f"  {count.joined:<18}{count.records:>8,}{count.shown:>7,}  {words}"
    yield f"  {'all':<18}{found.total:>8,}{len(found.lines):>7,}"
    if found.unfollowed:
        yield f"  {found.unfollowed}"


def _timeline(lines: Sequence[Line]) -> Iterator[str]:
    """Yield a line for each record, under the day that it is of; values are clean, columns as wide as need be."""
    domains = {line.user.partition("@")[2] for line in lines if line.user and "@" in line.user}
    cells = [
        (
            "-" if line.time is None else f"{line.time:%H:%M:%S}", line.joined, clean(line.verdict or "-", 24),
            clean(line.operation, 18), _user(line.user, named=len(domains) > 1), clean(line.ip or "-", 45),
            clean(client_name(line.client) or brief(line.client or "-"), 20), ", ".join(line.lacks) or "-",
        )
        for line in lines
    ]
    heads = ("UTC", "JOINED BY", "VERDICT", "OPERATION", "USER", "ADDRESS", "CLIENT", "NOT IN EVIDENCE")
    widths = [max(len(row[n]) for row in [*cells, heads]) for n in range(len(heads))]
    yield _row(heads, widths)
    day = ""
    for line, row in zip(lines, cells, strict=True):
        if (own := "no date" if line.time is None else f"{line.time:%Y-%m-%d}") != day:
            yield (day := own)
        yield _row(row, widths)


def _user(name: str | None, *, named: bool) -> str:
    """Return a user; without the domain where all have the same, an id by its first digits."""
    return clean(brief(name or "-") if named else brief(name or "-").partition("@")[0], 32)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _next(found: Pivot) -> Iterator[str]:
    """Yield where to look next, each with its command."""
    yield "NEXT  what these records carry and others too, the rarest first"
    yield "  records  users  sign-ins"
    for each in found.next:
        signed = "-" if each.sign_ins is None else f"{each.sign_ins:,}"
        told = clean(command(found, each.trait, [each.value]), MAX_COMMAND)
        yield f"  {each.records:>7,}{each.users:>7,}{signed:>10}  {told}"
    for trait, values in found.together:
        many = some(len(values), trait.words, _PLURAL.get(trait, ""))
        yield f"  all {many} that no sign-in has:"
        yield f"    {clean(command(found, trait, values), MAX_COMMAND)}"


_PLURAL = {Trait.IP: "addresses"}
