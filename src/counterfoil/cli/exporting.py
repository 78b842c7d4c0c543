"""Writes an exported log to stdout or a file of its own."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from counterfoil.cli import terminal
from counterfoil.errors import UsageError

if TYPE_CHECKING:
    from counterfoil.tlog.stored import Stored

_PRIVATE = 0o600


def write(log: Stored, schema: str, output: Path | None) -> None:
    """Export a log; raises LogError, and LogTamperedError before the checkpoint is written."""
    from counterfoil.tlog import exported

    now = datetime.now(UTC)
    if output is None:
        with terminal.while_read():
            exported.write(log, schema, sys.stdout.buffer.write, now)
        return
    try:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE), "wb") as file:
            count = exported.write(log, schema, file.write, now)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    terminal.say(f"{count:,} {'entry' if count == 1 else 'entries'} and the checkpoint in {output}")
