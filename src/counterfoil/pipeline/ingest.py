"""Reads input files into a case: recognise each by content, write evidence in batches, commit each.

Idempotent: a file whose hash the case knows is not read again. Incremental: a batch is committed as soon as it
is written, so that a killed run loses at most one batch, which the next run reads again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from duckdb import DuckDBPyConnection

from counterfoil.case.folder import PRIVATE, CaseFolder
from counterfoil.case.ingest import Written, commit, write_batch
from counterfoil.case.manifest import Archive, Batch, Input, Manifest, read_manifest, write_manifest
from counterfoil.errors import InputError
from counterfoil.model.hunt import BYPRODUCT
from counterfoil.pipeline.inputs import Candidate
from counterfoil.pipeline.members import Found, Unopened, members
from counterfoil.pipeline.progress import Progress
from counterfoil.pipeline.routed import fit_of, routed, shape_of
from counterfoil.pipeline.stamps import Known, read_stamps, recognised, remembered, write_stamps
from counterfoil.read.encoding import Encoding
from counterfoil.read.records import InputText
from counterfoil.read.sniff import Container, Head, sniff
from counterfoil.sources.byproducts import by_place
from counterfoil.sources.recognise import Sample, Unread, recognise, router
from counterfoil.sources.registry import all_sources
from counterfoil.sources.source import Csv, Source
from counterfoil.unpack.names import on_disk
from counterfoil.unpack.walk import Unpacker, plain

if TYPE_CHECKING:
    from counterfoil.case.spark import Spark

# A batch ends after so many bytes or files: what a killed run has to read again.
BATCH_BYTES = 4 << 30
# A Spark holds the text of one in memory, some times over.
SPARK_BATCH_BYTES = 512 << 20
# Records of so many bytes are some four million, which are settled at once (`settled.PART_ROWS`): no need to part them.
PLAIN_BYTES = 8 << 30
BATCH_FILES = 2_000
HASHERS = 2
_DATA = (".json", ".jsonl", ".csv")
TWO_WAYS = "rows are left out: nothing in the file tells whether its dates have the day or the month first"
DENIED = "the service refused it (403), for want of a licence or of a permission: that is not the same as no records"
LAST_PAGE_MISSING = "the last page is missing (@odata.nextLink)"
MAX_PAGE_DIGITS = 18  # what is longer is no page number


@dataclass(frozen=True)
class Planned:
    """A file with the source that reads it; `header` is a CSV's."""

    found: Found
    container: Container
    encoding: Encoding
    header: tuple[str, ...]
    source: Source

    @property
    def mixed(self) -> bool:
        """Tell whether the file may hold records of other sources."""
        return self.container in (Container.LINES, Container.DOCUMENT, Container.CSV) and not self.source.unmixed

    @property
    def alike(self) -> tuple[str, bool, bool]:
        """What files that are read in one pass have in common."""
        return self.source.name, self.mixed, bool(self.header)

    @property
    def lines(self) -> bool:
        """Tell whether a Spark reads the file: JSON lines, none of which tells what is missing of the others."""
        return self.container is Container.LINES and self.source.shortfall is None


@dataclass(frozen=True)
class Sorted:
    """What is to be done with the files: planned with those that are read alike, unread, or copies of others."""

    planned: dict[tuple[str, bool, bool], list[Planned]]
    unread: list[Input]
    copies: list[Input]
    archives: list[Archive]


def ingest(
    con: DuckDBPyConnection, folder: CaseFolder, paths: Sequence[Path], progress: Progress, *, rehash: bool = False,
    spark: Spark | None = None,
) -> Manifest:
    """Read the files into the case and return its manifest.

    Files that stand as they were hashed are not read for their hash, unless `rehash` (pipeline.stamps). `spark` reads
    JSON lines.

    A file that cannot be read is recorded as unread with the reason; the rest is read. So is a file of the same
    content as another, once that one is read.
    """
    manifest = read_manifest(folder.manifest)
    spool = folder.tmp / "unpacked"
    spool.mkdir(mode=PRIVATE)
    with Unpacker(spool) as unpacker:
        work = _sorted(manifest, _hashed(folder, paths, progress, rehash=rehash), unpacker)
        manifest = _record(folder, manifest, work.unread, ())
        size = sum(plan.found.size for plans in work.planned.values() for plan in plans)
        progress.stage("reading", size)
        for plans in work.planned.values():
            there = [plan for plan in plans if spark is not None and plan.lines]
            here = [plan for plan in plans if spark is None or not plan.lines]
            for some, engine in ((there, spark), (here, None)):
                for batch in _batches(some, BATCH_BYTES if engine is None else SPARK_BATCH_BYTES):
                    manifest = _read(con, folder, manifest, batch, progress, bucketed=size > PLAIN_BYTES, spark=engine)
    return _with_last_pages(folder, _record(folder, manifest, work.copies, (), work.archives))


def _sorted(manifest: Manifest, files: Iterable[Candidate | Input], unpacker: Unpacker) -> Sorted:
    """Say what is to be done with the files, and with the members of those that are archives."""
    known = {entry.sha256: entry.path for entry in reversed(manifest.inputs) if entry.sha256}
    known |= {archive.sha256: archive.path for archive in manifest.archives}
    work = Sorted({}, [], [], [])
    for file in files:
        if isinstance(file, Input):
            work.unread.append(file)
        elif file.sha256 in known:
            _copy(work, known[file.sha256], Found(plain(file.path), file.sha256, file.size))
        else:
            _sort(work, known, file, unpacker)
    return work


def _sort(work: Sorted, known: dict[str, str], file: Candidate, unpacker: Unpacker) -> None:
    """Say what is to be done with one file or with what is in it."""
    inside, again = 0, False
    for found in members(unpacker, file):
        inside += bool(found.archive)
        if isinstance(found, Unopened):
            again |= found.again
            work.unread.append(found.entry)
            continue
        if found.sha256 in known:
            _copy(work, known[found.sha256], found)
            continue
        known[found.sha256] = found.member.name
        plan = planned(found)
        if isinstance(plan, Input):
            work.unread.append(plan)
        else:
            work.planned.setdefault(plan.alike, []).append(plan)
    if inside:
        known[file.sha256] = on_disk(file.path)
        if not again:
            work.archives.append(Archive(sha256=file.sha256, path=on_disk(file.path), size=file.size, members=inside))


def _copy(work: Sorted, first: str, found: Found) -> None:
    """List a file of the same content as another, unless it is that file."""
    if Path(found.member.name).absolute() != Path(first).absolute():
        work.copies.append(_unread(found, Unread("", f"same content as {first}")))


def _hashed(
    folder: CaseFolder, paths: Sequence[Path], progress: Progress, *, rehash: bool
) -> Iterator[Candidate | Input]:
    """Yield each file with its hash, or as an unread input if it cannot be opened."""
    progress.stage("hashing", sum(map(_size, paths)))
    known = {} if rehash else read_stamps(folder.stamps)
    stand: dict[str, Known] = {}

    def one(path: Path) -> tuple[Candidate | Input, Known | None]:
        try:
            return recognised(path, known)
        except InputError as error:
            return Input(sha256="", path=on_disk(path), size=0, unread=str(error)), None

    with ThreadPoolExecutor(HASHERS) as pool:
        for path, (found, stamp) in zip(paths, pool.map(one, paths), strict=True):
            progress.advance(found.size)
            stand |= remembered([(path, stamp)])
            yield found
    if stand.items() - known.items() or not folder.stamps.exists():
        write_stamps(folder.stamps, {**known, **stand})


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def planned(found: Found) -> Planned | Input:
    """Return how the file is read, or why it is not."""
    try:
        head = sniff(found.member)
    except InputError as error:
        return _unread(found, Unread("", str(error)))
    if head.container in (Container.UNKNOWN, Container.EMPTY):
        broken = found.member.name.lower().endswith(_DATA)  # it should have been readable: that is worth saying
        return (_unread if broken else _no_log)(found, Unread("", head.why))
    known = all_sources()
    shape = recognise(_sample(head, Path(found.member.name).name), known)
    if isinstance(shape, Unread):
        return _no_log(found, shape)
    return Planned(found, head.container, head.encoding, head.header, shape.sources[0])


def _sample(head: Head, name: str) -> Sample:
    return Sample(head.container, head.header, head.records, name)


def _no_log(found: Found, why: Unread) -> Input:
    """List a file that no source reads; one that a tool wrote beside its logs is called so."""
    told = "" if why.reason.startswith(BYPRODUCT) else by_place(found.member.name)
    return _unread(found, Unread(why.nearest, told) if told else why)


def _unread(found: Found, why: Unread) -> Input:
    return Input(
        sha256=found.sha256,
        path=found.member.name,
        size=found.size,
        unread=why.reason,
        nearest=why.nearest,
        archive=found.archive,
    )


def _batches(plans: Sequence[Planned], most: int) -> Iterator[list[Planned]]:
    batch: list[Planned] = []
    size = 0
    for plan in plans:
        if batch and (size + plan.found.size > most or len(batch) >= BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append(plan)
        size += plan.found.size
    if batch:
        yield batch


def _read(
    con: DuckDBPyConnection, folder: CaseFolder, manifest: Manifest, plans: list[Planned], progress: Progress, *,
    bucketed: bool, spark: Spark | None,
) -> Manifest:
    """Read one batch of files of the same sources, and commit it."""
    try:
        written = list(_passes(con, folder, plans, progress, bucketed=bucketed, spark=spark))
    except InputError as error:
        for half in folder.staging.iterdir():
            shutil.rmtree(half)
        if len(plans) > 1:  # find the broken one: the others are read without it
            for plan in plans:
                manifest = _read(con, folder, manifest, [plan], progress, bucketed=bucketed, spark=spark)
            return manifest
        return _record(folder, manifest, [_unread(plans[0].found, Unread("", str(error)))], ())
    inputs = [_input(plan, written) for plan in plans]
    for _, batch in written:
        commit(folder, batch)
    made = [Batch(id=batch.id, rows=batch.rows) for _, batch in written if batch.files]
    return _record(folder, manifest, inputs, made)


def _passes(
    con: DuckDBPyConnection, folder: CaseFolder, plans: list[Planned], progress: Progress, *, bucketed: bool,
    spark: Spark | None,
) -> Iterator[tuple[Source, Written]]:
    """Yield batches with their sources until every record of the files is in one."""
    main = plans[0].source
    fit = fit_of(main, csv=bool(plans[0].header)) if plans[0].mixed else None
    shape, texts = shape_of(main, fit), _texts(plans, main)
    if spark is None:
        batch = write_batch(con, folder, shape, texts, progress.advance, bucketed=bucketed)
    else:
        from counterfoil.pipeline.by_spark import OneInput, written_there  # Ibis and more: others do without

        inputs = [OneInput(sha, plan.found.size, text) for plan, (sha, text) in zip(plans, texts, strict=True)]
        there, batch = written_there(spark, con, folder, shape, inputs, progress.advance, bucketed=bucketed)
        yield main, there
    yield main, batch
    known = all_sources()
    choosers = {
        plan.found.sha256: router(known, plan.header, Path(plan.found.member.name).name, main) for plan in plans
    }
    yield from routed(con, folder, batch, choosers, main, partial(_texts, plans), bucketed=bucketed)


def _texts(plans: Sequence[Planned], source: Source) -> list[tuple[str, InputText]]:
    shape = source.csv or Csv(frozenset())
    return [
        (
            plan.found.sha256,
            InputText(
                number,
                plan.found.member,
                plan.container,
                shape.json_columns,
                source.shortfall,
                shape.dates,
                plan.encoding,
            ),
        )
        for number, plan in enumerate(plans)
    ]


def _input(plan: Planned, parts: Sequence[tuple[Source, Written]]) -> Input:
    sha, source = plan.found.sha256, plan.source
    written = [batch for _, batch in parts]
    counts = [file for batch in written for file in batch.files if file.sha256 == sha]
    read = sum(file.rows for file in counts)
    return Input(
        sha256=sha,
        path=plan.found.member.name,
        size=plan.found.size,
        source=source.name,
        log=source.log.name,
        read=read,
        rejected=sum(file.rejected for file in counts),
        truncated=_truncated(plan, read, written),
        logs=tuple(sorted({part.log.name for part, batch in parts if batch.has(sha)} - {source.log.name})),
        note=_note(source, sha, parts),
        linked=any(sha in batch.linked for batch in written),
        archive=plan.found.archive,
    )


def _note(source: Source, sha: str, parts: Sequence[tuple[Source, Written]]) -> str:
    """Return what the reader of a report must know of the file: records of other sources, and without a date."""
    notes = []
    for other, batch in parts:
        good = sum(file.rows - file.rejected for file in batch.files if file.sha256 == sha)
        if other is not source and good:
            notes.append(f"{good:,} of its records {'is' if good == 1 else 'are'} of {other.name}")
    denied = {log for _, batch in parts for file in batch.files if file.sha256 == sha for log in file.denied}
    if denied:
        notes.append(f"{', '.join(sorted(denied))}: {DENIED}")
    undated = sum(file.undated for _, batch in parts for file in batch.files if file.sha256 == sha)
    if undated:
        notes.append(f"{undated:,} of its records have no date that can be read: they clear by their id, no more")
    return "; ".join(notes)


def _truncated(plan: Planned, read: int, written: Sequence[Written]) -> str:
    """Return how the file shows that its export was cut off; empty if it does not."""
    if read in plan.source.row_caps:
        return f"exactly {read:,} rows, where this export stops"
    if plan.source.summarised:
        return plan.source.summarised
    if any(plan.found.sha256 in batch.two_ways and _rejects(plan, batch) for batch in written):
        return TWO_WAYS
    return next((batch.cut[plan.found.sha256] for batch in written if plan.found.sha256 in batch.cut), "")


def _rejects(plan: Planned, batch: Written) -> int:
    return sum(file.rejected for file in batch.files if file.sha256 == plan.found.sha256)


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


def _record(
    folder: CaseFolder,
    manifest: Manifest,
    inputs: Sequence[Input],
    batches: Sequence[Batch],
    archives: Sequence[Archive] = (),
) -> Manifest:
    """Write the manifest with more inputs, batches and archives, if there are any."""
    listed = set(manifest.inputs)
    inputs = [entry for entry in inputs if entry not in listed]
    if not inputs and not batches and not archives:
        return manifest
    # a file that could not be read is tried again by every run, and listed once
    again = {i.path for i in inputs} | {archive.path for archive in archives}
    kept = [entry for entry in manifest.inputs if entry.sha256 or entry.path not in again]
    new = msgspec.structs.replace(manifest, inputs=(*kept, *inputs), batches=(*manifest.batches, *batches))
    new = msgspec.structs.replace(new, archives=(*manifest.archives, *archives))
    write_manifest(folder.manifest, new)
    return new
