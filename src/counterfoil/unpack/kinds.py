"""What kind of file its first bytes show."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """How a file is packed; PLAIN is everything that is not."""

    PLAIN = "plain"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    LZMA = "lzma"
    ZIP = "zip"
    TAR = "tar"
    AR = "ar"
    SEVEN_ZIP = "7z"
    RAR = "RAR"
    CAB = "CAB"
    LZ4 = "LZ4"
    LZIP = "lzip"
    LZOP = "LZO"
    COMPRESS = "compress (.Z)"
    RPM = "RPM"
    SQUASHFS = "squashfs"


COMPRESSED = frozenset({Kind.GZIP, Kind.BZIP2, Kind.XZ, Kind.ZSTD, Kind.LZMA})
ARCHIVES = frozenset({Kind.ZIP, Kind.TAR, Kind.AR, Kind.SEVEN_ZIP})
UNREAD = frozenset({
    Kind.RAR, Kind.CAB, Kind.LZ4, Kind.LZIP, Kind.LZOP, Kind.COMPRESS, Kind.RPM, Kind.SQUASHFS,
})

HEAD_BYTES = 512  # one block of a tar

_TAR_MAGIC, _TAR_AT = b"ustar", 257
_MAGIC = (
    (b"\x1f\x8b\x08", Kind.GZIP),
    (b"\xfd7zXZ\x00", Kind.XZ),
    (b"\x28\xb5\x2f\xfd", Kind.ZSTD),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),  # an empty one
    (b"PK\x07\x08", Kind.ZIP),  # one that was made in parts
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"MSCF\x00\x00\x00\x00", Kind.CAB),
    (b"!<arch>\n", Kind.AR),
    (b"\x04\x22\x4d\x18", Kind.LZ4),
    (b"LZIP\x01", Kind.LZIP),
    (b"\x89LZO\x00\r\n\x1a\n", Kind.LZOP),
    (b"\x1f\x9d\x90", Kind.COMPRESS),  # of 16 bits, as all that is met
    (b"\xed\xab\xee\xdb", Kind.RPM),
    (b"hsqs", Kind.SQUASHFS),
)
# A file of LZMA alone has no magic: its usual properties, then the sizes of its dictionary and of what it holds.
_LZMA_PROPERTIES, _LZMA_HEADER, _LZMA_UNKNOWN, _LZMA_MOST = 0x5D, 13, (1 << 64) - 1, 1 << 38
_LZMA_DICTIONARIES = frozenset(size << bits for bits in range(12, 30) for size in (2, 3))
_BZIP2_BLOCK, _BZIP2_END = b"1AY&SY", b"\x17rE8P\x90"


def kind_of(head: bytes) -> Kind:
    """Return the kind that the first HEAD_BYTES show."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:3] == b"BZh" and head[4:10] in (_BZIP2_BLOCK, _BZIP2_END):
        return Kind.BZIP2
    if head[4:].startswith(b"\x2a\x4d\x18") and 0x50 <= head[0] <= 0x5F:  # a frame to skip, as parallel zstd writes
        return Kind.ZSTD
    if head[_TAR_AT:].startswith(_TAR_MAGIC):
        return Kind.TAR
    return Kind.LZMA if _is_lzma(head) else Kind.PLAIN


def _is_lzma(head: bytes) -> bool:
    if len(head) < _LZMA_HEADER or head[0] != _LZMA_PROPERTIES:
        return False
    size = int.from_bytes(head[5:_LZMA_HEADER], "little")
    known = int.from_bytes(head[1:5], "little") in _LZMA_DICTIONARIES
    return known and (size == _LZMA_UNKNOWN or size < _LZMA_MOST)
