"""Where output goes: data to stdout; talk, errors and progress to stderr; colour and bars on a terminal only."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from counterfoil.cli.exits import ExitCode
from counterfoil.errors import UsageError
from counterfoil.files import save
from counterfoil.report.clean import clean
from counterfoil.report.screen import Screen

if TYPE_CHECKING:
    from counterfoil.pipeline.progress import Progress

# A line of talk; what is longer is cut.
MAX_LINE = 1_000
# Rows of a query that a terminal shows.
MAX_ROWS = 200
PLAIN_WIDTH = 100


def screen(output: Path | None = None) -> Screen:
    """Return what the data goes to: a terminal of some width, or a file or pipe."""
    if output is not None or not sys.stdout.isatty():
        return Screen(width=PLAIN_WIDTH)
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Screen(width=shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, colour=colour, rows=MAX_ROWS)


def write(data: str, output: Path | None = None) -> None:
    """Write data to a file if one is named, else to stdout; when its reader has gone, end quietly."""
    if output is not None:
        save(output, [data])
        say(f"wrote {output}")
        return
    with while_read():
        typer.echo(data, nl=False)


@contextmanager
def while_read() -> Iterator[None]:
    """Guard what writes to stdout: when its reader has gone, end quietly; when it cannot be written, say so."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _close()
        raise typer.Exit(ExitCode.PIPE_CLOSED) from None
    except OSError as error:
        if error.filename is not None:
            raise
        _close()
        raise UsageError(f"cannot write to standard output: {error.strerror}", hint="is its disk full?") from error


def say(line: str, hint: str = "") -> None:
    """Tell one line on stderr, and what to do next. Controls in it are made harmless."""
    typer.echo(f"counterfoil: {clean(line, MAX_LINE)}", err=True)
    if hint:
        typer.echo(f"  hint: {clean(hint, MAX_LINE)}", err=True)


def leave(code: ExitCode) -> NoReturn:
    """End the command with a code."""
    raise typer.Exit(int(code))


def prepare() -> None:
    """Let the streams show what their encoding lacks as escapes, instead of failing half-way."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """Yield what a run reports to: bars on a terminal, lines elsewhere, nothing if quiet."""
    if quiet:
        yield _Silent()
    elif sys.stderr.isatty():
        from counterfoil.cli.bars import bars

        with bars() as shown:
            yield shown
    else:
        yield _Lines()


class _Silent:
    """Tells nobody."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Ignore the stage."""

    def advance(self, amount: int) -> None:
        """Ignore the progress."""

    def note(self, text: str) -> None:
        """Ignore the line."""


class _Lines(_Silent):
    """Tells the notes only: a log file is no place for bars."""

    def note(self, text: str) -> None:
        """Tell the line."""
        say(text)


def settle() -> None:
    """Let go of what stdout did not take, so that the interpreter's own flush at the end does not fail."""
    try:
        sys.stdout.flush()
    except OSError:
        _close()


def _close() -> None:
    """Point stdout at nothing."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
