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
    ZIP = "zip"
    TAR = "tar"
    SEVEN_ZIP = "7z"
    RAR = "RAR"
    CAB = "CAB"


COMPRESSED = frozenset({Kind.GZIP, Kind.BZIP2, Kind.XZ, Kind.ZSTD})
ARCHIVES = frozenset({Kind.ZIP, Kind.TAR, Kind.SEVEN_ZIP})
UNREAD = frozenset({Kind.RAR, Kind.CAB})

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
)
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
    return Kind.PLAIN
