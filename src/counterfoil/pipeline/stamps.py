"""Recognises input files that have not changed since they were hashed, without reading them again.

    CASE/stamps.json

As an index of a version control system does: a file whose device, inode, size, time of modification and time of status
change are those that it had when it was hashed has that hash. Whoever can set the clock or write to the disk beside
the file system can deceive this, and then only into not reading a change: `--rehash` reads everything. The file of
stamps is a convenience: without it, or where it cannot be understood, files are hashed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from counterfoil.pipeline.inputs import Candidate, digest
from counterfoil.unpack.names import on_disk
from counterfoil.unpack.streams import Stamp

SCHEMA = "counterfoil.stamps/1"
# A file that was changed so shortly before it was hashed may change again within one tick of its clock.
SETTLED_NS = 2_000_000_000
_PRIVATE = 0o600


class Known(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hash of a file, and what it was when it was hashed (times in nanoseconds)."""

    sha256: str
    device: int
    inode: int
    size: int
    modified: int
    changed: int


class Stamps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: what is known by absolute path."""

    schema: str = SCHEMA
    files: dict[str, Known] = {}


def read_stamps(path: Path) -> Mapping[str, Known]:
    """Return what is known; nothing if the file is missing or cannot be understood."""
    try:
        stamps = msgspec.json.decode(path.read_bytes(), type=Stamps)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return stamps.files if stamps.schema == SCHEMA else {}


def write_stamps(path: Path, known: Mapping[str, Known]) -> None:
    """Replace the file in one step."""
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE), "wb") as file:
        file.write(msgspec.json.encode(Stamps(files=dict(known))))
    new.replace(path)


def recognised(path: Path, known: Mapping[str, Known]) -> tuple[Candidate, Known | None]:
    """Return the file with its hash, read or remembered, and what may be remembered of it.

    Raises InputError if it has to be read and cannot be.
    """
    before = _status(path)
    remembered = known.get(_key(path))
    if before is not None and remembered is not None and _stands(remembered, before):
        return Candidate(path, remembered.sha256, before.st_size, Stamp.of(before)), remembered
    begun = time.time_ns()
    found = digest(path)
    after = _status(path)
    if before is None or after is None or _what(before) != _what(after) or found.stamp != Stamp.of(after):
        return found, None
    if begun - max(after.st_mtime_ns, after.st_ctime_ns) < SETTLED_NS:
        return found, None
    return found, Known(sha256=found.sha256, **_what(after))


def remembered(found: Iterable[tuple[Path, Known | None]]) -> dict[str, Known]:
    """Return what is to be written of these files."""
    return {_key(path): known for path, known in found if known is not None}


def _key(path: Path) -> str:
    return on_disk(path.absolute())


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _what(found: os.stat_result) -> dict[str, int]:
    return {
        "device": found.st_dev, "inode": found.st_ino, "size": found.st_size, "modified": found.st_mtime_ns,
        "changed": found.st_ctime_ns,
    }


def _stands(remembered: Known, found: os.stat_result) -> bool:
    return all(getattr(remembered, name) == value for name, value in _what(found).items())
