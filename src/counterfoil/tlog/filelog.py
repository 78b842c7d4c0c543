"""A log in a folder, written by one process: an entry is durable, signed for and numbered when `append` returns.

    log                 what it holds
    log.vkey, log.key   its public and its private note key
    wal                 write-ahead: the last entries, in signed frames (`wal`)
    head                the signed tree head after the last write, overwritten in place
    tile/…, checkpoint  the C2SP layout, for anybody to read: bundles of 256 entries, tiles of hashes, the signed head

Entries are committed in groups (`group`): one write and one sync make all who wait durable.
A write that fails breaks the log for good (what a failed sync left behind is unknown): it must be opened again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from counterfoil.errors import LogError, LogTamperedError, UsageError
from counterfoil.tlog import note, replay, tiles, wal
from counterfoil.tlog.checkpoint import Checkpoint
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.group import Group, Waiting
from counterfoil.tlog.merkle import EMPTY_ROOT
from counterfoil.tlog.tree import Tree, View

# Entries in the write-ahead file before they move to bundles: bounds memory and the work of a start.
SEAL_AFTER = 16_384
# Asks witnesses to cosign a checkpoint of this tree; returns their signatures.
Cosign = Callable[[note.Note, View], tuple[note.Signature, ...]]


@dataclass(frozen=True)
class Opened:
    """What opening found: how many entries, and the bytes of an unfinished last write that were put aside."""

    size: int
    torn: bytes


class FileLog:
    """The writer of a log. Threads may share it; a second process is refused."""

    def __init__(self, folder: Folder, key: note.SignerKey, found: replay.Replayed, lock: int, seal_after: int) -> None:
        """Use `open_log`."""
        self._folder, self._key, self._lock, self._seal_after = folder, key, lock, seal_after
        self._tree: Tree = found.tree
        self._tree_lock, self._publishing = threading.Lock(), threading.Lock()
        self._group = Group(self._commit, f"log {folder.path}")
        self._broken: LogError | None = None
        self._published = 0
        self._wal, self._head = folder.open(replay.WAL_FILE), folder.open(replay.HEAD_FILE)
        self._end = found.wal_end
        self._since_seal = found.tree.size - found.tree.sealed
        self.found = Opened(found.tree.size, found.torn)

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self._key.name

    @property
    def key(self) -> note.VerifierKey:
        """The public key of the log."""
        return self._key.verifier()

    def append(self, entry: bytes) -> int:
        """Make an entry durable and return its index; LogError if it could not be made durable, now or ever again."""
        return self._group.append(entry)

    def _commit(self, batch: list[Waiting]) -> None:
        """Write, and never again once that has failed."""
        failure: LogError | None = LogError(f"log {self._folder.path}: a write was interrupted")
        try:
            with self._tree_lock:
                self._write(batch)
            failure = None
        except LogError as error:
            failure = error
            raise
        finally:
            self._broken = self._broken or failure

    def _write(self, batch: list[Waiting]) -> None:
        if self._broken is not None:
            raise LogError(
                f"log {self._folder.path}: an earlier write failed, nothing is recorded any more ({self._broken})",
                hint="mend what failed, then open the log again",
            )
        first = self._tree.size
        for place, waiting in enumerate(batch, first):
            waiting.index = place
            self._tree.append(waiting.entry, waiting.leaf)
        mark = self._mark(self._tree.size, self._tree.root())
        frame = wal.pack_frame(first, [waiting.entry for waiting in batch], mark.root, mark.signature)
        self._folder.write_at(self._wal, self._end, frame)
        self._folder.sync(self._wal)
        self._end += len(frame)
        self._folder.write_at(self._head, 0, mark.pack())
        self._since_seal += len(batch)
        if self._since_seal >= self._seal_after:
            self._seal()

    def _mark(self, size: int, root: bytes) -> wal.Mark:
        text = Checkpoint(self.origin, size, root).text()
        return wal.Mark(size, root, self._key.private.sign(text.encode()))

    def _seal(self) -> None:
        """Move entries to durable bundles, then replace the write-ahead file by one that begins behind them."""
        view, until = self._view(), self._tree.size // tiles.WIDTH * tiles.WIDTH
        for index in range(self._tree.sealed // tiles.WIDTH, until // tiles.WIDTH):
            self._folder.put(tiles.tile_path(0, index), view.tile(0, index, tiles.WIDTH))
            self._folder.put(tiles.bundle_path(index), replay.bundle_of(self._folder, view, index, tiles.WIDTH))
        fresh = self._mark(until, view.root(until)).pack()
        left = self._tree.entries[until - self._tree.sealed :]
        if left:
            mark = self._mark(self._tree.size, self._tree.root())
            fresh += wal.pack_frame(until, left, mark.root, mark.signature)
        self._folder.put(replay.WAL_FILE, fresh)
        os.close(self._wal)
        self._wal, self._end = self._folder.open(replay.WAL_FILE), len(fresh)
        self._tree.seal(until)
        self._since_seal = self._tree.size - until

    def _view(self) -> View:
        return self._tree.view(replay.tile_reader(self._folder))

    def view(self) -> View:
        """Return the tree as it is between two writes."""
        with self._tree_lock:
            return self._view()

    def head(self) -> Checkpoint:
        """Return the tree head after the last write."""
        view = self.view()
        return Checkpoint(self.origin, view.size, view.root())

    def publish(self, cosign: Cosign | None = None) -> note.Note:
        """Write the C2SP layout for the tree as it is, and return its signed checkpoint, with cosignatures if asked.

        `cosign` is asked before the checkpoint is published; what it raises is raised.
        """
        with self._publishing:
            view = self.view()
            for level, index, width in view.changed(self._published):
                self._put_tile(view, level, index, width)
            checkpoint = Checkpoint(self.origin, view.size, view.root()).signed_by(self._key)
            if cosign is not None:
                checkpoint = note.signed(checkpoint.text, [*checkpoint.signatures, *cosign(checkpoint, view)])
            self._folder.put(replay.CHECKPOINT_FILE, checkpoint.render().encode())
            self._published = view.size
            return checkpoint

    def _put_tile(self, view: View, level: int, index: int, width: int) -> None:
        files = {tiles.tile_path(level, index, width): view.tile(level, index, width)}
        if level == 0:
            files[tiles.bundle_path(index, width)] = replay.bundle_of(self._folder, view, index, width)
        for name, data in files.items():
            self._folder.put(name, data)
            if width == tiles.WIDTH:
                self._folder.remove(f"{name}.p")  # a full tile replaces its partial ones

    def close(self) -> None:
        """Make the head durable and let go of the folder; harmless if done. The log must not be used afterwards."""
        if self._lock < 0:
            return
        if self._broken is None:
            self._folder.sync(self._head)
        self._broken = self._broken or LogError(f"log {self._folder.path}: closed")
        for descriptor in (self._wal, self._head, self._lock):
            os.close(descriptor)
        self._lock = -1


def open_log(
    path: Path, origin: str = "", *, folder: Folder | None = None, seal_after: int = SEAL_AFTER,
    visit: replay.Visit | None = None,
) -> FileLog:
    """Open the log in a folder for writing and check all of it; a new one is made if `origin` names it.

    Raises LogTamperedError if what is there is not what was signed, LogError if it is absent, busy or unreadable.
    `visit` is called with every entry that is there.
    The bytes of an unfinished last write are put aside into `torn-…` and cut off: nobody was told they are durable.
    """
    folder = folder or Folder(path)
    if origin:
        folder.make()
    elif folder.read(replay.KEY_FILE) is None:
        raise LogError(f"no log in {path}", hint=f"a log's folder holds {replay.KEY_FILE}")
    folder.check_closed(secrets=(replay.SECRET_FILE,))
    lock = folder.lock()
    try:
        if folder.read(replay.KEY_FILE) is None:
            _create(folder, origin)
        found = replay.replay(folder, visit)
        if origin and origin != found.key.name:
            raise UsageError(f"log {path}: its origin is {found.key.name}, not {origin}")
        key = _secret(folder, found.key)
        _put_aside(folder, found)
        return FileLog(folder, key, found, lock, seal_after)
    except BaseException:
        os.close(lock)
        raise


def _create(folder: Folder, origin: str) -> None:
    """Make an empty log. Its public key is written last: without it there is no log."""
    key = note.SignerKey.generate(origin)
    empty = Checkpoint(origin, 0, EMPTY_ROOT)
    folder.put(replay.SECRET_FILE, f"{key.render()}\n".encode())
    folder.put(replay.HEAD_FILE, b"")
    folder.put(replay.WAL_FILE, wal.Mark(0, empty.root, key.sign(empty.text()).value).pack())
    folder.put(replay.KEY_FILE, f"{key.verifier().render()}\n".encode())


def _secret(folder: Folder, key: note.VerifierKey) -> note.SignerKey:
    raw = folder.read(replay.SECRET_FILE)
    if raw is None:
        raise LogError(f"log {folder.path}: {replay.SECRET_FILE} is missing", hint="without it the log cannot grow")
    secret = note.SignerKey.parse(raw.decode(errors="replace"))
    if secret.verifier() != key:
        raise LogTamperedError(f"log {folder.path}: {replay.SECRET_FILE} is not the key of {replay.KEY_FILE}")
    return secret


def _put_aside(folder: Folder, found: replay.Replayed) -> None:
    if not found.torn:
        return
    folder.put(f"torn-{found.tree.size}-{hashlib.sha256(found.torn).hexdigest()[:12]}", found.torn)
    descriptor = folder.open(replay.WAL_FILE)
    try:
        folder.truncate(descriptor, found.wal_end)
    finally:
        os.close(descriptor)
