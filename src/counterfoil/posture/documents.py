"""Documents from files: bounded, in any encoding that exports come in, decoded into plain values."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.errors import InputError
from counterfoil.read.encoding import HEAD_BYTES, encoding_of, utf8


def content(path: Path, most: int) -> bytes:
    """Return a file's content; raises InputError if it cannot be read or is longer than `most` bytes."""
    try:
        with path.open("rb") as file:
            found = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint="name a file that can be read") from error
    if len(found) > most:
        raise InputError(f"{path}: longer than {most:,} bytes", hint="is this the right file?")
    return found


def text_of(raw: bytes) -> bytes:
    """Return a text as UTF-8 without a mark: PowerShell writes UTF-16, or UTF-8 with one."""
    with utf8(io.BufferedReader(io.BytesIO(raw)), encoding_of(raw[:HEAD_BYTES])) as stream:
        return stream.read()


def json_of(raw: bytes) -> Any:
    """Return the value of a JSON text; None for what is none, or deeper than the decoder goes."""
    try:
        return msgspec.json.decode(text_of(raw))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        return None
