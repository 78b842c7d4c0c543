"""Writes a case from rows of evidence, as the reader of logs would have left it, and judges it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from counterfoil import app
from counterfoil.case.folder import locked
from counterfoil.case.manifest import Batch, Input, Manifest, write_manifest
from counterfoil.config import HuntSettings
from counterfoil.model import schema
from counterfoil.model.hunt import HuntReport

BATCH = "0" * 32
SHA = "a" * 64
_TYPES = {
    "string": pa.string(), "int64": pa.int64(), "boolean": pa.bool_(), "array<string>": pa.list_(pa.string()),
    "timestamp(6)": pa.timestamp("us"),
}


def written(case: Path, rows: Sequence[dict[str, Any]], settings: HuntSettings | None = None) -> HuntReport:
    """Write the rows as the evidence of a case, each with an id and a place of its own, and reconcile it."""
    legs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for place, row in enumerate(rows, 1):
        own = {"record_id": f"r{place:06}", "fidelity": 1, "raw_file": SHA, "raw_position": place}
        legs[row["leg"]].append(own | row)
    with locked(case) as folder:
        for leg, mine in legs.items():
            home = folder.evidence / BATCH / f"leg={leg}" / "bucket=any"
            home.mkdir(parents=True)
            columns = {
                column.name: pa.array([row.get(column.name) for row in mine], _TYPES[column.dtype])
                for column in schema.EVIDENCE if column.name != "leg"
            }
            pq.write_table(pa.table(columns | {"reject": pa.nulls(len(mine), pa.string())}), home / "rows.parquet")
        logs = sorted({row["source"] for row in rows})
        inputs = tuple(
            Input(sha256=SHA, path="logs.jsonl", size=1, source=log, log=log, read=len(rows)) for log in logs[:1]
        )
        write_manifest(folder.manifest, Manifest(inputs=inputs, batches=(Batch(id=BATCH, rows=len(rows)),)))
    return app.reconcile(settings or HuntSettings(case))
