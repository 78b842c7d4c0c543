"""Files that people name for us to write: closed to everybody else, and whole or not there at all.

A link is followed to what it leads to. What is no plain file (a device, a FIFO) is written to, never replaced.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from counterfoil.errors import UsageError

PRIVATE = 0o600
MAX_FILE_NAME = 100
_UNSAFE = re.compile(r"[^a-z0-9@._-]+")


@contextmanager
def writing(path: Path, mode: int = PRIVATE, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Yield what is written to `path`. A plain file is replaced when the block ends, and stays as it was if it fails.

    `durable`: a crash leaves the old file or the new one. Raises OSError.
    """
    target = _plain(path)
    if target is None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CLOEXEC), "wb") as device:
            yield device
        return
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".counterfoil-", suffix=".new")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            if durable:
                os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if durable:
        _sync(target.parent)


def save(path: Path, parts: Iterable[str]) -> None:
    """Write the parts to the file; raises UsageError if that cannot be."""
    try:
        with writing(path) as file:
            # a lone half of a surrogate pair cannot be written: it becomes a question mark
            file.writelines(part.encode("utf-8", "replace") for part in parts)
    except OSError as error:
        raise unwritable(path, error) from error


def new_folder(into: Path) -> None:
    """Make the folder, which is new or empty and yours alone; raises UsageError if that cannot be."""
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(into.iterdir()):
            raise UsageError(f"{into} holds files already", hint="name a new folder, so that nothing is mixed")
    except OSError as error:
        raise UsageError(f"cannot write into {into}: {error.strerror}", hint="name another folder") from error


def file_name(place: int, name: str, ending: str) -> str:
    """Return a file name that no log can steer: letters, digits and @._- of a name, after a number.

    >>> file_name(7, "../Eve <x>", "csv")
    '0007-.._eve_x_.csv'
    """
    return f"{place:04d}-{_UNSAFE.sub('_', name.lower())[:MAX_FILE_NAME] or 'unnamed'}.{ending}"


def unwritable(path: Path, error: OSError) -> UsageError:
    """Return the error for a file that could not be written."""
    return UsageError(f"cannot write {path}: {error.strerror}", hint="is the folder there, and yours, with space left?")


def expect(path: Path) -> None:
    """Raise UsageError if the file cannot be written: better before hours of work than after."""
    try:
        target = _plain(path)
    except OSError as error:
        raise unwritable(path, error) from error
    if target is None:
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder", hint="name a file")
        if not os.access(path, os.W_OK):
            raise UsageError(f"cannot write {path}: you may not", hint="name a file in a folder of yours")
    elif not os.access(target.parent, os.W_OK | os.X_OK):
        why = "you may not write in" if target.parent.is_dir() else "there is no folder"
        raise UsageError(f"cannot write {path}: {why} {target.parent}", hint="name a file in a folder of yours")


def _plain(path: Path) -> Path | None:
    """Return the plain file, there or not yet, that `path` leads to; None for anything else that is there."""
    target = Path(os.path.realpath(path))
    try:
        found = path.stat()
    except FileNotFoundError:
        return target
    # what a descriptor under /proc leads to may have no name any more
    return target if stat.S_ISREG(found.st_mode) and target.exists() and target.samefile(path) else None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
