"""What there is to scan: files, folders, devices, standard input, and the members of archives, each once."""

from __future__ import annotations

import os
import stat as modes
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def sources(paths: Sequence[str]) -> tuple[list[Source], list[Unread]]:
    """Return what the paths name, in order, and what could not be looked at."""
    found: list[Source] = []
    unread: list[Unread] = []
    seen: set[tuple[int, int]] = set()
    for text in paths:
        if text == STDIN:
            found.append(Source("(standard input)", None, 0, False, ""))
            continue
        for path in _walk(Path(text), unread):
            try:
                state = path.stat()
            except (OSError, ValueError) as error:
                unread.append(Unread(str(path), getattr(error, "strerror", None) or str(error)))
                continue
            if (state.st_dev, state.st_ino) in seen or modes.S_ISDIR(state.st_mode):
                continue
            seen.add((state.st_dev, state.st_ino))
            if modes.S_ISSOCK(state.st_mode) or (modes.S_ISFIFO(state.st_mode) and str(path) != text):
                continue  # nothing is kept in it
            regular = modes.S_ISREG(state.st_mode)
            size = state.st_size if regular else _device_size(path)
            stamp = f"{state.st_size}:{state.st_mtime_ns}"
            bounds = bound(state.st_mtime, "modification of the file") if regular else ()
            found.append(Source(str(path), path, size, regular, stamp, bounds))
    return found, unread


def _walk(path: Path, unread: list[Unread]) -> Iterator[Path]:
    """Yield a file, or all files under a folder; links to folders are not followed."""
    if not os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises for a name that is too long
        yield path
        return

    def trouble(error: OSError) -> None:
        unread.append(Unread(str(error.filename), error.strerror or str(error)))

    for folder, folders, files in os.walk(path, onerror=trouble):
        folders.sort()
        for name in sorted(files):
            inner = Path(folder, name)
            if not (inner.is_symlink() and not inner.exists()):
                yield inner


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


def standard_input() -> int:
    """Return the handle of standard input."""
    return sys.stdin.fileno()
