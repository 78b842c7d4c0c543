"""Names and contents of tiles and entry bundles (c2sp.org/tlog-tiles). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from counterfoil.errors import InputError

WIDTH = 256
HEIGHT = 8
# An entry's length is written in 16 bits.
MAX_ENTRY_BYTES = 65_535


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Return the path of a tile of hashes.

    >>> tile_path(0, 1234067, 5)
    'tile/0/x001/x234/067.p/5'
    """
    return f"tile/{level}/{_numbered(index, width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """Return the path of a bundle of entries.

    >>> bundle_path(3)
    'tile/entries/003'
    """
    return f"tile/entries/{_numbered(index, width)}"


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return entries one after the other, each behind its length in 16 bits."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(raw: bytes) -> list[bytes]:
    """Return the entries of a bundle; InputError if it is cut off."""
    entries: list[bytes] = []
    place = 0
    while place < len(raw):
        begin = place + 2
        place = begin + int.from_bytes(raw[place:begin], "big")
        if begin > len(raw) or place > len(raw):
            raise InputError(f"bundle: cut off in entry {len(entries)}")
        entries.append(raw[begin:place])
    return entries


def checked(entries: Sequence[bytes]) -> None:
    """Refuse entries that a bundle cannot hold."""
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise InputError(f"log entry: expected at most {MAX_ENTRY_BYTES} bytes, got {len(entry)}")


def _numbered(index: int, width: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.insert(0, f"x{index % 1000:03d}")
    return "/".join(parts) + ("" if width == WIDTH else f".p/{width}")
