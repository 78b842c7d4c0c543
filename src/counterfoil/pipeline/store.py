"""What judging a case asks of an engine beside what reconciliation does: the case's evidence, and results at home."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from counterfoil.case.folder import CaseFolder
from counterfoil.case.manifest import Manifest
from counterfoil.expressions import ir
from counterfoil.reconcile.engine import Engine


class Store(Engine, Protocol):
    """An engine that sees a case: DuckDB in this process (`case.tables`), or a Spark elsewhere (`case.spark_tables`).

    The case's results, and what an earlier run left, are kept by the embedded engine whatever the engine is.
    `form`: how it writes the parts of piles.
    """

    form: ClassVar[str]

    def evidence(
        self, name: str, folder: CaseFolder, manifest: Manifest, *, rejected: bool = False,
        only: Collection[str] | None = None,
    ) -> ir.Table:
        """Return the committed evidence with its `bucket`, or the rejects, under this name. `only`: these batches."""

    def has(self, name: str) -> bool:
        """Tell whether a table of that name was kept or given."""

    def table(self, name: str) -> ir.Table:
        """Return a table that was kept or given before."""

    def copied(self, name: str, query: str) -> ir.Table:
        """Return a table of what one of our own queries finds in the embedded engine."""

    def home(self, name: str, table: ir.Table) -> ir.Table:
        """Return a table of the embedded engine that holds what this one computes."""


# Makes the store whose piles are in this folder, on top of what lies in those.
StoreOn = Callable[[Path, Sequence[Path]], Store]
