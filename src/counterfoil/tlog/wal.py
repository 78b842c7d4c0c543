"""The write-ahead file of a log: what it holds, byte for byte. Pure.

It begins with a head (where the sealed bundles end), and then holds one frame for each write that was made durable as a
whole. Head and frames carry the root of the tree so far, and the log's signature over that checkpoint: whoever changes
a byte must also make a signature.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil.errors import InputError, LogTamperedError
from counterfoil.tlog import tiles
from counterfoil.tlog.merkle import HASH_BYTES

SIGNATURE_BYTES = 64
# Neither occurs in UTF-8 text.
_HEAD_MAGIC = b"\xffcf-wal1"
_FRAME_MAGIC = b"\xffcf-put1"
_HEAD = struct.Struct(f">8sQ{HASH_BYTES}s{SIGNATURE_BYTES}s")
_FRAME = struct.Struct(">8sQII")  # magic, index of the first entry, entries, bytes of entries
_TAIL = struct.Struct(f">{HASH_BYTES}s{SIGNATURE_BYTES}s")
HEAD_BYTES = _HEAD.size


@dataclass(frozen=True)
class Mark:
    """A signed tree head in binary: how large the tree is, its root, and the signature over that checkpoint."""

    size: int
    root: bytes
    signature: bytes

    def pack(self) -> bytes:
        """Return the bytes of a head."""
        return _HEAD.pack(_HEAD_MAGIC, self.size, self.root, self.signature)


@dataclass(frozen=True)
class Frame:
    """One durable write: entries, and the tree head after them."""

    first: int
    entries: tuple[bytes, ...]
    mark: Mark
    end: int


def unpack_mark(raw: bytes) -> Mark:
    """Read a head; LogTamperedError if it is none."""
    if len(raw) != HEAD_BYTES or raw[:8] != _HEAD_MAGIC:
        raise LogTamperedError(f"log head: expected {HEAD_BYTES} bytes that begin with its magic, got {len(raw)} bytes")
    _, size, root, signature = _HEAD.unpack(raw)
    return Mark(size, root, signature)


def pack_frame(first: int, entries: Sequence[bytes], root: bytes, signature: bytes) -> bytes:
    """Return the bytes of a frame."""
    body = tiles.bundle(entries)
    return b"".join((_FRAME.pack(_FRAME_MAGIC, first, len(entries), len(body)), body, _TAIL.pack(root, signature)))


def read_frame(raw: bytes, place: int, first: int) -> Frame | None:
    """Return the frame at `place` that begins with entry `first`; None if there is no whole one of that shape."""
    body = place + _FRAME.size
    if body > len(raw):
        return None
    magic, begin, count, length = _FRAME.unpack_from(raw, place)
    end = body + length + _TAIL.size
    if magic != _FRAME_MAGIC or begin != first or not count or end > len(raw):
        return None
    try:
        entries = tiles.unbundle(raw[body : body + length])
    except InputError:
        return None
    if len(entries) != count:
        return None
    root, signature = _TAIL.unpack_from(raw, body + length)
    return Frame(first, tuple(entries), Mark(first + count, root, signature), end)


def holds_frame(raw: bytes, place: int) -> bool:
    """Tell whether a frame seems to begin after `place`: then what stands at `place` is no unfinished last write."""
    return raw.find(_FRAME_MAGIC, place + 1) >= 0
