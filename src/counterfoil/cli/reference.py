"""Writes the reference of the command line from the program itself: `python -m counterfoil.cli.reference`.

Not a command of users: a test holds docs/reference/cli.md to what this returns.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import typer
import typer.main

from counterfoil.cli import exits
from counterfoil.cli.main import NAME, program

_HEAD = """\
# The command line

Written by `python -m counterfoil.cli.reference`; a test compares the two.

Data goes to stdout, talk and progress to stderr. Colour and progress bars appear on a terminal only (`NO_COLOR` turns
colour off). Times are UTC; a date means its first instant. `--debug` may stand anywhere.
"""


def reference() -> str:
    """Return the whole page."""
    root: Any = typer.main.get_command(program())
    parts = [_HEAD, _section(root, NAME, 2), _exit_codes()]
    parts += [_section(command, path, 2) for path, command in _commands(root, NAME)]
    return "\n".join(parts)


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield every command and group below, with what is typed to reach it."""
    commands: Mapping[str, Any] = getattr(group, "commands", {})
    for name, command in commands.items():
        yield f"{path} {name}", command
        yield from _commands(command, f"{path} {name}")


def _section(command: Any, path: str, level: int) -> str:
    told = inspect.cleandoc(command.help or "")
    arguments = [_metavar(param) for param in command.params if param.param_type_name == "argument"]
    usage = " ".join([path, *arguments, "[OPTIONS]", *(["COMMAND"] if hasattr(command, "commands") else [])])
    rows = [_row(param) for param in command.params]
    table = ["", "| | |", "| --- | --- |", *rows] if rows else []
    return "\n".join(["#" * level + f" `{path}`", "", told, "", "```", usage, "```", *table, ""])


def _row(param: Any) -> str:
    names = ", ".join([*param.opts, *param.secondary_opts])
    shown = _metavar(param) if param.param_type_name == "argument" else f"{names} {_metavar(param)}".strip()
    default = param.default
    told = f" Default: `{default}`." if default not in (None, False, ...) and not callable(default) else ""
    cells = (cell.replace("|", "\\|") for cell in (f"`{shown}`", f"{param.help}{told}"))
    return f"| {' | '.join(cells)} |"


def _metavar(param: Any) -> str:
    if getattr(param, "is_flag", False):
        return ""
    return f"{param.metavar or ''}{'...' if param.nargs == -1 else ''}"


def _exit_codes() -> str:
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in exits.MEANING.items()]
    return "\n".join(["## Exit codes", "", "| code | meaning |", "| --- | --- |", *rows, ""])


if __name__ == "__main__":
    typer.echo(reference(), nl=False)
