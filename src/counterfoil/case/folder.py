"""The case folder: its layout, its lock, and the clean-up after a run that was killed.

    CASE/manifest.json          what went in: every input with its SHA-256, every evidence batch
    CASE/evidence/BATCH/*/*/*.parquet   what was read (case.evidence)
    CASE/settled/GENERATION/...     tokens as runs settled them (case.piles); made anew from the evidence if lost
    CASE/case.duckdb            results of the last reconciliation, replaced as a whole
    CASE/traits/VERSION/BATCH.parquet   what records can be joined by (case.traits); made anew if lost
    CASE/leaks/*.jsonl          what `counterfoil leaks --case` found: inputs that only exist here
    CASE/tables/TABLE/*.jsonl   rows of the lake's tables (`--table`): inputs that lie nowhere else as files
    CASE/respond/journal.jsonl  what was done about it, when (respond.journal)
    CASE/redaction.key          under which `--redact` gives pseudonyms; with it, guesses can be tested
    CASE/stamps.json            what input files were when they were hashed; may be lost
    CASE/staging/, CASE/tmp/    work in progress; removed when the next run opens the case
    CASE/.counterfoil.lock      held by the run that works on the case; shows that the folder is ours to sweep

A batch counts once the manifest names it. Everything that a killed run leaves behind is either named there,
and complete, or is swept away.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from counterfoil.case.manifest import SCHEMA, Manifest, read_manifest
from counterfoil.errors import CaseBusyError, CaseError

PRIVATE = 0o700  # evidence is other people's mail traffic
REJECTED = "rejected"  # the leg under which rejects are stored

_MANIFEST_HEAD = 200  # bytes within which a manifest names its schema
# The errors that writing a folder gives when its disk is full, broken or not to be written to.
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})


@dataclass(frozen=True)
class CaseFolder:
    """Paths of one case."""

    root: Path

    @property
    def manifest(self) -> Path:
        """The manifest."""
        return self.root / "manifest.json"

    @property
    def redaction_key(self) -> Path:
        """The key of pseudonyms."""
        return self.root / "redaction.key"

    @property
    def evidence(self) -> Path:
        """The folder of committed batches."""
        return self.root / "evidence"

    @property
    def settled(self) -> Path:
        """The folder of what runs settled."""
        return self.root / "settled"

    @property
    def traits(self) -> Path:
        """The folder of the index of what records can be joined by."""
        return self.root / "traits"

    @property
    def leaks(self) -> Path:
        """The folder of what scans for leaked keys found."""
        return self.root / "leaks"

    @property
    def tables(self) -> Path:
        """The folder of what was read of tables."""
        return self.root / "tables"

    @property
    def respond(self) -> Path:
        """The folder of the response: its journal, its statements."""
        return self.root / "respond"

    @property
    def staging(self) -> Path:
        """Where a batch is written before it is committed."""
        return self.root / "staging"

    @property
    def tmp(self) -> Path:
        """Where the engine spills and works."""
        return self.root / "tmp"

    @property
    def results(self) -> Path:
        """The database of results."""
        return self.root / "case.duckdb"

    @property
    def stamps(self) -> Path:
        """What input files were when they were hashed."""
        return self.root / "stamps.json"

    @property
    def lock(self) -> Path:
        """The file whose lock says that a run is on."""
        return self.root / ".counterfoil.lock"


@contextmanager
def locked(root: Path) -> Iterator[CaseFolder]:
    """Create or open the case at `root`, hold its lock, sweep what a killed run left, and yield its paths.

    Raises CaseBusyError if another run holds it, CaseError if the folder cannot be a case, or no longer be written.
    """
    folder = CaseFolder(root)
    try:
        _create(folder)
        handle = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CaseError(
            f"cannot write to the case folder {root}: {error.strerror}", hint="choose another with --case DIR"
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CaseBusyError(
                f"another run is working on the case {root}", hint="wait for it, or use another folder: --case DIR"
            ) from error
        _sweep(folder, read_manifest(folder.manifest))
        yield folder
        _remove(folder.tmp)
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise CaseError(
            f"writing to the case folder {root} failed: {error.strerror}", hint="what was read is kept; free the disk"
        ) from error
    finally:
        os.close(handle)


def existing(root: Path) -> CaseFolder:
    """Return the paths of a case that is there already; raises CaseError if there is none."""
    folder = CaseFolder(root)
    if not folder.manifest.is_file():
        raise CaseError(f"no case at {root}", hint="start one with: counterfoil hunt PATH... --case DIR")
    return folder


def is_case(root: Path) -> bool:
    """Tell whether the folder is a case: no other folder may be written to, nor is a case an input."""
    folder = CaseFolder(root)
    try:  # a copy of a case may lack the lock
        if folder.lock.is_file():
            return True
        with folder.manifest.open("rb") as file:
            return SCHEMA.encode() in file.read(_MANIFEST_HEAD)
    except OSError:
        return False


def pattern(path: Path) -> Path:
    """Return the path as a pattern that matches it alone: a case may lie in a folder called [2025]."""
    return Path(glob.escape(str(path)))


def quoted(path: Path | str) -> str:
    """Return the path as it stands between quotes in a query."""
    return str(path).replace("'", "''")


def _create(folder: CaseFolder) -> None:
    root = folder.root
    try:
        str(root).encode()
    except UnicodeEncodeError as error:
        raise CaseError("the name of the case folder is no UTF-8", hint="choose another with --case DIR") from error
    if root.exists() and not root.is_dir():
        raise CaseError(f"{root} is not a folder", hint="choose another with --case DIR")
    if root.is_dir() and not is_case(root) and any(root.iterdir()):
        raise CaseError(f"{root} holds files that are not a case", hint="choose an empty or new folder with --case DIR")
    root.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    root.chmod(PRIVATE)
    for sub in (folder.evidence, folder.settled, folder.staging, folder.tmp):
        sub.mkdir(exist_ok=True, mode=PRIVATE)


def _sweep(folder: CaseFolder, manifest: Manifest) -> None:
    """Remove what no manifest names; raises CaseError if what it names is missing."""
    for sub in (folder.staging, folder.tmp):
        _remove(sub)
        sub.mkdir(exist_ok=True, mode=PRIVATE)
    committed = {batch.id for batch in manifest.batches}
    missing = sorted(batch for batch in committed if not (folder.evidence / batch).is_dir())
    if missing:
        raise CaseError(
            f"the case {folder.root} lacks evidence that it names: {missing[0]}",
            hint="start a new case, the inputs are untouched",
        )
    for batch in folder.evidence.iterdir():
        if batch.name not in committed:
            _remove(batch)
    inputs = {Path(entry.path).name for entry in manifest.inputs}
    for file in folder.tables.glob("*/*"):
        if file.name not in inputs:
            file.unlink()
    for leftover in folder.root.glob("*.new*"):
        leftover.unlink()


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(path)
