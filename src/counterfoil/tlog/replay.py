"""Reads a log's folder back into its tree, and checks every byte on the way.

What must hold (each is one message): the bundles are whole and hash to their tiles; the write-ahead file begins where
they end, with the log's signature over their root; every frame has the right root and the log's signature; nothing
that the head promises is missing. Only the last write may be unfinished, and only if the head does not promise it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from counterfoil.errors import LogError, LogTamperedError
from counterfoil.tlog import note, tiles, wal
from counterfoil.tlog.checkpoint import Checkpoint, opened
from counterfoil.tlog.folder import Folder
from counterfoil.tlog.merkle import HASH_BYTES, leaf_hash
from counterfoil.tlog.tree import Tree, View, hashed

KEY_FILE, SECRET_FILE = "log.vkey", "log.key"
WAL_FILE, HEAD_FILE, CHECKPOINT_FILE = "wal", "head", "checkpoint"

# Called with the index and bytes of each entry, in order.
Visit = Callable[[int, bytes], None]


@dataclass
class Replayed:
    """A log as it was found: its tree, where the write-ahead file's good part ends, and what stands behind it."""

    key: note.VerifierKey
    tree: Tree
    mark: wal.Mark
    wal_end: int = wal.HEAD_BYTES
    torn: bytes = b""

    @property
    def head(self) -> note.Note:
        """The signed checkpoint of all that was found."""
        text = Checkpoint(self.key.name, self.mark.size, self.mark.root).text()
        return note.signed(text, [note.Signature(self.key.name, self.key.key_id, self.mark.signature)])


def verifier_key(folder: Folder) -> note.VerifierKey:
    """Return the log's public key; LogError if there is no log."""
    raw = folder.read(KEY_FILE)
    if raw is None:
        raise LogError(f"no log in {folder.path}", hint=f"a log's folder holds {KEY_FILE}")
    try:
        return note.VerifierKey.parse(raw.decode())
    except UnicodeDecodeError as error:
        raise LogTamperedError(f"{folder.path / KEY_FILE}: not text") from error


def replay(folder: Folder, visit: Visit | None = None, key: note.VerifierKey | None = None) -> Replayed:
    """Read and check a whole log; LogTamperedError says what does not fit. `key` pins what the folder's own must be."""
    own = verifier_key(folder)
    if key is not None and own != key:
        raise LogTamperedError(f"log {folder.path}: expected the key {key.render()}, found {own.render()}")
    head = folder.read(HEAD_FILE)  # before the frames: a running writer only adds to both
    raw = folder.read(WAL_FILE)
    if raw is None:
        raise LogTamperedError(f"log {folder.path}: {WAL_FILE} is missing")
    start = wal.unpack_mark(raw[: wal.HEAD_BYTES])
    found = Replayed(own, Tree(), start)
    for index in range(_blocks(start)):
        _read_bundle(folder, found.tree, index, visit)
    _check(own, start, found.tree.root(), f"log {folder.path}: the bundles")
    _read_frames(folder, raw, found, visit)
    _hold_to_head(folder, head, found)
    return found


@dataclass(frozen=True)
class Published:
    """What a log had published at some moment. Taken before `replay`, since a running writer goes on publishing."""

    tiles: tuple[str, ...]
    checkpoint: bytes | None


def published(folder: Folder) -> Published:
    """Return what the log has published by now."""
    checkpoint = folder.read(CHECKPOINT_FILE)
    return Published(tuple(folder.names("tile")), checkpoint)


def check_published(folder: Folder, told: Published, found: Replayed) -> None:
    """Check published tiles, bundles and checkpoint against the tree; LogTamperedError names the file that is wrong."""
    view = found.tree.view(tile_reader(folder))
    for name in told.tiles:
        expected, raw = _expected(name, folder, view), folder.read(name)
        superseded = raw is None and ".p/" in name  # a full tile came in the meantime
        if expected is None or (raw != expected and not superseded):
            raise LogTamperedError(f"log {folder.path}: {name} does not hold what the log's entries say")
    if told.checkpoint is not None:
        checkpoint, _ = opened(told.checkpoint, found.key)
        hold_to(view, checkpoint, f"log {folder.path}: {CHECKPOINT_FILE}")


def hold_to(view: View, checkpoint: Checkpoint, what: str) -> None:
    """Check that the log extends a checkpoint; LogTamperedError tells a truncated log from a rewritten one."""
    if checkpoint.size > view.size:
        raise LogTamperedError(
            f"{what} promises {checkpoint.size} entries, the log has {view.size}",
            hint="the log was cut off or replaced by an older copy",
        )
    if view.root(checkpoint.size) != checkpoint.root:
        raise LogTamperedError(
            f"{what}: the first {checkpoint.size} entries are not those of that checkpoint",
            hint="entries were changed after they had been signed",
        )


def tile_reader(folder: Folder) -> Callable[[int], list[bytes]]:
    """Return what reads the leaf hashes of a sealed block."""

    def read(index: int) -> list[bytes]:
        raw = folder.read(tiles.tile_path(0, index))
        if raw is None or len(raw) != tiles.WIDTH * HASH_BYTES:
            raise LogTamperedError(f"log {folder.path}: {tiles.tile_path(0, index)} is missing or cut off")
        return [raw[place : place + HASH_BYTES] for place in range(0, len(raw), HASH_BYTES)]

    return read


def _blocks(start: wal.Mark) -> int:
    if start.size % tiles.WIDTH:
        raise LogTamperedError(f"log: bundles end at entry {start.size}, which is no multiple of {tiles.WIDTH}")
    return start.size // tiles.WIDTH


def _read_bundle(folder: Folder, tree: Tree, index: int, visit: Visit | None) -> None:
    name = tiles.bundle_path(index)
    raw = folder.read(name)
    if raw is None:
        raise LogTamperedError(f"log {folder.path}: {name} is missing")
    entries = tiles.unbundle(raw)
    leaves = hashed(entries)
    if len(entries) != tiles.WIDTH or leaves != tile_reader(folder)(index):
        raise LogTamperedError(f"log {folder.path}: {name} does not hash to its tile")
    if visit is not None:
        for place, entry in enumerate(entries):
            visit(tree.sealed + place, entry)
    tree.append_block(leaves)


def _read_frames(folder: Folder, raw: bytes, found: Replayed, visit: Visit | None) -> None:
    tree = found.tree
    while found.wal_end < len(raw):
        frame = wal.read_frame(raw, found.wal_end, tree.size)
        before = tree.state()
        for entry in frame.entries if frame else ():
            tree.append(entry, leaf_hash(entry))
        if frame is None or not _signed(found.key, frame.mark, tree.root()):
            if wal.holds_frame(raw, found.wal_end):
                raise LogTamperedError(f"log {folder.path}: {WAL_FILE} is damaged at byte {found.wal_end}")
            tree.back_to(before)
            found.torn = raw[found.wal_end :]
            return
        if visit is not None:
            for place, entry in enumerate(frame.entries):
                visit(frame.first + place, entry)
        found.wal_end, found.mark = frame.end, frame.mark


def _hold_to_head(folder: Folder, head: bytes | None, found: Replayed) -> None:
    if not head:
        return  # lost in a power cut before it was ever durable: the frames are signed themselves
    mark = wal.unpack_mark(head)
    what = f"log {folder.path}: {HEAD_FILE}"
    checkpoint = Checkpoint(found.key.name, mark.size, mark.root)
    hold_to(found.tree.view(tile_reader(folder)), checkpoint, what)
    _check(found.key, mark, mark.root, what)


def _check(key: note.VerifierKey, mark: wal.Mark, root: bytes, what: str) -> None:
    if not _signed(key, mark, root):
        raise LogTamperedError(f"{what}: root or signature of {mark.size} entries is wrong")


def _signed(key: note.VerifierKey, mark: wal.Mark, root: bytes) -> bool:
    if mark.root != root:
        return False
    text = Checkpoint(key.name, mark.size, mark.root).text()
    try:
        key.check(note.Note(text, (note.Signature(key.name, key.key_id, mark.signature),)))
    except LogTamperedError:
        return False
    return True


def _expected(name: str, folder: Folder, view: View) -> bytes | None:
    """Return what a published file must hold; None if it should not exist."""
    parts = name.split("/")[1:]
    width = tiles.WIDTH
    if parts[-2].endswith(".p") and parts[-1].isdigit():
        width = int(parts.pop())
        parts[-1] = parts[-1].removesuffix(".p")
    digits = "".join(part.removeprefix("x") for part in parts[1:])
    if not digits.isdigit():
        return None
    index, kind = int(digits), parts[0]
    level = 0 if kind == "entries" else int(kind) if kind.isdigit() else -1
    named = tiles.bundle_path(index, width) if kind == "entries" else tiles.tile_path(level, index, width)
    span = tiles.WIDTH**level if level >= 0 else 0
    if named != name or not span or not 0 < width <= tiles.WIDTH or (index * tiles.WIDTH + width) * span > view.size:
        return None
    return bundle_of(folder, view, index, width) if kind == "entries" else view.tile(level, index, width)


def bundle_of(folder: Folder, view: View, index: int, width: int) -> bytes:
    """Return the bytes of a bundle of entries."""
    first = index * tiles.WIDTH
    if first >= view.sealed:
        return tiles.bundle(view.entries[first - view.sealed : first - view.sealed + width])
    raw = folder.read(tiles.bundle_path(index))
    return tiles.bundle(tiles.unbundle(raw or b"")[:width])
