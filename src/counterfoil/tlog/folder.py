"""What a log does to files: the few operations whose order and durability matter, in one place.

Tests replace it by one that records every operation, to replay what a power cut would have left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from counterfoil.errors import LogError

# How the names of files end that are being written.
UNFINISHED = ".new"
_FOR_OTHERS, _WRITE_FOR_OTHERS = 0o007, 0o002


class Folder:
    """A folder of files, private to its owner. Every failure of the system is a LogError."""

    def __init__(self, path: Path) -> None:
        """Work in `path`, which need not exist yet."""
        self.path = path

    def make(self) -> None:
        """Create the folder, for its owner only."""
        with _told("create", self.path):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def check_closed(self, *names: str, secrets: Sequence[str] = ()) -> None:
        """Raise LogError if everybody may write to the folder or to one of these files in it, or read a secret one."""
        for name in ("", *names, *secrets):
            path = self.path / name
            try:
                mode = path.stat().st_mode
            except FileNotFoundError:
                continue
            except OSError as error:
                raise LogError(f"cannot look at {path}: {error.strerror or error}") from error
            if mode & (_FOR_OTHERS if name in secrets else _WRITE_FOR_OTHERS):
                what = "read or write it" if name in secrets else "write to it"
                hint = f"chmod {'o-rwx' if name in secrets else 'o-w'} {path}, and look at what is there"
                raise LogError(f"{path}: everybody may {what}", hint=hint)

    def lock(self) -> int:
        """Return a descriptor that holds the folder for one writer; LogError if another process has it."""
        with _told("lock", self.path):
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise LogError(
                f"log {self.path}: another process writes to it", hint="ask that process, or wait until it ends"
            ) from error
        return descriptor

    def open(self, name: str) -> int:
        """Return a descriptor for reading and writing the file, created if absent."""
        with _told("open", self.path / name):
            return os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def read(self, name: str) -> bytes | None:
        """Return the whole file, or None if there is none."""
        with _told("read", self.path / name):
            try:
                return (self.path / name).read_bytes()
            except FileNotFoundError:
                return None

    def write_at(self, descriptor: int, place: int, data: bytes) -> None:
        """Write all of `data` at `place`. Not durable before `sync`."""
        with _told("write to", self.path):
            done = 0
            while done < len(data):
                done += os.pwrite(descriptor, data[done:] if done else data, place + done)

    def sync(self, descriptor: int) -> None:
        """Make everything written to the file durable."""
        with _told("sync", self.path):
            os.fdatasync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file, durably."""
        with _told("truncate", self.path):
            os.ftruncate(descriptor, size)
            os.fsync(descriptor)

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write a file as a whole: readers see the old one or the new one, and after a crash there is one of both."""
        target = self.path / name
        with _told("write", target):
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = target.with_name(f"{target.name}.{threading.get_ident()}{UNFINISHED}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    if durable:
                        os.fsync(file.fileno())
            except OSError:
                fresh.unlink(missing_ok=True)
                raise
            fresh.replace(target)
            if durable:
                self._sync_folder(target.parent)

    def remove(self, name: str) -> None:
        """Remove a folder of superseded files, if it is there."""
        with _told("remove", self.path / name):
            shutil.rmtree(self.path / name, ignore_errors=True)

    def delete(self, name: str) -> None:
        """Delete a file, durably; harmless if there is none."""
        with _told("delete", self.path / name):
            (self.path / name).unlink(missing_ok=True)
            self._sync_folder((self.path / name).parent)

    def names(self, below: str) -> list[str]:
        """Return the paths of all finished files below, in order."""
        with _told("list", self.path):
            found = (Path(at) / name for at, _, names in os.walk(self.path / below, onerror=_seen) for name in names)
            return sorted(str(path.relative_to(self.path)) for path in found if path.suffix != UNFINISHED)

    def _sync_folder(self, path: Path) -> None:
        while True:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if path == self.path or path == path.parent:
                return
            path = path.parent


def _seen(error: OSError) -> None:
    """Go on where a folder is gone (a running writer removes superseded ones), and nowhere else."""
    if not isinstance(error, FileNotFoundError):
        raise error


@contextlib.contextmanager
def _told(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = f"cannot {what} {path}: {error.strerror or error}"
        raise LogError(told, hint="check space and permissions") from error
