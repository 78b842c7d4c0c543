"""Hostile surroundings: links, closed and vanishing files, full and read-only disks, odd names."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from .case import Case, Impossible, Setting, line

# Bytes of a disk that is too small for evidence, but not for a manifest.
SMALL_DISK = "300k"
_NO_PRIVILEGES = "-dac_override,-dac_read_search,-fowner"


def _links(logs: Path) -> None:
    (logs / "itself").symlink_to(logs / "itself")
    (logs / "round").symlink_to(logs)
    (logs / "nowhere").symlink_to(logs / "gone")


def _pipe(logs: Path) -> None:
    os.mkfifo(logs / "pipe.jsonl")


def _socket(logs: Path) -> None:
    here = Path.cwd()
    os.chdir(logs)  # the path of a socket may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("socket.jsonl")
    finally:
        os.chdir(here)


def _odd_names(logs: Path) -> None:
    for number, name in enumerate((b"\xff\xfe.jsonl", b"a\x1b[2J\nb.jsonl", b"[x]*?.jsonl", "ü\u202e.jsonl".encode())):
        Path(os.fsdecode(os.fsencode(logs) + b"/" + name)).write_bytes(line(10 + number))


def _closed(logs: Path) -> None:
    (logs / "closed.jsonl").write_bytes(line(1))
    (logs / "closed.jsonl").chmod(0)
    (logs / "folder").mkdir(mode=0)


def _without_privileges(folder: Path, where: Path) -> Setting:
    """Return how the program is run so that modes of files count for it, too."""
    del where
    if os.geteuid() != 0:
        return Setting(folder / "logs", folder / "case")
    if shutil.which("setpriv") is None:
        raise Impossible("the superuser may read everything, and there is no setpriv to give that up")
    return Setting(folder / "logs", folder / "case", ("setpriv", "--bounding-set", _NO_PRIVILEGES))


def _one(logs: Path) -> None:
    (logs / "x.jsonl").write_bytes(b"".join(line(number) for number in range(1, 50)))


def _meddled(stage: str, action: str) -> Callable[[Path, Path], Setting]:
    def set_up(folder: Path, where: Path) -> Setting:
        return Setting(folder / "logs", folder / "case", meddle=(stage, action, str(where / "x.jsonl")))

    return set_up


def _mounted(folder: Path, *options: str) -> Setting:
    """Return the setting with the case on a disk of its own."""
    disk = folder / "disk"
    disk.mkdir()
    _run("mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(disk))
    return Setting(folder / "logs", disk / "case", undo=(lambda: _run("umount", str(disk)),))


def _full(folder: Path, where: Path) -> Setting:
    del where
    return _mounted(folder, f"size={SMALL_DISK}")


def _read_only(folder: Path, where: Path) -> Setting:
    del where
    return _mounted(folder, "size=1m", "ro")


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # our own
    except (OSError, subprocess.CalledProcessError) as error:
        raise Impossible(f"{command[0]} is not possible here: {error}") from error


def _nothing(logs: Path) -> None:
    del logs


def _much(logs: Path) -> None:
    users = (f"{number * 7919 % 99991}@x" for number in range(1, 20_000))
    (logs / "x.jsonl").write_bytes(b"".join(line(number, UserId=user) for number, user in enumerate(users)))


CASES = (
    Case("links that lead round, to themselves and nowhere", _links,
         "Too many levels of symbolic links.*No such file.*a link to a folder is not followed"),
    Case("a pipe", _pipe, "unread: .*neither a file nor a folder"),
    Case("a socket", _socket, "unread: .*neither a file nor a folder"),
    Case("names of files that are no UTF-8, or act on a terminal", _odd_names, r"\\xff\\xfe.jsonl: read 1"),
    Case("a file and a folder that are closed to the user", _closed,
         "closed.jsonl: unread: .*Permission denied.*folder: unread: .*closed to this user",
         set_up=_without_privileges),
    Case("a file that vanishes before it is looked at", _one, "No such file", set_up=_meddled("hashing", "remove")),
    Case("a file that vanishes before it is read", _one, "No such file", set_up=_meddled("reading", "remove")),
    Case("a file that grows before it is read", _one, "it changed while it was read",
         set_up=_meddled("reading", "grow")),
    Case("a file that becomes another before it is read", _one, "it changed while it was read",
         set_up=_meddled("reading", "replace")),
    Case("a file that is emptied before it is read", _one, "it changed while it was read",
         set_up=_meddled("reading", "empty")),
    Case("a disk that is full", _much, "counterfoil: .*(No space left|disk)", code=2, set_up=_full),
    Case("a case folder on a disk that is read-only", _nothing, "counterfoil: cannot write to the case folder", code=2,
         set_up=_read_only),
)
