"""Objects of git out of its packs, by git itself: packs hold differences of objects, compressed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from counterfoil.leaks.inner import Inner, untold

PACK, BUNDLE = b"PACK\0\0\0", b"# v"
# Objects are compressed, and differences of one another: no more than this for each byte of a pack.
_MOST_RATIO, _FREE_BYTES = 200, 1 << 30
# Nothing of the user's own settings, no fetching, and no object in the place of another.
_QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_COMPLAINTS = (b"error:", b"fatal:")
_MOST_COMPLAINT = 1 << 16


def is_bundle(head: bytes) -> bool:
    """Tell whether a file begins as a bundle does (gitformat-bundle(5))."""
    return head[:3] == BUNDLE and head[4:].startswith(b" git bundle\n")


def bundle(name: str) -> Iterator[Inner]:
    """Say that a bundle is not read: without its repository it may be of differences only."""
    yield untold(name, "a bundle of git: its objects were not unpacked; clone it, and scan the clone")


def packed(name: str, path: Path | None) -> Iterator[Inner]:
    """Yield the objects of a pack that lies in a repository with its index."""
    git, place = shutil.which("git"), path.absolute() if path is not None else None
    if git is None:
        why = "git is not installed"
    elif place is None or (place.parent.name, place.parent.parent.name) != ("pack", "objects"):
        why = "it lies in no repository"
    elif not place.with_suffix(".idx").is_file():
        why = "it has no index: git index-pack makes one"
    else:
        yield from _objects(name, git, place)
        return
    yield untold(name, f"a pack of git: its objects were not unpacked, {why}")


def _objects(name: str, git: str, pack: Path) -> Iterator[Inner]:
    command = [git, "-c", "safe.directory=*", f"--git-dir={pack.parents[2]}"]
    with tempfile.TemporaryFile() as ids, tempfile.TemporaryFile() as complaints:
        failed = not _listed([*command, "show-index"], pack.with_suffix(".idx"), ids, complaints)
        with subprocess.Popen(  # noqa: S603  # no shell; reads objects, runs no hook and no filter
            [*command, "cat-file", "--batch", "--buffer"],
            stdin=ids, stdout=subprocess.PIPE, stderr=complaints, env={**os.environ, **_QUIET},
        ) as process:
            try:
                if process.stdout is not None:
                    most = _FREE_BYTES + _MOST_RATIO * pack.stat().st_size
                    yield Inner(f"{name}/(objects)", _Bounded(process.stdout, most))
                failed = process.wait() != 0 or failed
            finally:
                process.kill()
        complaints.seek(0)
        said = complaints.read(_MOST_COMPLAINT).splitlines()
    if failed or any(line.startswith(_COMPLAINTS) for line in said):
        yield untold(name, "git could not give all objects: a damaged repository")


def _listed(command: list[str], index: Path, ids: IO[bytes], complaints: IO[bytes]) -> bool:
    """Write down the ids of the objects of one pack; tell whether git knew them all."""
    with (
        index.open("rb") as given,
        subprocess.Popen(  # noqa: S603  # as above
            command, stdin=given, stdout=subprocess.PIPE, stderr=complaints, env={**os.environ, **_QUIET}
        ) as process,
    ):
        for line in process.stdout or ():
            ids.write(line.split()[1] + b"\n")
    ids.seek(0)
    return process.returncode == 0


class _Bounded:
    """A stream of which no more than so many bytes are read."""

    def __init__(self, stream: IO[bytes], left: int) -> None:
        self._stream, self._left = stream, left

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; raises OSError once there are too many."""
        part = self._stream.read(size)
        self._left -= len(part)
        if self._left < 0:
            raise OSError("its objects are far larger than its packs: the rest was not looked at")
        return part
