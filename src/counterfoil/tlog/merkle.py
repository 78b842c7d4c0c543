"""Merkle trees as RFC 6962 section 2.1 defines them: hashes, proofs, and their verification (RFC 9162 section 2.1).

Pure. Proofs are made from a function that gives the hash of a perfect subtree, so that a log need not be in memory.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence

from counterfoil.errors import LogTamperedError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
# The longest proof of a tree of 2**63 leaves.
MAX_PROOF = 64

# Gives the hash of the leaves [index << level, (index + 1) << level).
Subtree = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of 0x00 and the entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the perfect subtrees of a growing tree, widest first: all that appending needs."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Start with the peaks of a tree of `size` leaves; ValueError if their number does not fit the size."""
        if len(peaks) != size.bit_count():
            raise ValueError(f"{size} leaves have {size.bit_count()} peaks, not {len(peaks)}")
        self.size = size
        self._peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        size, peak = self.size, leaf
        while size & 1:
            peak = node_hash(self._peaks.pop(), peak)
            size >>= 1
        self._peaks.append(peak)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree (RFC 6962 MTH)."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def joined(self, right: Frontier) -> Frontier:
        """Return this tree with the peaks of a smaller one to its right (`Tree` alone knows the size of that)."""
        other = Frontier()
        other._peaks = self._peaks + right._peaks
        return other

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, widest first."""
        return tuple(self._peaks)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over hashes of leaves."""
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def range_root(begin: int, end: int, subtree: Subtree) -> bytes:
    """Return MTH(D[begin:end]); `begin` must be where RFC 6962 splits (a proof only asks for such ranges)."""
    count = end - begin
    if count == 0:
        return EMPTY_ROOT
    if count.bit_count() == 1 and begin % count == 0:
        level = count.bit_length() - 1
        return subtree(level, begin >> level)
    middle = begin + _split(count)
    return node_hash(range_root(begin, middle, subtree), range_root(middle, end, subtree))


def inclusion_proof(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in the tree of `size` leaves, lowest first; ValueError if outside."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(range_root(middle, end, subtree))
            end = middle
        else:
            path.append(range_root(begin, middle, subtree))
            begin = middle
    return tuple(reversed(path))


def consistency_proof(old: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the proof that the tree of `size` leaves extends that of `old`; ValueError if it cannot."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} does not extend one of {old}")
    if old in (0, size):
        return ()
    path: list[bytes] = []
    begin, end, whole = 0, size, True
    while old != end - begin:
        count = _split(end - begin)
        middle = begin + count
        if old <= count:
            path.append(range_root(middle, end, subtree))
            end = middle
        else:
            path.append(range_root(begin, middle, subtree))
            begin, old, whole = middle, old - count, False
    if not whole:
        path.append(range_root(begin, end, subtree))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an audit path (RFC 9162 section 2.1.3.2); LogTamperedError if it does not lead to the root."""
    if not 0 <= index < size or len(proof) > MAX_PROOF:
        raise LogTamperedError(f"inclusion proof: no leaf {index} in a tree of {size}")
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise LogTamperedError(f"inclusion proof of leaf {index} in {size}: longer than the path")
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    if last != 0 or found != root:
        raise LogTamperedError(f"inclusion proof of leaf {index} in {size}: {_told(found, root)}")


def verify_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that `root` extends `old_root` (RFC 9162 section 2.1.4.2); LogTamperedError if not shown."""
    what = f"consistency proof from {old} to {size}"
    if not 0 <= old <= size or len(proof) > MAX_PROOF:
        raise LogTamperedError(f"{what}: the newer tree is smaller")
    if old in (0, size):
        expected = EMPTY_ROOT if old == 0 else root
        if proof or old_root != expected:
            raise LogTamperedError(f"{what}: {_told(old_root, expected)}")
        return
    steps = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    older, newer = _folded(old - 1, size - 1, steps, what)
    if older != old_root or newer != root:
        raise LogTamperedError(f"{what}: {_told(newer, root) if older == old_root else _told(older, old_root)}")


def _folded(node: int, last: int, steps: Sequence[bytes], what: str) -> tuple[bytes, bytes]:
    """Return the roots of the older and the newer tree that a consistency proof leads to."""
    if not steps:
        raise LogTamperedError(f"{what}: empty")
    while node & 1:
        node, last = node >> 1, last >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise LogTamperedError(f"{what}: longer than the path")
        if node & 1 or node == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise LogTamperedError(f"{what}: shorter than the path")
    return older, newer


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _told(got: bytes, expected: bytes) -> str:
    return f"expected {base64.b64encode(expected).decode()}, got {base64.b64encode(got).decode()}"
