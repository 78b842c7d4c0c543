"""Finds the formats: every module of this folder except the helpers named here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from counterfoil import plugins
from counterfoil import report as package
from counterfoil.model.hunt import HuntReport
from counterfoil.report.screen import Screen

_HELPERS = frozenset({"clean", "exports", "redact", "registry", "schemas", "screen", "sheets", "words"})


class Format(Protocol):
    """What every module of a format offers: two pure functions, each returning a whole text with its last newline."""

    def render(self, report: HuntReport, screen: Screen) -> str:
        """Return the report in this format."""

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], screen: Screen) -> str:
        """Return rows of a query in this format."""


def formats() -> tuple[str, ...]:
    """Return the names of all formats: text first, the others in order."""
    return tuple(sorted(plugins.names(package, but=_HELPERS), key=lambda name: name != "text"))


def by_name(name: str) -> Format:
    """Return the format of that name; KeyError if there is none."""
    if name not in formats():
        raise KeyError(name)
    return cast(Format, plugins.load(package, name))


def detailed(name: str) -> bool:
    """Tell whether the format of that name shows what lies beyond the summary (`HuntReport.dossier`)."""
    return getattr(by_name(name), "DETAILED", False)


def covered(name: str) -> bool:
    """Tell whether the format of that name shows whose report it is (`HuntReport.cover`)."""
    return getattr(by_name(name), "COVERED", False)


def render(report: HuntReport, name: str, screen: Screen | None = None) -> str:
    """Return the report in the format of that name."""
    return by_name(name).render(report, screen or Screen())


def table(name: str, columns: Sequence[str], rows: Sequence[Sequence[object]], screen: Screen | None = None) -> str:
    """Return rows of a query in the format of that name."""
    return by_name(name).table(columns, rows, screen or Screen())
