"""A table that one stage makes and others ask: what a row of it is, and its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from counterfoil.expressions import ir


class Keeper(Protocol):
    """What computes a table once: an engine."""

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Store the table under `name`, and return it."""

    def pile(self, name: str, table: ir.Table) -> ir.Table:
        """Add the table to the pile `name`, and return it."""


@dataclass(frozen=True)
class Shape:
    """A kept table's `name`, what one `row` is, in words, and its `columns` in order."""

    name: str
    row: str
    columns: tuple[str, ...]

    def more(self, name: str, row: str, *columns: str) -> Shape:
        """Return the shape of a table that has these columns, too."""
        return Shape(name, row, (*self.columns, *columns))

    def of(self, table: ir.Table) -> ir.Table:
        """Return the table, its columns in order.

        Raises TypeError where it has others: a stage broke its promise.
        """
        if table.columns == self.columns:
            return table
        if odd := sorted(set(table.columns) ^ set(self.columns)):
            raise TypeError(f"columns of {self.name!r} that are missing or too many: {', '.join(odd)}")
        return table.select(*self.columns)

    def kept(self, engine: Keeper, table: ir.Table) -> ir.Table:
        """Compute the table once, and return it."""
        return engine.keep(self.name, self.of(table))

    def piled(self, engine: Keeper, table: ir.Table) -> ir.Table:
        """Compute the table once, add it to its pile, and return what was added."""
        return engine.pile(self.name, self.of(table))
