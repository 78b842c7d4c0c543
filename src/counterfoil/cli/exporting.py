"""Writes an exported log to stdout or a file of its own."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from counterfoil import files
from counterfoil.cli import terminal

if TYPE_CHECKING:
    from counterfoil.tlog.stored import Stored


def write(log: Stored, schema: str, output: Path | None) -> None:
    """Export a log; raises LogError, and LogTamperedError before the checkpoint is written."""
    from counterfoil.tlog import exported

    now = datetime.now(UTC)
    if output is None:
        with terminal.while_read():
            exported.write(log, schema, sys.stdout.buffer.write, now)
        return
    try:
        with files.writing(output) as file:
            count = exported.write(log, schema, file.write, now)
    except OSError as error:
        raise files.unwritable(output, error) from error
    terminal.say(f"{count:,} {'entry' if count == 1 else 'entries'} and the checkpoint in {output}")
