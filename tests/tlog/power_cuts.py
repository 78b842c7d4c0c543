"""Disks as power cuts leave them: a folder that writes down what it does, and what may be there at each point of it.

A killed process keeps its page cache; a power cut does not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from counterfoil.tlog import replay
from counterfoil.tlog.folder import Folder


@dataclass
class Recording(Folder):
    """A folder that does everything and writes down what: (operation, file, place, data)."""

    path: Path
    done: list[tuple[str, str, int, bytes]] = field(default_factory=list)
    names_of: dict[int, str] = field(default_factory=dict)

    def open(self, name: str) -> int:
        """Open, and know the file by its descriptor."""
        descriptor = super().open(name)
        self.names_of[descriptor] = name
        return descriptor

    def write_at(self, descriptor: int, place: int, data: bytes) -> None:
        """Write."""
        self.done.append(("write", self.names_of[descriptor], place, data))
        super().write_at(descriptor, place, data)

    def sync(self, descriptor: int) -> None:
        """Sync, in the record only."""
        self.done.append(("sync", self.names_of[descriptor], 0, b""))

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Put a whole file."""
        self.done.append(("put", name, 0, data))
        super().put(name, data, durable=False)
        assert durable


@dataclass
class Disk:
    """Files as a crash may leave them: what is durable, and what is written but not synced."""

    durable: dict[str, bytes] = field(default_factory=dict)
    pending: list[tuple[str, int, bytes]] = field(default_factory=list)

    def do(self, kind: str, name: str, place: int, data: bytes) -> None:
        """Apply one operation."""
        if kind == "put":
            self.durable[name] = data
            self.pending = [held for held in self.pending if held[0] != name]
        elif kind == "write":
            self.pending.append((name, place, data))
        else:
            for held, begin, piece in self.pending:
                if held == name:
                    self.durable[name] = written(self.durable.get(name, b""), begin, piece)
            self.pending = [held for held in self.pending if held[0] != name]

    def states(self, step: int) -> Iterator[dict[str, bytes]]:
        """Yield what may be on the disk: any prefix of an unsynced write, or its length filled with zeros or rubbish.

        The head fits in a sector and is overwritten in place: any of its unsynced versions may be there.
        """
        heads = [data for name, _, data in self.pending if name == replay.HEAD_FILE]
        others = [held for held in self.pending if held[0] != replay.HEAD_FILE]
        assert len(others) <= 1, "one write at a time"
        for head in [None, *heads[-1:]]:
            files = dict(self.durable) if head is None else {**self.durable, replay.HEAD_FILE: head}
            yield files
            for name, place, data in others:
                old = files.get(name, b"")
                for cut in sorted({*range(0, len(data), step), len(data)}):
                    yield {**files, name: written(old, place, data[:cut])}
                    rest = len(data) - cut
                    yield {**files, name: written(old, place, data[:cut] + bytes(rest))}
                    yield {**files, name: written(old, place, data[:cut] + b"\xa5" * rest)}


def written(old: bytes, place: int, data: bytes) -> bytes:
    """Return a file after a write."""
    return old[:place].ljust(place, b"\0") + data + old[place + len(data) :]


def put_together(path: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder hold these files and nothing else."""
    shutil.rmtree(path, ignore_errors=True)
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch(0o600)
        (path / name).write_bytes(data)
