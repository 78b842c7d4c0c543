"""What the engine holds of the records while it reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from counterfoil.case.engine import engine
from counterfoil.case.folder import locked
from counterfoil.case.ingest import FEW_BYTES, write_batch
from counterfoil.pipeline.routed import shape_of
from counterfoil.read.records import InputText
from counterfoil.read.sniff import Container
from counterfoil.sources.counterfoil.jwks_log import FETCH, JWKS_LOG
from counterfoil.sources.registry import all_sources
from counterfoil.unpack.walk import plain


class Explained:
    """A connection that tells how it runs a statement that writes."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con, self.plans = con, list[Any]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)

    def execute(self, sql: str, *more: Any) -> Any:
        """Run the statement."""
        if sql.startswith("COPY"):
            self.plans += json.loads(self._con.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()[0][1])
        return self._con.execute(sql, *more)


def joins(plan: Any) -> list[Any]:
    """Return the joins of a plan."""
    below = [found for child in plan["children"] for found in joins(child)]
    return [plan, *below] if "JOIN" in plan["name"] else below


def scans(plan: Any) -> set[str]:
    """Return the kinds of scans of a plan."""
    return {plan["name"]}.union(*map(scans, plan["children"])) & {"ARROW_SCAN", "SEQ_SCAN"}


def test_records_of_several_files_stream_by(tmp_path: Path) -> None:
    """However long the files, and however many, the engine holds the list of them, and not their text."""
    record = {"schema": FETCH, "time": "2026-01-01T00:00:00Z", "url": "https://a.example", "user_agent": "x" * 1_000}
    line = json.dumps(record) + "\n"
    paths = [tmp_path / f"{number}.jsonl" for number in range(2)]
    for path in paths:
        path.write_text(line * (FEW_BYTES // len(line)))
    (source,) = (source for source in all_sources() if source.log.name == JWKS_LOG)
    files = [(path.stem * 64, InputText(number, plain(path), Container.LINES)) for number, path in enumerate(paths)]
    with locked(tmp_path / "case") as folder, engine(folder.tmp, memory=None, threads=None) as con:
        told: Any = Explained(con)
        write_batch(told, folder, shape_of(source), files, lambda _: None)
    found = [join for plan in told.plans for join in joins(plan)]
    assert [[scans(side) for side in join["children"]] for join in found] == [[{"ARROW_SCAN"}, {"SEQ_SCAN"}]]
