"""The program: its commands, and how errors become one line and an exit code."""

from __future__ import annotations

import errno
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import FrameType
from typing import Annotated

import typer
import typer.main

from counterfoil._version import __version__
from counterfoil.cli import terminal
from counterfoil.cli.exits import MEANING, ExitCode
from counterfoil.errors import CounterfoilError, UsageError
from counterfoil.tokens.looks import holds_token

NAME = "counterfoil"
DEBUG = "--debug"

# What the parser raises for bad usage. Newer releases of typer bring their own parser, older ones use click's.
_BadUsage: type[Exception] = typer.BadParameter.__bases__[0]

# What the system says of a disk that takes nothing more.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


# The modules of this package that add commands, and which, in the order in which `--help` lists them.
COMMANDS = {
    "demo": ("demo",), "hunt": ("hunt", "ingest", "reconcile", "report"), "messages": ("messages",),
    "intrusions": ("intrusions",), "pivot": ("pivot",), "indicators": ("indicators",), "baseline": ("baseline",),
    "ready": ("ready",), "sql": ("sql",), "case": ("case",), "explain": ("sources", "explain"), "rules": ("rules",),
    "sigma": ("sigma",), "token": ("token",), "ledger": ("ledger",), "leaks": ("leaks",), "lab": ("lab",),
    "keys": ("keys",), "respond": ("respond",), "posture": ("posture",), "matrix": ("matrix",),
}


def program(word: str = "") -> typer.Typer:
    """Return the program with the command `word` and its like; with all commands if it is none of them.

    A tenth of a second goes into the others.
    """
    app = typer.Typer(
        name=NAME,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(epilog=_exit_codes())(_program)
    asked = [name for name, commands in COMMANDS.items() if word in commands]
    for name in asked or COMMANDS:
        import_module(f"counterfoil.cli.{name}").add_to(app)
    return app


def _exit_codes() -> str:
    """Return the exit codes in words; the parser joins lines that no empty one parts."""
    told = "; ".join(f"{int(code)} {meaning.replace('`', '')}" for code, meaning in MEANING.items())
    return f"Exit codes: {told}."


def _version(wanted: bool) -> None:
    if wanted:
        terminal.write(f"{NAME} {__version__}\n")
        terminal.leave(ExitCode.CLEAN)


def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show where an error arose. May stand anywhere.")] = False,
) -> None:
    """Find forged security tokens: reconcile what services accepted with what issuers recorded."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    terminal.prepare()
    with _listening() as interrupt:
        code = _run([word for word in given if word != DEBUG], debug=DEBUG in given, interrupt=interrupt)
    if code == ExitCode.INTERRUPTED:
        terminal.say("interrupted", "what was read is kept; running the same command again is safe")
    return int(code)


@dataclass
class _Interrupt:
    """Whether Ctrl-C was pressed: the engine turns it into an error of its own."""

    pressed: bool = False


@contextmanager
def _listening() -> Iterator[_Interrupt]:
    """Yield what tells of Ctrl-C, and put the old handler back afterwards."""
    interrupt = _Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def press(number: int, frame: FrameType | None) -> None:
        interrupt.pressed = True
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


def _run(given: Sequence[str], *, debug: bool, interrupt: _Interrupt) -> int:
    """Run the command and return its exit code; every error becomes one line and a code."""
    try:
        _refuse_tokens(given)
        word = next((word for word in given if not word.startswith("-")), "")
        code = typer.main.get_command(program(word)).main(list(given), prog_name=NAME, standalone_mode=False)
        return int(code or ExitCode.CLEAN)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except CounterfoilError as error:
        if interrupt.pressed:
            return ExitCode.INTERRUPTED
        terminal.say(str(error), error.hint)
        _details(debug)
    except _BadUsage as error:
        _usage(error, given)
    except Exception as error:  # noqa: BLE001  # the last resort: one line for people, details on demand
        if interrupt.pressed:
            return ExitCode.INTERRUPTED
        _unforeseen(error, debug)
        _details(debug)
    return ExitCode.UNUSABLE


def _refuse_tokens(given: Sequence[str]) -> None:
    """Raise UsageError for a token among the arguments, before any message can quote it."""
    if any(holds_token(word) for word in given):
        raise UsageError(
            "a token was given as an argument, where others on this machine can read it",
            hint="give it on standard input, or name a file that holds it",
        )


def _unforeseen(error: Exception, debug: bool) -> None:
    """Tell an error that no command foresaw. What the system refuses about a file is no mistake of ours."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        terminal.say(f"{error.filename}: {error.strerror}", "check its permissions, and the free space")
        return
    if isinstance(error, OSError) and error.errno in _FULL:
        terminal.settle()
        terminal.say(f"cannot write: {error.strerror}", "is the disk full?")
        return
    hint = "" if debug else f"this is a mistake of ours; rerun with {DEBUG} for details"
    terminal.say(f"internal error: {type(error).__name__}: {error}", hint)


def _details(debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()


def _usage(error: Exception, given: Sequence[str]) -> None:
    """Tell what was wrong with the usage; a command that was given nothing at all shows its help."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else NAME
    if context is not None and list(given) == path.split()[1:]:
        typer.echo(context.get_help(), err=True)
        return
    told = getattr(error, "format_message", error.__str__)()
    terminal.say(told, f"{path} --help lists what it takes")


if __name__ == "__main__":
    sys.exit(main())
