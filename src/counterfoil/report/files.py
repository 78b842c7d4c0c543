"""Writes what a report holds to files that only their owner can read: it names people, addresses and mail."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from counterfoil.errors import UsageError

PRIVATE = 0o600


def save(path: Path, parts: Iterable[str]) -> None:
    """Write the parts to the file, in one step; raises UsageError if that cannot be."""
    new = path.with_name(f".{path.name[:200]}.{os.getpid()}.new")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        try:
            # a lone half of a surrogate pair cannot be written: it becomes a question mark
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
                file.writelines(parts)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="is the folder there, and yours?") from error
