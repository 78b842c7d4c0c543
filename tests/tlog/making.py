"""Small logs for tests: folders that do not sync, and one that records what it was asked to do."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from counterfoil.tlog import note, replay
from counterfoil.tlog.filelog import FileLog, open_log
from counterfoil.tlog.folder import Folder

ORIGIN = "example.com/custody"
# Bundles are made early, so that small logs have them.
SEAL_AFTER = 300


class Unsynced(Folder):
    """A folder that asks nothing of the disk: fast, for tests that are not about power cuts."""

    def sync(self, descriptor: int) -> None:
        """Do nothing."""

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file."""
        import os

        os.ftruncate(descriptor, size)

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:  # noqa: ARG002  # never durable here
        """Write the file."""
        super().put(name, data, durable=False)


def opened(path: Path, *, seal_after: int = SEAL_AFTER) -> FileLog:
    """Open or make a small log that does not sync."""
    return open_log(path, ORIGIN, folder=Unsynced(path), seal_after=seal_after)


def grown(path: Path, count: int, *, threads: int = 16) -> list[bytes]:
    """Append that many entries by several threads, publish and close; returns the entries in the log's order."""
    log = opened(path)
    placed: dict[int, bytes] = {}

    def work(mine: range) -> None:
        for place in mine:
            entry = b'{"entry": %d}' % place
            placed[log.append(entry)] = entry

    workers = [threading.Thread(target=work, args=(range(place, count, threads),)) for place in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    log.publish()
    log.close()
    assert sorted(placed) == list(range(count))
    return [placed[place] for place in range(count)]


def entries(path: Path, key: note.VerifierKey | None = None) -> list[bytes]:
    """Return what a whole check of the log reads."""
    found: list[bytes] = []
    folder = Folder(path)
    published = replay.published(folder)
    state = replay.replay(folder, lambda _, entry: found.append(entry), key)
    replay.check_published(folder, published, state)
    return found


def copied(path: Path, target: Path) -> Path:
    """Return a copy of a log's folder."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(path, target))
