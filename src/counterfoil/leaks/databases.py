"""Values of SQLite's databases: long ones lie in pieces on the pages of a file, and on those of its log (-wal)."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from counterfoil.leaks.inner import BETWEEN, MOST_VALUE_BYTES, Inner, Pieces, untold

SQLITE, LOGS = b"SQLite format 3\0", (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
# A damaged database may give the same pages again and again: no more than this for each byte of the file.
MOST_RATIO = 16
# A database with its log is copied before it is opened: opening one writes to it.
MOST_COPIED_BYTES = 4 << 30
# Steps of SQLite's machine for each byte of a database, and for any: columns may be computed, at any cost.
_STEPS_A_BYTE, _FREE_STEPS, _STEPS_AT_ONCE = 10, 100_000_000, 1_000_000
_LOG = "-wal"


def values(name: str, path: Path | None) -> Iterator[Inner]:
    """Yield the values of a database as it stands in its file, and as its log makes it."""
    if path is None:
        yield untold(name, "a database inside an archive: only whole pages were looked at")
        return
    yield Inner(f"{name}/(values)", Pieces(_values(path, "mode=ro&immutable=1")))
    log = Path(f"{path}{_LOG}")
    if not log.is_file() or not log.stat().st_size:
        return
    if path.stat().st_size + log.stat().st_size > MOST_COPIED_BYTES:
        yield untold(
            f"{name}{_LOG}", f"with its database over {MOST_COPIED_BYTES >> 30} GiB: only pages were looked at"
        )
    else:
        yield Inner(f"{name}{_LOG}/(values)", Pieces(_with_log(path, log)))


def log(name: str, path: Path | None) -> Iterator[Inner]:
    """Say of a log that lies without its database that its values are not seen; else they are told there."""
    if path is None or not Path(str(path).removesuffix(_LOG)).is_file() or not str(path).endswith(_LOG):
        yield untold(name, "a log of SQLite without its database: only whole pages were looked at")


def _with_log(path: Path, log: Path) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as folder:
        copy = Path(folder) / "copy"
        shutil.copyfile(path, copy)
        shutil.copyfile(log, f"{copy}{_LOG}")
        yield from _values(copy, "mode=rw")


def _values(path: Path, mode: str) -> Iterator[bytes]:
    """Yield the text and blobs of all tables: long ones lie in pieces on the pages of a database."""
    size = path.stat().st_size
    left, steps = MOST_RATIO * size, (_FREE_STEPS + _STEPS_A_BYTE * size) // _STEPS_AT_ONCE
    address = f"file:{quote(str(path))}?{mode}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
            database.text_factory = bytes
            database.set_progress_handler(iter([0] * steps + [1]).__next__, _STEPS_AT_ONCE)
            database.execute("PRAGMA trusted_schema = OFF")
            tables = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            ).fetchall()
            for (table,) in tables:
                quoted = table.decode("utf-8", "surrogateescape").replace('"', '""')
                for row in database.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608  # a name of the database's own
                    for value in row:
                        if isinstance(value, bytes):
                            left -= len(value)
                            yield value + BETWEEN
                    if left < 0:
                        raise OSError("the database gives more than its size: damaged")
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise OSError(f"the database could not be read to its end: {error}") from error
