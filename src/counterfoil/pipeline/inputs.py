"""Finds the input files that the user's paths, folders and globs mean, and hashes them."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from counterfoil.case.folder import is_case
from counterfoil.errors import InputError, UsageError
from counterfoil.unpack.names import on_disk
from counterfoil.unpack.streams import Stamp

HASH_CHUNK = 4 << 20
MAX_FILES = 1_000_000


@dataclass(frozen=True)
class Candidate:
    """One file to read: its path as found, SHA-256 (hex), size in bytes, and what shows that it is still the same."""

    path: Path
    sha256: str
    size: int
    stamp: Stamp


def find(patterns: Sequence[str]) -> tuple[Path, ...]:
    """Return the files that the patterns mean, each once, in a stable order.

    A folder means everything below it, except hidden files and counterfoil's own cases. What is no file that can be
    read (links to folders, pipes) is returned too: `digest` says why it is not read. Raises UsageError for a pattern
    that means nothing.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        matches = _expand(pattern)
        if not matches:
            if _is_folder(Path(pattern)):
                raise UsageError(
                    f"nothing to read in the folder {pattern}",
                    hint="name the folder that holds the exports; hidden files and cases are left out",
                )
            raise UsageError(f"nothing found at {pattern}", hint="give a file, a folder, or a glob in quotes")
        for path in matches:
            found.setdefault(path)
            if len(found) > MAX_FILES:
                raise UsageError(f"more than {MAX_FILES:,} files", hint="name a smaller folder")
    return tuple(found)


def _expand(pattern: str) -> list[Path]:
    path = Path(pattern)
    if _is_folder(path):
        return sorted(_below(path))
    if os.path.lexists(path):
        return [path]
    named = sorted(Path(match) for match in glob.iglob(pattern, recursive=True))  # noqa: PTH207  # absolute globs too
    return [file for match in named for file in (sorted(_below(match)) if _is_folder(match) else [match])]


def _below(folder: Path) -> Iterable[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError:
        yield folder  # closed to us: `digest` says so
        return
    for path in entries:
        if path.name.startswith("."):
            continue
        # a link to a folder may lead round in a circle
        if not _is_folder(path) or path.is_symlink():
            yield path
        elif not is_case(path):
            yield from _below(path)


def _is_folder(path: Path) -> bool:
    """Tell whether it is a folder; what we may not look at is none, and `digest` says so."""
    try:
        return path.is_dir()
    except OSError:
        return False


def digest(path: Path) -> Candidate:
    """Return the file with its hash; raises InputError if it cannot be read."""
    sha = hashlib.sha256()
    size = 0
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            why = "a link to a folder is not followed" if path.is_symlink() else "the folder is closed to this user"
            raise InputError(f"cannot read {on_disk(path)}: {why}")
        if not stat.S_ISREG(kind):
            raise InputError(f"cannot read {on_disk(path)}: neither a file nor a folder")
        with path.open("rb") as file:
            stamp = Stamp.of(os.fstat(file.fileno()))
            while chunk := file.read(HASH_CHUNK):
                sha.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise InputError(f"cannot read {on_disk(path)}: {error.strerror}") from error
    return Candidate(path, sha.hexdigest(), size, stamp)
