"""Writes records in every container, and reads files back as the stream yields them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counterfoil.read.encoding import BOM
from counterfoil.read.records import Counter, InputText, stream
from counterfoil.read.sniff import Container
from counterfoil.read.texts import Limits
from counterfoil.unpack.walk import plain

MIB = 1 << 20


@dataclass(frozen=True)
class Streamed:
    """What a file gave: texts (None where refused), reasons of refusal, and what the counter says."""

    texts: list[str | None]
    refusals: list[str | None]
    count: int
    cut: str
    linked: bool
    told: list[int] = field(default_factory=list)


def streamed(
    path: Path,
    container: Container,
    *,
    chunk: int = 8 * MIB,
    record: int = 16 * MIB,
    json_columns: frozenset[str] = frozenset(),
    shortfall: tuple[str, str] | None = None,
) -> Streamed:
    """Stream one file; positions must be 1 to n, in order."""
    counter = Counter()
    told: list[int] = []
    file = InputText(7, plain(path), container, json_columns, shortfall)
    batches = list(stream([file], counter, told.append, Limits(chunk, record)))
    rows = [row for batch in batches for row in batch.to_pylist()]
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["file"] for row in rows} <= {7}
    assert counter.records.get(7, 0) == len(rows)
    return Streamed(
        [row["text"] for row in rows],
        [row["refused"] for row in rows],
        len(rows),
        counter.cut.get(7, ""),
        7 in counter.linked,
        told,
    )


def lines(records: Sequence[Any], *, end: str = "\n", last: bool = True) -> bytes:
    """Return the records as JSON lines."""
    text = end.join(json.dumps(record, ensure_ascii=False) for record in records)
    return (text + (end if last and records else "")).encode()


def table(records: Sequence[dict[str, Any]], columns: Sequence[str], *, end: str = "\r\n", last: bool = True) -> bytes:
    """Return the records as CSV; objects and lists in cells as JSON."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL)  # as PowerShell does
    writer.writerow(columns)
    for record in records:
        cells = [record.get(name, "") for name in columns]
        writer.writerow([cell if isinstance(cell, str) else json.dumps(cell) for cell in cells])
    text = out.getvalue()
    return (text if last else text.removesuffix(end)).encode()


def put(path: Path, data: bytes, *, bom: bool = False, packed: bool = False) -> Path:
    """Write the bytes, with a byte order mark or compressed if asked."""
    whole = (BOM if bom else b"") + data
    path.write_bytes(gzip.compress(whole, 1) if packed else whole)
    return path
