"""Memories of what was used once (`tokens.replay`): of one process, and of all processes of a machine.

Names are kept until what they stand for is no longer good. At MOST_NAMES the oldest are forgotten first.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from pathlib import Path

from counterfoil.errors import InputError, UsageError
from counterfoil.files import PRIVATE

# Names that are remembered at most: at some thousand requests a second they last for their minute.
MOST_NAMES = 500_000
# How long one process waits for another's turn.
WAIT_SECONDS = 5.0
_WRITE_FOR_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_TABLE = """CREATE TABLE IF NOT EXISTS seen (place INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, until REAL);
CREATE INDEX IF NOT EXISTS seen_until ON seen (until)"""
# a few at a time: more than come in
_FORGET_OVER = "DELETE FROM seen WHERE place IN (SELECT place FROM seen WHERE until <= ? ORDER BY until LIMIT 8)"
_FORGET_OLDEST = "DELETE FROM seen WHERE place <= (SELECT max(place) FROM seen) - ?"


class ProcessReplays:
    """Remembers in this process only: a proof is good once in each process that serves. Threads may share it."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()

    def first(self, name: str, until: float, now: float) -> bool:
        """Keep a name; tell whether it was not kept yet."""
        with self._lock:
            if self._seen.get(name, now) > now:
                return False
            while self._seen and (next(iter(self._seen.values())) <= now or len(self._seen) >= MOST_NAMES):
                del self._seen[next(iter(self._seen))]
            self._seen.pop(name, None)  # so that the newest stand last
            self._seen[name] = until
            return True


class SharedReplays:
    """Remembers in a file (SQLite) that all processes of a machine share. Threads may share it; forks may too."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`, made if there is none, for its owner only; raises UsageError if it cannot be."""
        self._path, self._lock = path, threading.Lock()
        self._open: tuple[int, sqlite3.Connection] | None = None
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, PRIVATE)
            found = os.fstat(descriptor)
            os.close(descriptor)
            _check_kind(found, path)
            self._identity = found.st_dev, found.st_ino
            with self._lock:
                self._connection().executescript(_TABLE)
        except (OSError, sqlite3.Error) as error:
            told = f"{path}: cannot remember what was used: {error}"
            raise UsageError(told, hint="name a file of your own") from error

    def first(self, name: str, until: float, now: float) -> bool:
        """Keep a name; tell whether it was not kept yet. Raises InputError if the file cannot be asked."""
        try:
            self._check_there()
            with self._lock, self._connection() as con:
                con.execute("BEGIN IMMEDIATE")
                con.execute("DELETE FROM seen WHERE name = ? AND until <= ?", (name, now))
                made = con.execute("INSERT OR IGNORE INTO seen (name, until) VALUES (?, ?)", (name, until))
                con.execute(_FORGET_OVER, (now,))
                con.execute(_FORGET_OLDEST, (MOST_NAMES,))
                return made.rowcount == 1
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"{self._path}: cannot remember what was used: {error}") from error

    def _check_there(self) -> None:
        """Raise OSError if the file is no longer the one that was opened: processes to come would not know this one."""
        found = self._path.stat()
        if (found.st_dev, found.st_ino) != self._identity:
            raise OSError("another file took its place: start all processes that share it anew")

    def _connection(self) -> sqlite3.Connection:
        """Return this process's connection: one must not be used, nor closed, beyond a fork."""
        if self._open is None or self._open[0] != os.getpid():
            self._inherited = self._open
            con = sqlite3.connect(self._path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
            con.execute("PRAGMA journal_mode = WAL")
            con.execute("PRAGMA synchronous = OFF")  # what a power cut forgets is a minute of proofs
            self._open = os.getpid(), con
        return self._open[1]


def _check_kind(found: os.stat_result, path: Path) -> None:
    """Raise UsageError for what is no file, and for one that others may write to: they can make it forget."""
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path}: it is no plain file", hint="name a file of your own")
    if found.st_mode & _WRITE_FOR_OTHERS:
        raise UsageError(f"{path}: others than its owner may write to it", hint=f"chmod 600 {path}")
