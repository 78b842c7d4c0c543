"""Reads files as a run does: recognised by content, parsed, mapped and written by the real engine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterfoil.case.engine import engine
from counterfoil.case.evidence import FILES, NAMES, scan
from counterfoil.case.folder import CaseFolder
from counterfoil.case.ingest import write_batch
from counterfoil.pipeline.routed import shape_of
from counterfoil.read.records import InputText
from counterfoil.read.sniff import sniff
from counterfoil.sources.recognise import Recognised, Sample, Unread, recognise
from counterfoil.sources.registry import all_sources
from counterfoil.sources.source import Csv, Source
from counterfoil.unpack.walk import plain

SAMPLES = Path(__file__).parent.parent / "samples"


@dataclass(frozen=True)
class Read:
    """What a file gave: the source that read it, its evidence and its rejects, in the order of the file."""

    source: Source
    rows: list[dict[str, Any]]
    rejects: list[dict[str, Any]]


def recognised(path: Path) -> Recognised | Unread:
    """Return what the file is taken for."""
    head = sniff(plain(path))
    return recognise(Sample(head.container, head.header, head.records, path.name), all_sources())


def read(paths: Sequence[Path], work: Path) -> list[Read]:
    """Read each file with the first source that recognises it; files of one source in one pass."""
    folder = CaseFolder(work)
    folder.staging.mkdir(parents=True)
    folder.tmp.mkdir()
    by_source: dict[str, list[Path]] = {}
    for path in paths:
        by_source.setdefault(_first(path).name, []).append(path)
    rows: dict[str, list[dict[str, Any]]] = {}
    with engine(folder.tmp, memory="1GB", threads=1) as con:
        for same in by_source.values():
            for row in _rows(con, folder, _first(same[0]), same):
                rows.setdefault(row["raw_file"], []).append(row)
    found = [(path, rows.get(_digest(path), [])) for path in paths]
    return [
        Read(_first(p), [r for r in all_ if r["reject"] is None], [r for r in all_ if r["reject"] is not None])
        for p, all_ in found
    ]


def _first(path: Path) -> Source:
    found = recognised(path)
    assert isinstance(found, Recognised), f"{path.name}: {found}"
    return found.sources[0]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _rows(con: Any, folder: CaseFolder, source: Source, paths: Sequence[Path]) -> list[dict[str, Any]]:
    csv = source.csv or Csv(frozenset())
    shape = shape_of(source)
    files = [
        (_digest(p), InputText(n, plain(p), sniff(plain(p)).container, csv.json_columns, None, csv.dates))
        for n, p in enumerate(paths)
    ]
    written = write_batch(con, folder, shape, files, lambda _: None)
    columns = f"{NAMES}, reject, bucket"
    table = con.execute(scan([(True, written.folder / FILES)], columns, "ORDER BY raw_file, raw_position"))
    return list(table.to_arrow_table().to_pylist())
