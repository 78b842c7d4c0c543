"""What is fuzzed: every parser of untrusted bytes, through the calls that a run makes. Only InputError may come out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import strategies as st

from counterfoil.case.canonical import with_canonical_ids
from counterfoil.case.engine import engine
from counterfoil.case.folder import CaseFolder
from counterfoil.case.functions import install
from counterfoil.case.ingest import write_batch
from counterfoil.errors import InputError
from counterfoil.investigate import indicator_files
from counterfoil.model.ids import IdKind, canonical
from counterfoil.pipeline.routed import shape_of
from counterfoil.read.records import Counter, InputText, date_order, stream
from counterfoil.read.sniff import Container, sniff
from counterfoil.read.texts import Limits
from counterfoil.sources.recognise import Recognised, Sample, recognise
from counterfoil.sources.registry import all_sources
from counterfoil.sources.source import Source
from counterfoil.unpack.bounds import Bounds
from counterfoil.unpack.walk import Unpacker, plain

from .mutations import changed, odd

CORPUS = Path(__file__).parent / "corpus"
SAMPLES = Path(__file__).parent.parent / "samples"
_LIMITS = Limits(chunk=4_096, record=65_536)
_BOUNDS = Bounds(depth=3, members=50, unpacked=8 << 20, ratio=50, free=1 << 20)
_SAMPLE_BYTES = 20_000  # longer samples are cut: what they show is in their first records
_RECORDS = 40  # that one pass of the engine maps


@dataclass(frozen=True)
class Target:
    """One thing that is fuzzed: inputs near real ones, and what must hold for each. `check` raises what it finds."""

    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]


def targets(work: Path, stack: ExitStack) -> dict[str, Callable[[], Target]]:
    """Return what makes each target, by name; they work in the folder, and what they open is closed by the stack."""
    found: dict[str, Callable[[], Target]] = {
        "unpack": lambda: Target(changed(_files(CORPUS / "unpack")), _Unpack(work)),
        "sniff": lambda: Target(changed(_texts()), _Sniff(work)),
        "readers": lambda: Target(changed(_texts()), _Read(work)),
        "ids": lambda: Target(_ids(), _Ids(stack)),
        "indicators": lambda: Target(changed(_files(CORPUS / "indicators")), _indicators),
    }
    for container in Container:
        if container not in (Container.EMPTY, Container.UNKNOWN):
            found[f"reader-{container}"] = lambda c=container: Target(changed(_of(c)), _Read(work, c))  # type: ignore[misc]
    for source in all_sources():
        found[f"source-{source.name}"] = lambda s=source: _source(s, work, stack)  # type: ignore[misc]
    return found


def _files(*folders: Path) -> list[bytes]:
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return [path.read_bytes()[:_SAMPLE_BYTES] for path in paths]


def _texts() -> list[bytes]:
    return _files(CORPUS / "readers", SAMPLES)


def _of(container: Container) -> list[bytes]:
    """Return the texts of this container; where none is short enough to be whole, all."""
    paths = sorted(path for path in [*CORPUS.rglob("*"), *SAMPLES.rglob("*")] if path.is_file())
    found = [path.read_bytes() for path in paths if sniff(plain(path)).container is container]
    return [data[:_SAMPLE_BYTES] if container is not Container.EVTX else data for data in found] or _texts()


def _indicators(data: bytes) -> None:
    """Every indicator has a value and a time, or is refused with a reason."""
    try:
        found, left = indicator_files.read(data, "input")
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert all(one.value and one.first.tzinfo and one.last.tzinfo for one in found)
    assert all(one.why for one in left)


class _OnDisk:
    """Puts the bytes where a run finds them."""

    def __init__(self, work: Path) -> None:
        self._path = work / "input"
        self._spool = work / "spool"
        self._spool.mkdir(exist_ok=True)

    def put(self, data: bytes) -> Path:
        self._path.write_bytes(data)
        return self._path


class _Unpack(_OnDisk):
    """Every member is read, or says why it is not; nothing stays behind."""

    def __call__(self, data: bytes) -> None:
        with Unpacker(self._spool, _BOUNDS) as unpacker:
            for member in unpacker.members(self.put(data)):
                assert "\n" not in member.name
                if member.trouble:
                    assert "\n" not in member.trouble
                    continue
                try:
                    for opened in (member.stored, member.open):
                        with opened() as file:
                            while file.read(1 << 16):
                                pass
                except InputError as error:
                    assert "\n" not in str(error)  # what comes out is checked, whether it does or not
        assert not any(self._spool.iterdir())


class _Sniff(_OnDisk):
    """A file is recognised or not."""

    def __call__(self, data: bytes) -> None:
        try:
            head = sniff(plain(self.put(data)))
        except InputError:
            return
        assert (head.container in (Container.EMPTY, Container.UNKNOWN)) == bool(head.why)
        recognise(Sample(head.container, head.header, head.records, "input"), all_sources())


class _Read(_OnDisk):
    """Every record is a text or a refusal, numbered without a gap; as the file shows itself, or as one container."""

    def __init__(self, work: Path, container: Container | None = None) -> None:
        super().__init__(work)
        self._container = container

    def __call__(self, data: bytes) -> None:
        member = plain(self.put(data))
        try:
            head = sniff(member)
            container = self._container or head.container
            if container in (Container.EMPTY, Container.UNKNOWN):
                return
            columns = frozenset(head.header[1::2])
            text = InputText(1, member, container, columns, ("ResultIndex", "ResultCount"), columns, head.encoding)
            date_order(text)
            position = 0
            for batch in stream([text], Counter(), lambda _: None, _LIMITS):
                for row in batch.to_pylist():
                    position += 1
                    assert row["position"] == position
                    assert (row["text"] is None) == (row["refused"] is not None)
        except InputError:
            return


def _ids() -> st.SearchStrategy[list[tuple[IdKind, str]]]:
    texts = st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
        st.uuids().map(str),
        st.text("ABCQgwxyz019-_+/=", min_size=20, max_size=50),
        st.text("0123456789abcdefABCDEF-", min_size=34, max_size=38),
        st.text("xé中😀 \x00", min_size=250, max_size=262),
    )
    return st.lists(st.tuples(st.sampled_from(IdKind), texts), min_size=1, max_size=50)


class _Ids:
    """The engine's canonical ids are those of the model, one by one and in lists."""

    def __init__(self, stack: ExitStack) -> None:
        self._con = stack.enter_context(duckdb.connect())
        install(self._con)

    def __call__(self, cases: list[tuple[IdKind, str]]) -> None:
        rows = "SELECT unnest(?) AS n, unnest(?) AS token_id_kind, unnest(?) AS token_id"
        given = [list(range(len(cases))), [str(kind) for kind, _ in cases], [text for _, text in cases]]
        wanted = [canonical(kind, text) for kind, text in cases]
        found = self._con.execute(f"SELECT token_id FROM ({with_canonical_ids(rows)}) ORDER BY n", given).fetchall()  # noqa: S608
        assert [row[0] for row in found] == wanted
        lists = f"SELECT cf_token_ids(token_id_kind, [token_id])[1] FROM ({rows}) ORDER BY n"  # noqa: S608
        assert [row[0] for row in self._con.execute(lists, given).fetchall()] == wanted


def _source(source: Source, work: Path, stack: ExitStack) -> Target:
    """Return the target of a source: its own sample records with odd values, mapped by the engine as a run does."""
    records = [record for path in sorted(SAMPLES.rglob("*")) if path.is_file() for record in _records_of(source, path)]
    shape = dict.fromkeys(source.raw, "x")
    several = st.lists(odd([*records, shape]), min_size=1, max_size=_RECORDS)
    return Target(several, _Map(source, work, stack))


def _records_of(source: Source, path: Path) -> Iterator[Any]:
    head = sniff(plain(path))
    if head.container in (Container.EMPTY, Container.UNKNOWN):
        return
    found = recognise(Sample(head.container, head.header, head.records, path.name), all_sources())
    if isinstance(found, Recognised) and source in found.sources:
        yield from head.records


class _Map(_OnDisk):
    """Every record of a batch is evidence or a reject; none is lost."""

    def __init__(self, source: Source, work: Path, stack: ExitStack) -> None:
        super().__init__(work)
        self._source = source
        self._folder = CaseFolder(work / "case")
        for folder in (self._folder.staging, self._folder.tmp):
            folder.mkdir(parents=True, exist_ok=True)
        self._con = stack.enter_context(engine(self._folder.tmp, memory="1GB", threads=1))

    def __call__(self, records: list[Any]) -> None:
        import shutil

        path = self.put("".join(json.dumps(record) + "\n" for record in records).encode())
        columns = self._source.csv.json_columns if self._source.csv else frozenset()
        text = InputText(0, plain(path), Container.LINES, columns)
        source = self._source
        shape = shape_of(source)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        try:
            written = write_batch(self._con, self._folder, shape, [(sha, text)], lambda _: None)
            assert written.rows == len(records)
        finally:
            shutil.rmtree(self._folder.staging)
            self._folder.staging.mkdir()
