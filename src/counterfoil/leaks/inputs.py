"""What there is to scan: files, folders, devices, standard input, and the members of archives, each once."""

from __future__ import annotations

import os
import stat as modes
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from counterfoil.leaks.finding import Bound, Unread, bound

STDIN = "-"


@dataclass(frozen=True)
class Source:
    """A file or device on disk, or standard input. `size` is 0 where it is not known."""

    name: str
    path: Path | None
    size: int
    regular: bool
    stamp: str
    bounds: tuple[Bound, ...] = ()


@dataclass
class Inputs:
    """What there is to scan, in order; what could not be looked at; how many links were not followed.

    `special`: pipes, sockets and devices inside of folders, which are not read: they may never end.
    """

    found: list[Source] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    links: int = 0
    special: int = 0

    def notes(self) -> Iterator[str]:
        """Say what was passed over."""
        if self.special:
            what = (
                "pipe, socket or device in a folder was"
                if self.special == 1
                else "pipes, sockets and devices in folders were"
            )
            yield f"{self.special:,} {what} not read."


def sources(paths: Sequence[str], *, follow_links: bool = False) -> Inputs:
    """Return what the paths name. Links, devices and pipes are read where they are named, never inside of a folder.

    `follow_links`: links to files and folders inside of a folder are followed, too.
    """
    inputs = Inputs()
    seen: set[tuple[int, int]] = set()
    for text in paths:
        if text == STDIN:
            inputs.found.append(Source("(standard input)", None, 0, False, ""))
            continue
        for path in _walk(Path(text), inputs, follow_links):
            source = _source(path, inputs, seen, named=str(path) == str(Path(text)))
            if source is not None:
                inputs.found.append(source)
    return inputs


def _source(path: Path, inputs: Inputs, seen: set[tuple[int, int]], *, named: bool) -> Source | None:
    """Return a file or, where it is named, a device or pipe; None for what was seen before or holds nothing."""
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        inputs.unread.append(Unread(str(path), getattr(error, "strerror", None) or str(error)))
        return None
    regular = modes.S_ISREG(state.st_mode)
    if (state.st_dev, state.st_ino) in seen or modes.S_ISDIR(state.st_mode):
        return None
    seen.add((state.st_dev, state.st_ino))
    if not (regular or named):
        inputs.special += 1
        return None
    if modes.S_ISSOCK(state.st_mode):
        inputs.unread.append(Unread(str(path), "a socket: it holds nothing that could be read"))
        return None
    # who opens a pipe and leaves it, ends the program that writes to it
    size = state.st_size if regular or modes.S_ISFIFO(state.st_mode) else _device_size(path)
    # whoever changes a file can set the rest back, but not the inode's own time
    stamp = f"{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}:{state.st_ino}"
    bounds = bound(state.st_mtime, "modification of the file") if regular else ()
    return Source(str(path), path, size, regular, stamp, bounds)


def _walk(path: Path, inputs: Inputs, follow_links: bool) -> Iterator[Path]:
    """Yield a file, or all files under a folder."""
    if not os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises for a name that is too long
        yield path
        return

    def trouble(error: OSError) -> None:
        inputs.unread.append(Unread(str(error.filename), error.strerror or str(error)))

    entered: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(path, onerror=trouble, followlinks=follow_links):
        if follow_links:
            state = Path(folder).stat()
            if (state.st_dev, state.st_ino) in entered:
                folders.clear()  # links may lead round in a circle
                continue
            entered.add((state.st_dev, state.st_ino))
        folders.sort()
        names = files if follow_links else [*files, *(name for name in folders if Path(folder, name).is_symlink())]
        for name in sorted(names):
            inner = Path(folder, name)
            if not inner.is_symlink() or (follow_links and inner.exists()):
                yield inner
            else:
                inputs.links += 1


def _device_size(path: Path) -> int:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        return os.lseek(handle, 0, os.SEEK_END)
    except OSError:
        return 0
    finally:
        os.close(handle)


def opened(source: Source) -> IO[bytes]:
    """Open a source for reading; raises OSError."""
    if source.path is None:
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    return source.path.open("rb")
