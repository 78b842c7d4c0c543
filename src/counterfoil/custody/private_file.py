"""Files with secrets that a program also writes: closed to everybody else, and replaced as a whole."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from counterfoil import files
from counterfoil.errors import KeyStoreError

_FOR_OTHERS = 0o007


def read_bytes(path: Path, most: int, what: str = "") -> tuple[bytes, int]:
    """Return the first `most` + 1 bytes and the mode of a file; `what` is what errors call it.

    Raises KeyStoreError if it cannot be read, or is open to everybody.
    """
    name = f"{what} {path}".lstrip()
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & _FOR_OTHERS:
                raise KeyStoreError(f"{name}: everybody may read or write it", hint=f"chmod 600 {path}")
            return file.read(most + 1), mode
    except OSError as error:
        raise KeyStoreError(f"{name}: {error.strerror}") from error


def read(path: Path, most: int) -> tuple[str, int]:
    """Return the text and the mode of a file; raises KeyStoreError also for more than `most` bytes, or for no text."""
    raw, mode = read_bytes(path, most)
    if len(raw) > most:
        raise KeyStoreError(f"{path}: longer than {most} bytes")
    with contextlib.suppress(UnicodeDecodeError):  # which would hold the file's bytes
        return raw.decode(), mode
    raise KeyStoreError(f"{path}: not UTF-8")


def replace(path: Path, text: str, mode: int = files.PRIVATE) -> None:
    """Write a file with that mode, at once: no reader and no crash sees half of it. Raises KeyStoreError."""
    try:
        with files.writing(path, mode, durable=True) as file:
            file.write(text.encode())
    except OSError as error:
        raise KeyStoreError(f"{path}: {error.strerror}") from error
