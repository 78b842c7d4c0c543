"""Reads input files into a case: recognise each by content, write evidence in batches, commit each.

Idempotent: a file whose hash the case knows is not read again. Incremental: a batch is committed as soon as it
is written, so that a killed run loses at most one batch, which the next run reads again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import msgspec
from ibis.backends.duckdb import Backend

from counterfoil.case.folder import CaseFolder
from counterfoil.case.ingest import Route, Shape, Written, commit, write_batch
from counterfoil.case.manifest import Batch, Input, Manifest, read_manifest, write_manifest
from counterfoil.case.records import InputText
from counterfoil.case.sniff import Container, Head, sniff
from counterfoil.errors import InputError
from counterfoil.pipeline.inputs import Candidate, digest
from counterfoil.pipeline.progress import Progress
from counterfoil.sources.mapping import rows
from counterfoil.sources.recognise import Recognised, Sample, Unread, recognise
from counterfoil.sources.registry import all_sources
from counterfoil.sources.source import TEXT, Csv, Source

# A batch ends after so many bytes or files: what a killed run has to read again.
BATCH_BYTES = 4 << 30
BATCH_FILES = 2_000
HASHERS = 2
TWO_WAYS = "rows are left out: nothing in the file tells whether its dates have the day or the month first"
LAST_PAGE_MISSING = "the last page is missing (@odata.nextLink)"
MAX_PAGE_DIGITS = 18  # what is longer is no page number


@dataclass(frozen=True)
class Planned:
    """A file with the sources that read it; the first one takes what the sample showed."""

    candidate: Candidate
    container: Container
    sources: tuple[Source, ...]


def ingest(con: Backend, folder: CaseFolder, paths: Sequence[Path], progress: Progress) -> Manifest:
    """Read the files into the case and return its manifest.

    A file that cannot be read is recorded as unread with the reason; the rest is read. So is a file of the same
    content as another, once that one is read.
    """
    manifest = read_manifest(folder.manifest)
    known = {entry.sha256: Path(entry.path) for entry in reversed(manifest.inputs) if entry.sha256}
    planned: dict[tuple[str, ...], list[Planned]] = {}
    unread: list[Input] = []
    copies: list[Input] = []
    for found in _hashed(paths, progress):
        if isinstance(found, Input):
            unread.append(found)
        elif found.sha256 in known:
            first = known[found.sha256]
            if found.path.absolute() != first.absolute():
                copies.append(_unread(found, Unread("", f"same content as {first}")))
        else:
            known[found.sha256] = found.path
            plan = _plan(found)
            if isinstance(plan, Input):
                unread.append(plan)
            else:
                planned.setdefault(tuple(source.name for source in plan.sources), []).append(plan)
    manifest = _record(folder, manifest, unread, ())
    progress.stage("reading", sum(plan.candidate.size for plans in planned.values() for plan in plans))
    for plans in planned.values():
        for batch in _batches(plans):
            manifest = _read(con, folder, manifest, batch, progress)
    return _with_last_pages(folder, _record(folder, manifest, copies, ()))


def _hashed(paths: Sequence[Path], progress: Progress) -> Iterator[Candidate | Input]:
    """Yield each file with its hash, or as an unread input if it cannot be opened."""
    progress.stage("hashing", len(paths))

    def one(path: Path) -> Candidate | Input:
        try:
            return digest(path)
        except InputError as error:
            return Input(sha256="", path=str(path), size=0, unread=str(error))

    with ThreadPoolExecutor(HASHERS) as pool:
        for found in pool.map(one, paths):
            progress.advance(1)
            yield found


def _plan(candidate: Candidate) -> Planned | Input:
    try:
        head = sniff(candidate.path)
    except InputError as error:
        return _unread(candidate, Unread("", str(error)))
    if head.container in (Container.UNKNOWN, Container.EMPTY):
        return _unread(candidate, Unread("", head.why))
    known = all_sources()
    found = recognise(_sample(head, candidate.path.name), known)
    if isinstance(found, Unread):
        return _unread(candidate, found)
    sources = found.sources[:1] if head.header else _family(found, known)
    return Planned(candidate, head.container, sources)


def _sample(head: Head, name: str) -> Sample:
    return Sample(head.container, head.header, head.records, name)


def _family(found: Recognised, known: Sequence[Source]) -> tuple[Source, ...]:
    """Return the sources found first, then all others that share their envelope: later records may be theirs."""
    first = found.sources[0]
    if not first.markers:
        return found.sources[:1]
    same = [s for s in known if s.markers.keys() == first.markers.keys() and s not in found.sources]
    return (*found.sources, *same)


def _unread(candidate: Candidate, why: Unread) -> Input:
    return Input(
        sha256=candidate.sha256, path=str(candidate.path), size=candidate.size, unread=why.reason, nearest=why.nearest
    )


def _batches(plans: Sequence[Planned]) -> Iterator[list[Planned]]:
    batch: list[Planned] = []
    size = 0
    for plan in plans:
        if batch and (size + plan.candidate.size > BATCH_BYTES or len(batch) >= BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(plan)
        size += plan.candidate.size
    if batch:
        yield batch


def _read(con: Backend, folder: CaseFolder, manifest: Manifest, plans: list[Planned], progress: Progress) -> Manifest:
    """Read one batch of files of the same sources, and commit it."""
    try:
        written = list(_passes(con, folder, plans, progress))
    except InputError as error:
        for half in folder.staging.iterdir():
            shutil.rmtree(half)
        if len(plans) > 1:  # find the broken one: the others are read without it
            for plan in plans:
                manifest = _read(con, folder, manifest, [plan], progress)
            return manifest
        return _record(folder, manifest, [_unread(plans[0].candidate, Unread("", str(error)))], ())
    inputs = [_input(plan, written) for plan in plans]
    for batch in written:
        commit(folder, batch)
    return _record(folder, manifest, inputs, [Batch(id=batch.id, rows=batch.rows) for batch in written if batch.files])


def _passes(con: Backend, folder: CaseFolder, plans: list[Planned], progress: Progress) -> Iterator[Written]:
    """Yield one batch per source until every record of the files is in one."""
    sources = plans[0].sources
    if len(sources) == 1:
        yield write_batch(con, folder, _shape(sources[0]), _texts(plans, sources[0]), progress.advance)
        return
    routes = tuple(_route(source) for source in sources)
    left = plans
    taken: dict[str, int] = {}
    for source, route in zip(sources, routes, strict=True):
        batch = write_batch(con, folder, _shape(source, route), _texts(left, source), progress.advance)
        yield batch
        for file in batch.files:
            taken[file.sha256] = taken.get(file.sha256, 0) + file.rows
        left = [p for p in left if taken.get(p.candidate.sha256, 0) < batch.streamed[p.candidate.sha256]]
        if not left:
            return
    rest = Shape("rest", {"category": TEXT}, frozenset(), _refuse, leaves=routes)  # the engine wants a column to parse
    yield write_batch(con, folder, rest, _texts(left, sources[0]), lambda _: None)


def _refuse(raw: ir.Table) -> ir.Table:
    """Map the records that no source of the envelope takes: all rejected."""
    import ibis

    return rows(raw, source="unknown", fidelity=99, reject=ibis.literal("record of a category that is not read"))


def _texts(plans: Sequence[Planned], source: Source) -> list[tuple[str, InputText]]:
    shape = source.csv or Csv(frozenset())
    return [
        (
            plan.candidate.sha256,
            InputText(
                number, plan.candidate.path, plan.container, shape.json_columns, source.shortfall, shape.dates
            ),
        )
        for number, plan in enumerate(plans)
    ]


def _shape(source: Source, takes: Route | None = None) -> Shape:
    return Shape(source.name, source.raw, source.embedded, source.to_evidence, takes)


def _route(source: Source) -> Route:
    (path, values), *_ = source.markers.items()
    return Route(path, values)


def _input(plan: Planned, written: Sequence[Written]) -> Input:
    sha = plan.candidate.sha256
    counts = [file for batch in written for file in batch.files if file.sha256 == sha]
    source = plan.sources[0]
    read = sum(file.rows for file in counts)
    return Input(
        sha256=sha,
        path=str(plan.candidate.path),
        size=plan.candidate.size,
        source=source.name,
        log=source.log,
        read=read,
        rejected=sum(file.rejected for file in counts),
        truncated=_truncated(plan, read, written),
        linked=any(sha in batch.linked for batch in written),
    )


def _truncated(plan: Planned, read: int, written: Sequence[Written]) -> str:
    """Return how the file shows that its export was cut off; empty if it does not."""
    caps = {cap for source in plan.sources for cap in source.row_caps}
    if read in caps:
        return f"exactly {read:,} rows, where this export stops"
    if any(plan.candidate.sha256 in batch.two_ways and _rejects(plan, batch) for batch in written):
        return TWO_WAYS
    return next((batch.cut[plan.candidate.sha256] for batch in written if plan.candidate.sha256 in batch.cut), "")


def _rejects(plan: Planned, batch: Written) -> int:
    return sum(file.rejected for file in batch.files if file.sha256 == plan.candidate.sha256)


def _with_last_pages(folder: CaseFolder, manifest: Manifest) -> Manifest:
    """Return the manifest in which a set of pages whose last one names another is cut off.

    A set is the files of one folder and source whose names differ in their last number only. It may be completed by
    a later run.
    """
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for entry in manifest.inputs:
        if entry.source:
            pages, number = _page(entry)
            last[pages] = max(last.get(pages, (number, entry.sha256)), (number, entry.sha256))
    ends = {sha for _, sha in last.values()}
    settled = [
        msgspec.structs.replace(entry, truncated=LAST_PAGE_MISSING if entry.sha256 in ends else "")
        if entry.linked and entry.source
        else entry
        for entry in manifest.inputs
    ]
    new = msgspec.structs.replace(manifest, inputs=tuple(settled))
    if new != manifest:
        write_manifest(folder.manifest, new)
    return new


def _page(entry: Input) -> tuple[tuple[str, str], int]:
    """Return the set that the file would be a page of, and its number in it."""
    path = Path(entry.path).absolute()
    *_, number = re.findall(r"\d+", path.name) or ["0"]
    before, _, after = path.name.rpartition(number)
    return (entry.source, str(path.with_name(f"{before}#{after}"))), int(number[:MAX_PAGE_DIGITS])


def _record(folder: CaseFolder, manifest: Manifest, inputs: Sequence[Input], batches: Sequence[Batch]) -> Manifest:
    """Write the manifest with more inputs and batches, if there are any."""
    inputs = [entry for entry in inputs if entry not in manifest.inputs]
    if not inputs and not batches:
        return manifest
    # a file that could not be read is tried again by every run, and listed once
    kept = [entry for entry in manifest.inputs if entry.sha256 or entry.path not in {i.path for i in inputs}]
    new = msgspec.structs.replace(manifest, inputs=(*kept, *inputs), batches=(*manifest.batches, *batches))
    write_manifest(folder.manifest, new)
    return new
