"""The tree of a log in memory: a hash for every 256 leaves, and the leaves that are not sealed in bundles yet.

Pure: the leaves of sealed bundles come from a function that reads their tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from counterfoil.tlog import tiles
from counterfoil.tlog.merkle import Frontier, leaf_hash, range_root, root_of

# Gives the hashes of the 256 leaves of a sealed block.
ReadTile = Callable[[int], list[bytes]]
State = tuple[int, int, int, tuple[bytes, ...]]


class Edge:
    """The right edge of a tree: all that appending needs. Tells the hash of each block of 256 that fills up."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Go on from the peaks of a tree of `size` leaves; ValueError if their number does not fit the size."""
        blocks, rest = divmod(size, tiles.WIDTH)
        self._upper, self._lower = (
            Frontier(blocks, peaks[: blocks.bit_count()]), Frontier(rest, peaks[blocks.bit_count() :]),
        )

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._upper.size * tiles.WIDTH + self._lower.size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, widest first."""
        return self._upper.peaks + self._lower.peaks

    def append(self, leaf: bytes) -> bytes | None:
        """Add the hash of a leaf; returns the hash of the block that it fills, if it does."""
        self._lower.append(leaf)
        if self._lower.size < tiles.WIDTH:
            return None
        block = self._lower.root()
        self._upper.append(block)
        self._lower = Frontier()
        return block

    def root(self) -> bytes:
        """Return the root of all leaves."""
        return self._upper.joined(self._lower).root()


class Tree:
    """A growing Merkle tree. Not thread-safe: one writer appends; whoever reads takes a `View`."""

    def __init__(self) -> None:
        """Start empty."""
        self.sealed = 0
        self.blocks: list[bytes] = []
        self.leaves: list[bytes] = []
        self.entries: list[bytes] = []
        self._edge = Edge()

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._edge.size

    def append(self, entry: bytes, leaf: bytes) -> None:
        """Add an entry with its hash."""
        self.entries.append(entry)
        self.leaves.append(leaf)
        block = self._edge.append(leaf)
        if block is not None:
            self.blocks.append(block)

    def append_block(self, leaves: list[bytes]) -> None:
        """Add 256 leaves of which the entries are sealed already; only at a start, before anything is appended."""
        self.blocks += filter(None, map(self._edge.append, leaves))
        self.sealed += tiles.WIDTH

    def root(self) -> bytes:
        """Return the root of all leaves."""
        return self._edge.root()

    def state(self) -> State:
        """Return what `back_to` needs to undo the appends that follow, up to the next `seal`."""
        return len(self.entries), len(self.blocks), self._edge.size, self._edge.peaks

    def back_to(self, state: State) -> None:
        """Undo the appends since then."""
        entries, blocks, size, peaks = state
        self._edge = Edge(size, peaks)
        del self.entries[entries:], self.leaves[entries:], self.blocks[blocks:]

    def seal(self, until: int) -> None:
        """Forget the entries before `until`, a multiple of 256: they are in bundles now."""
        self.leaves, self.entries = self.leaves[until - self.sealed :], self.entries[until - self.sealed :]
        self.sealed = until

    def view(self, read_tile: ReadTile) -> View:
        """Return what the tree is now; later appends do not change it."""
        return View(self.sealed, tuple(self.blocks), tuple(self.leaves), tuple(self.entries), self.size, read_tile)


class View:
    """A tree as it was: gives hashes of subtrees, leaves, and what its tiles hold."""

    def __init__(
        self, sealed: int, blocks: tuple[bytes, ...], leaves: tuple[bytes, ...], entries: tuple[bytes, ...], size: int,
        read_tile: ReadTile,
    ) -> None:
        """Keep what was there."""
        self.sealed, self.size, self.entries = sealed, size, entries
        self._blocks, self._leaves, self._read = blocks, leaves, read_tile

    def leaf_hashes(self, begin: int, end: int) -> list[bytes]:
        """Return the hashes of leaves of one block of 256."""
        if begin >= self.sealed:
            return list(self._leaves[begin - self.sealed : end - self.sealed])
        block = begin // tiles.WIDTH
        return self._read(block)[begin - block * tiles.WIDTH : end - block * tiles.WIDTH]

    def subtree(self, level: int, index: int) -> bytes:
        """Return the hash of a perfect subtree."""
        if level >= tiles.HEIGHT:
            width = 1 << (level - tiles.HEIGHT)
            return root_of(self._blocks[index * width : (index + 1) * width])
        return root_of(self.leaf_hashes(index << level, (index + 1) << level))

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves (all, if None)."""
        return range_root(0, self.size if size is None else size, self.subtree)

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the bytes of a tile of hashes."""
        first = index * tiles.WIDTH
        if level == 0:
            return b"".join(self.leaf_hashes(first, first + width))
        return b"".join(self.subtree(level * tiles.HEIGHT, place) for place in range(first, first + width))

    def changed(self, since: int) -> Iterator[tuple[int, int, int]]:
        """Yield level, index and width of every tile that a tree of `since` leaves did not have."""
        level, count, before = 0, self.size, since
        while count:
            for index in range(before // tiles.WIDTH, (count - 1) // tiles.WIDTH + 1):
                yield level, index, min(tiles.WIDTH, count - index * tiles.WIDTH)
            level, count, before = level + 1, count // tiles.WIDTH, before // tiles.WIDTH


def hashed(entries: list[bytes]) -> list[bytes]:
    """Return the hashes of entries."""
    return [leaf_hash(entry) for entry in entries]
