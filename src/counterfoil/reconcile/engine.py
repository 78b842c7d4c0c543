"""What reconciliation asks of an engine: keep a table or name it, pile parts up, read a small one, and take one in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from counterfoil.expressions import ir


class Engine(Protocol):
    """Six calls over any Ibis backend."""

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, store it under `name` (replacing one of that name), and return it."""

    def viewed(self, name: str, table: ir.Table) -> ir.Table:
        """Return the table under this name, computed anew by each that asks it."""

    def pile(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, add it to the pile `name` outside memory, and return what was added."""

    def piled(self, name: str) -> ir.Table:
        """Return all that lies on the pile `name`."""

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """Compute a small table and return its rows."""

    def given(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> ir.Table:
        """Return a small table with these columns (name -> Ibis type) and rows."""
