"""Writes an exported log to stdout or a file of its own."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from counterfoil.cli import terminal
from counterfoil.errors import UsageError

_PRIVATE = 0o600


def write(folder: Path, schema: str, output: Path | None) -> None:
    """Export the log in the folder; raises LogError, and LogTamperedError before the checkpoint is written."""
    from counterfoil.tlog import exported
    from counterfoil.tlog.folder import Folder

    now = datetime.now(UTC)
    if output is None:
        with terminal.while_read():
            exported.write(Folder(folder), schema, sys.stdout.buffer.write, now)
        return
    try:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE), "wb") as file:
            count = exported.write(Folder(folder), schema, file.write, now)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    terminal.say(f"{count:,} {'entry' if count == 1 else 'entries'} and the checkpoint in {output}")
