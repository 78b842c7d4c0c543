"""The scan: sources into members, members into chunks, chunks to the workers, findings into a report."""

from __future__ import annotations

import os
import stat as modes
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Protocol

from counterfoil.errors import CounterfoilError
from counterfoil.leaks import chunks, expand, inputs, spool
from counterfoil.leaks import tokens as tokens_in
from counterfoil.leaks.chunks import Chunk, Hole, Readable
from counterfoil.leaks.effort import FILE_SECONDS, Effort
from counterfoil.leaks.engine import Engine, without_inner
from counterfoil.leaks.finding import Bound, Leak, LeaksReport, TokenSeen, Unread, bound
from counterfoil.leaks.inner import Inner
from counterfoil.leaks.inputs import Source
from counterfoil.leaks.kernel import best
from counterfoil.leaks.known import KnownKeys
from counterfoil.leaks.regions import Regions, regions
from counterfoil.leaks.resume import Resume
from counterfoil.unpack.kinds import COMPRESSED, HEAD_BYTES, Kind, kind_of
from counterfoil.unpack.walk import Member, Unpacker

# Of a stream, by which the regions of a dump are known.
_HEAD_BYTES = 1 << 20
# Findings kept of one member: more of them tell nothing new, and cost memory.
MOST_FINDINGS = 10_000
_TOO_MANY = f"more than {MOST_FINDINGS:,} findings in one file: the others were not kept"
_PACKED_DEVICE = "what begins on this device is packed ({}): it was scanned as it is; copy it to a file, and scan that"


class Progress(Protocol):
    """What a scan reports to."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage of `total` bytes."""

    def advance(self, amount: int) -> None:
        """Tell of so many more bytes."""

    def note(self, text: str) -> None:
        """Tell a line."""


@dataclass(frozen=True)
class ScanSettings:
    """How to scan.

    `follow_links`: also where folders hold them. `file_seconds`: of the processor, for the marks in one file.
    `every_offset`: private scalars of curves at every offset, not only at aligned ones. `tokens`: look for them, too.
    `resume`: a file that remembers what is done. `now`: what tokens are judged by. `workers`: threads; 0 for all cores.
    """

    now: datetime
    every_offset: bool = False
    tokens: bool = True
    resume: Path | None = None
    workers: int = 0
    follow_links: bool = False
    file_seconds: float = FILE_SECONDS


@dataclass(frozen=True)
class Outcome:
    """What one chunk gave."""

    leaks: tuple[Leak, ...]
    tokens: tuple[TokenSeen, ...]


def scan(paths: Sequence[str], known: KnownKeys, settings: ScanSettings, progress: Progress) -> LeaksReport:
    """Scan what the paths name; what cannot be read is in the report. Raises CounterfoilError for settings."""
    begun = time.monotonic()
    given = inputs.sources(paths, follow_links=settings.follow_links)
    kernel = best()
    engine = Engine(kernel, known, every_offset=settings.every_offset)
    reader = tokens_in.TokenReader(known, settings.now) if settings.tokens else None
    resume = Resume.open(settings.resume, known, settings)
    run = _Run(engine, reader, progress, settings, resume)
    progress.stage("scanning", sum(source.size for source in given.found) or None)
    with closing(run):
        for source in given.found:
            run.source(source)
    return LeaksReport(
        kernel=kernel.name,
        keys=len(known.keys),
        secrets=len(known.macs),
        findings=tuple(run.leaks),
        tokens=tokens_in.merged(run.tokens),
        unread=(*given.unread, *run.unread),
        files=run.files,
        scanned=run.scanned,
        skipped=run.skipped,
        seconds=time.monotonic() - begun,
        notes=(*_notes(engine, known, given.links + run.links), *given.notes(), *run.notes),
    )


def _notes(engine: Engine, known: KnownKeys, links: int) -> Iterator[str]:
    """Say what was not looked for."""
    if not known.keys:
        yield "Without known keys only written keys were looked for, not bare numbers: --jwks or --key names the keys."
    yield from (f"Only written forms of {kid} were looked for: an unusual key." for kid in engine.left_out())
    if links:
        yield f"{links:,} {'link was' if links == 1 else 'links were'} not followed."


class _Run:
    """One scan under way: at most two chunks for each worker are in memory, besides the one that is read."""

    def __init__(
        self,
        engine: Engine,
        reader: tokens_in.TokenReader | None,
        progress: Progress,
        settings: ScanSettings,
        resume: Resume,
    ) -> None:
        self._engine, self._reader, self._progress, self._resume = engine, reader, progress, resume
        self._workers = settings.workers or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="leaks")
        self._seconds = settings.file_seconds
        self._effort = Effort(self._seconds)
        self.leaks: list[Leak] = []
        self.tokens: list[TokenSeen] = []
        self.unread: list[Unread] = []
        self.notes: list[str] = []
        self.files = self.scanned = self.skipped = self.links = 0

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def source(self, source: Source) -> None:
        """Scan a file, a device or standard input, with all that is inside."""
        done = self._resume.done(source)
        if done is not None:
            self._keep(done.leaks, done.tokens)
            self.unread += done.unread
            self.files += 1
            self._progress.advance(source.size)
            return
        first = len(self.leaks), len(self.tokens), len(self.unread)
        self._effort = Effort(self._seconds)
        try:
            if source.regular and source.path is not None:
                self._archive(source, source.path)
            else:
                self._stream_of(source)
        except Exception as error:  # noqa: BLE001  # a mistake of ours costs one source, and a gate its pass
            self._mistake(source.name, error)
        self.unread += self._effort.told()
        self._resume.finished(source, self.leaks[first[0] :], self.tokens[first[1] :], self.unread[first[2] :])

    def _archive(self, source: Source, path: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="counterfoil-") as at, Unpacker(Path(at), thorough=True) as unpacker:
            told = False
            try:
                for member in unpacker.members(path, name="" if path == source.path else source.name):
                    told = told or not (member.nested or member.trouble)
                    self._member(member, source, path)
            except (OSError, CounterfoilError) as error:
                self._trouble(source.name, error)
            if not told:
                self._progress.advance(source.size)

    def _member(self, member: Member, source: Source, path: Path) -> None:
        if member.link:
            self.links += 1
            return
        if member.trouble:
            self.unread.append(Unread(member.name, member.trouble))
            return
        if not member.nested and not _compressed(member):
            self._file(source, path)
            return
        self.files += not member.between
        told, begun = not member.nested, len(self.leaks)
        bounds = (*bound(member.modified, "entry of the archive"), *source.bounds)
        try:
            with member.stored() if member.between else member.open() as stream:
                self._scan_all(chunks.of_stream(stream), member.name, Regions(bounds=bounds), told=False)
            if not member.between:
                self._inside(expand.streams(member.name, member.open, None), member.name, begun, bounds)
        except (CounterfoilError, OSError) as error:
            self._trouble(member.name, error)
        if told:
            self._progress.advance(source.size)

    def _file(self, source: Source, path: Path) -> None:
        """Scan a plain file: without the holes of a sparse one, and from where an earlier run stopped."""
        self.files += 1
        try:
            handle = os.open(path, os.O_RDONLY)
        except OSError as error:
            self._trouble(source.name, error)
            return
        try:
            where = regions(lambda at, size: os.pread(handle, size, at) if 0 <= at < 1 << 62 else b"")
            where = replace(where, bounds=(*where.bounds, *source.bounds))
            start, held = self._resume.partial(source)
            self._keep(held.leaks, held.tokens)
            self._progress.advance(start)
            first = len(self.leaks), len(self.tokens)

            def mark(offset: int) -> None:
                self._resume.reached(source, offset, self.leaks[first[0] :], self.tokens[first[1] :])

            self._scan_all(chunks.of_file(handle, start), source.name, where, told=True, mark=mark)
            inside = expand.streams(source.name, lambda: path.open("rb"), path)
            self._inside(inside, source.name, first[0], source.bounds)
        except (OSError, CounterfoilError) as error:
            self._trouble(source.name, error)
        finally:
            os.close(handle)

    def _inside(self, inside: Iterator[Inner], name: str, begun: int, bounds: tuple[Bound, ...]) -> None:
        """Scan what is inside a file or member; what goes wrong there costs no other file."""
        try:
            for inner in inside:
                self._inner(inner, begun, bounds)
        except (OSError, CounterfoilError) as error:
            self._trouble(name, error)
        except Exception as error:  # noqa: BLE001  # as above
            self._mistake(name, error)

    def _inner(self, inner: Inner, begun: int, bounds: tuple[Bound, ...]) -> None:
        if inner.trouble:
            self.unread.append(Unread(inner.name, inner.trouble))
            return
        first = len(self.leaks)
        seen = self.leaks[begun:]
        try:
            self._scan_all(chunks.of_stream(inner.stream), inner.name, Regions(bounds=bounds), told=False)
        except (OSError, CounterfoilError) as error:
            self._trouble(inner.name, error)
        # what the file shows as it is, is told there
        self.leaks[first:] = [
            leak
            for leak in self.leaks[first:]
            if not any(leak.thumbprint == one.thumbprint and leak.form in one.form for one in seen)
        ]

    def _stream_of(self, source: Source) -> None:
        try:
            with inputs.opened(source) as stream:
                device = modes.S_ISBLK(os.fstat(stream.fileno()).st_mode)
                if source.path is None or not (device or source.size):
                    self._pipe(source, stream)
                else:
                    self._device(source, stream)
        except (OSError, ValueError) as error:
            self._trouble(source.name, error)

    def _pipe(self, source: Source, stream: IO[bytes]) -> None:
        """Scan a pipe or standard input as the file that it would be."""
        with tempfile.TemporaryDirectory(prefix="counterfoil-") as at:
            held = spool.spooled(stream, Path(at))
            if not held.size:
                self.notes.append(f"{source.name} was empty.")
            elif held.whole:
                self._archive(source, held.path)
            else:
                self.unread.append(Unread(source.name, spool.TOO_LONG))
                with held.path.open("rb") as begun:
                    self._device(source, spool.Joined(begun, stream))

    def _device(self, source: Source, stream: Readable) -> None:
        """Scan what is too large to be copied, as it is."""
        self.files += 1
        head = stream.read(_HEAD_BYTES)
        if (kind := kind_of(head[:HEAD_BYTES])) is not Kind.PLAIN:
            self.unread.append(Unread(source.name, _PACKED_DEVICE.format(kind)))
        where = regions(lambda at, size: head[at : at + size])
        self._scan_all(chunks.of_stream(spool.Joined(BytesIO(head), stream)), source.name, where, told=True)

    def _scan_all(
        self,
        pieces: Iterator[Chunk | Hole] | Iterator[Chunk],
        path: str,
        where: Regions,
        *,
        told: bool,
        mark: Callable[[int], None] | None = None,
    ) -> None:
        """Scan the chunks in parallel and keep what they give in their order."""
        waiting: list[tuple[Future[Outcome], Chunk]] = []
        leaks: list[Leak] = []

        def settle() -> None:
            outcome, chunk = waiting.pop(0)
            try:
                got = outcome.result()
            except Exception as error:  # noqa: BLE001  # a mistake of ours costs one row, and a gate its pass
                where_at = f"bytes {chunk.offset + chunk.begin:,} to {chunk.offset + chunk.end:,}"
                self.unread.append(Unread(path, f"{where_at}: {type(error).__name__}, a mistake of ours"))
                return
            leaks.extend(replace(leak, region=where.of(leak.offset), bounds=where.bounds) for leak in got.leaks)
            self.tokens += [
                replace(token, region=where.of(token.offset), bounds=where.bounds) for token in got.tokens
            ]
            own = chunk.end - chunk.begin
            self.scanned += own
            if told:
                self._progress.advance(own)
            if mark is not None:
                mark(chunk.offset + chunk.end)

        try:
            for piece in pieces:
                if isinstance(piece, Hole):
                    self.skipped += piece.size
                    self._progress.advance(piece.size if told else 0)
                    continue
                waiting.append((self._pool.submit(self._chunk, piece, path), piece))
                if len(waiting) > 2 * self._workers:
                    settle()
        finally:
            while waiting:
                settle()
            self._keep(leaks[:MOST_FINDINGS], ())
            if len(leaks) > MOST_FINDINGS:
                self.unread.append(Unread(path, _TOO_MANY))

    def _chunk(self, chunk: Chunk, path: str) -> Outcome:
        leaks = self._engine.scan(chunk, path, self._effort)
        tokens = self._engine.tokens(chunk, path, self._reader, self._effort) if self._reader is not None else []
        return Outcome(tuple(leaks), tuple(tokens))

    def _keep(self, leaks: Iterable[Leak], tokens: Iterable[TokenSeen]) -> None:
        self.leaks += without_inner(tuple(leaks))
        self.tokens += tokens

    def _mistake(self, name: str, error: Exception) -> None:
        self.unread.append(Unread(name, f"not scanned to its end: {type(error).__name__}, a mistake of ours"))

    def _trouble(self, name: str, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        self.unread.append(Unread(name, why))


def _compressed(member: Member) -> bool:
    try:
        with member.stored() as stream:
            return kind_of(stream.read(HEAD_BYTES)) in COMPRESSED
    except CounterfoilError:
        return False
