"""A relying party as a check sees it: what it let in when the acceptance matrix asked it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from counterfoil.posture.check import Answer, Origin, Verdict, cannot_tell
from counterfoil.posture.matrix.report import CellResult, Declared, Held, MatrixReport
from counterfoil.report.words import some

# What every check of services reads.
NEEDS = "`counterfoil matrix FILE --format json --output matrix.json`"


@dataclass(frozen=True)
class Service:
    """A relying party, and its cells of one matrix. `asked`: when."""

    name: str
    asked: datetime
    results: tuple[CellResult, ...]


def services(report: MatrixReport) -> tuple[Service, ...]:
    """Return the parties of a matrix."""
    return tuple(Service(name, report.made, results) for name, results in report.parties.items())


def by_rule(service: Service, *rules: str) -> tuple[CellResult, ...]:
    """Return the cells that the declared policy refuses by one of these rules."""
    return tuple(one for one in service.results if one.rule.partition(" ")[0] in rules)


def refused(cells: Sequence[CellResult], expected: str) -> Answer:
    """Return what there is to say of cells that must be refused."""
    asked = [one for one in cells if one.declared is Declared.REFUSE]
    holes = _told(asked, lambda one: one.held is Held.HOLE)
    unknown = _told(asked, lambda one: one.held is Held.UNKNOWN)
    if holes:
        return Answer(Verdict.FAIL, f"{len(holes)} of {len(asked)} let in", expected, Origin.UNKNOWN, holes)
    if not asked or len(unknown) == len(asked):
        return cannot_tell("nothing of this kind was asked" if not asked else "no answer that tells", expected)
    if unknown:
        seen = f"{len(asked) - len(unknown)} of {len(asked)} refused, others cannot be told"
        return Answer(Verdict.PARTIAL, seen, expected, Origin.UNKNOWN, unknown)
    return Answer(Verdict.PASS, f"{some(len(asked), 'token')} refused", expected)


def _told(cells: Sequence[CellResult], wanted: Callable[[CellResult], bool]) -> tuple[str, ...]:
    return tuple(f"{one.cell.name}: {one.held} ({one.rule})" for one in cells if wanted(one))
