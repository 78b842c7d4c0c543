"""Holds what the pages type to the program, without running it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer.main

from counterfoil.cli import options
from counterfoil.cli.main import program
from counterfoil.report.registry import formats

_SEPARATORS = frozenset({"|", "||", "&&", ";", ">", ">>", "<", "&"})

# What the program does with the text of an option, beyond what its parser does.
_VALUES: dict[str, Callable[[Any], object]] = {
    "complete": lambda texts: [options.declaration(text) for text in texts],
    "federated": options.federation,
    "since": lambda text: options.moment(text, "--since"),
    "until": lambda text: options.moment(text, "--until"),
    "exported_at": lambda text: options.moment(text, "--exported-at"),
    "memory": options.memory,
    "fail_on": options.fail_on,
    "format": lambda text: options.one_of(text, (*formats(), "markdown"), "--format: unknown", "formats"),
}


def calls(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of the program in a command line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&<>")
    lexer.whitespace_split = True
    call: list[str] | None = None
    for word in [*lexer, ";"]:
        if word in _SEPARATORS:
            if call is not None:
                yield call
            call = None
        elif call is not None:
            call.append(word)
        elif Path(word).name == "counterfoil":
            call = []


@cache
def _whole() -> Any:
    return typer.main.get_command(program())


def names(arguments: list[str]) -> tuple[Any, list[str]]:
    """Return the command that is meant and the words that are left; an unknown command is an assertion error."""
    command: Any = _whole()
    left = list(arguments)
    while hasattr(command, "commands") and left and not left[0].startswith("-"):
        if left[0] not in command.commands and (default := getattr(command, "default_command", "")):
            left.insert(0, default)
        word = left.pop(0)
        assert word in command.commands, f"no command {word}"
        command = command.commands[word]
    return command, left


def known(arguments: list[str]) -> None:
    """Assert that command and options exist; placeholders may stand for values."""
    command, left = names(arguments)
    have = {name for param in command.params for name in param.opts} | {"--help", "-h", "--debug"}
    unknown = {word for word in left if word.startswith("--")} - have
    assert not unknown, f"unknown options {unknown}"


def parsed(arguments: list[str], cwd: Path) -> None:
    """Assert that the program takes the arguments: options, their values, and the number of arguments."""
    command, left = names(arguments)
    for word in left:  # files that the parser looks for
        if Path(word).suffix in {".csv", ".jsonl", ".mmdb"} and not Path(word).is_absolute():
            (cwd / word).parent.mkdir(parents=True, exist_ok=True)
            (cwd / word).touch()
    context = command.make_context("counterfoil", left)
    for name, value in context.params.items():
        if value is not None and name in _VALUES:
            _VALUES[name](value)
