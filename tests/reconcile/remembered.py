"""An engine that remembers what it was asked without a mutant, and computes anew only what a mutant changes.

A call is known by its SQL and by the versions of the tables that it names. One that was made without the mutant is
answered from memory. Of any other the rows are compared with those that stood under its name before: where they are
the same, so is all that follows.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.tables import MAX_ROWS, Tables
from counterfoil.expressions import ir
from counterfoil.expressions.compiled import sql
from counterfoil.expressions.tables import table as named

_TABLE = re.compile('(?:FROM|JOIN) "([^"]+)"')
# What the tests give an engine: the same in each run of a group, whatever the mutant.
_OF_TESTS = frozenset({"evidence_in_given", "rejects_all"})
BLOCK = 16_384  # the least that the engine knows: most tables hold a few rows
Key = tuple[Any, ...]


@dataclass
class Memory:
    """What was asked without a mutant, and what came of it. Versions of tables lie in files of the engine's.

    `group`: of whose cases is asked now.
    """

    folder: Path
    group: str = ""
    numbers: dict[str, int] = field(default_factory=dict)  # of the groups' files
    versions: dict[Key, str] = field(default_factory=dict)
    columns: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    of_rows: dict[Key, str] = field(default_factory=dict)  # by group, name, columns, and sums of the rows
    rows: dict[Key, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the name of the group


class Remembered:
    """What `counterfoil.reconcile.engine.Engine` asks for; `learning`: everything is computed, and remembered."""

    def __init__(self, con: duckdb.DuckDBPyConnection, work: Path, memory: Memory, *, learning: bool) -> None:
        """Work in `con`, and write files to the folder `work`."""
        self._con, self._memory, self._learning = con, memory, learning
        self._tables = Tables(con, work)
        self._versions: dict[str, str] = {}  # which stands under a name, as far as anybody knows
        self._there: dict[str, str] = {}  # which does in the engine
        self._parts: dict[str, list[str]] = defaultdict(list)
        # a file for each group: which tables one holds is read as a whole
        number = memory.numbers.setdefault(memory.group, len(memory.numbers))
        self._old = f"remembered_{number}"
        how = f"READ_WRITE, BLOCK_SIZE {BLOCK}" if learning else "READ_ONLY"
        con.execute(f"ATTACH IF NOT EXISTS '{memory.folder / self._old}.duckdb' AS {self._old} ({how})")

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, store it under `name` (replacing one of that name), and return it."""
        return self._kept(name, sql(table), lambda: self._tables.keep(name, table))

    def viewed(self, name: str, table: ir.Table) -> ir.Table:  # noqa: ARG002  # the same to all that ask it
        """Return the table."""
        return table

    def pile(self, name: str, table: ir.Table) -> ir.Table:
        """Compute the table once, add it to the pile `name`, and return what was added."""
        added = f"pile_{name}_added"

        def piled() -> None:
            self._tables.pile(name, table)
            self._con.execute(f'CREATE OR REPLACE TABLE "{added} " AS FROM "{added}"; DROP VIEW "{added}"')
            self._con.execute(f'ALTER TABLE "{added} " RENAME TO "{added}"')

        found = self._kept(added, sql(table), piled)
        self._parts[name].append(self._versions[added])
        if self._is_new(self._versions[added]):
            self._con.execute(f'CREATE TABLE "{self._versions[added]}" AS FROM "{added}"')
        return found

    def piled(self, name: str) -> ir.Table:
        """Return all that lies on the pile `name`."""
        parts = self._parts[name]
        self._versions[f"pile_{name}"] = "+".join(parts)
        table: ir.Table = named(f"pile_{name}", self._memory.columns[parts[0]])
        return table

    def rows(self, table: ir.Table) -> list[dict[str, Any]]:
        """Compute a small table and return its rows."""
        text = sql(table.limit(MAX_ROWS))
        key = (text, *self._named_in(text))
        found = self._memory.rows.get(key)
        if found is None:
            self._bring(text)
            found = self._tables.rows(table)
            if self._learning:
                self._memory.rows[key] = found
        return [dict(row) for row in found]

    def given(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> ir.Table:
        """Return a small table with these columns (name -> Ibis type) and rows."""
        whole = f"{self._memory.group} {len(rows)}" if name in _OF_TESTS else repr(rows)
        told = hashlib.sha256(f"{dict(columns)} {whole}".encode()).hexdigest()
        return self._kept(name, told, lambda: self._tables.given(name, columns, rows))

    def _kept(self, name: str, text: str, compute: Any) -> ir.Table:
        key = (self._memory.group, name, text, *self._named_in(text))
        version = self._memory.versions.get(key)
        if version is None:
            self._bring(text)
            self._gone(name)
            compute()
            version = self._version(name, [(column, dtype) for column, dtype, *_ in
                                           self._con.execute(f'DESCRIBE "{name}"').fetchall()])
            self._there[name] = version
            if self._learning:
                self._memory.versions[key] = version
        self._versions[name] = version
        table: ir.Table = named(name, self._memory.columns[version])
        return table

    def _version(self, name: str, columns: list[tuple[str, str]]) -> str:
        """Return the version of what stands under the name in the engine now: an earlier one, if it has those rows."""
        # by a name that no column has: it stands for the row
        counted = f'SELECT count(*), sum(hash("the row")) FROM "{name}" "the row"'  # noqa: S608
        rows = self._con.execute(counted).fetchall()
        told = (self._memory.group, name, *columns, *rows)
        version = self._memory.of_rows.get(told)
        if version is None:
            version = f"{'old' if self._learning else 'new'}_{len(self._memory.columns)}"
            self._memory.columns[version] = columns
            self._memory.of_rows[told] = version
            if self._learning:
                self._con.execute(f'CREATE TABLE {self._old}."{version}" AS FROM "{name}"')
        return version

    @staticmethod
    def _is_new(version: str) -> bool:
        return version.startswith("new_")

    def _named_in(self, text: str) -> list[tuple[str, str]]:
        """Return the tables that the text names, with their versions."""
        return sorted((name, self._versions[name]) for name in set(_TABLE.findall(text)) & self._versions.keys())

    def _bring(self, text: str) -> None:
        """Let the versions of tables that the text names stand in the engine."""
        for name, version in self._named_in(text):
            if self._there.get(name) != version:
                parts = [f'FROM "{part}"' if self._is_new(part) else f'FROM {self._old}."{part}"'
                         for part in version.split("+")]
                self._con.execute(f'CREATE OR REPLACE TABLE "{name}" AS {" UNION ALL ".join(parts)}')
                self._there[name] = version

    def _gone(self, name: str) -> None:
        """Let nothing that another case left stand under the name, unless this one brought it."""
        if name not in self._there:
            self._con.execute(f'DROP TABLE IF EXISTS "{name}"')
