"""The program's manners: help everywhere, one line per error, nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

from counterfoil import __version__
from counterfoil.cli import main as program_module
from counterfoil.cli import reference
from counterfoil.cli.main import COMMANDS, program
from counterfoil.errors import UsageError
from counterfoil.model import advice
from counterfoil.model.reason import Probable, Reason
from counterfoil.model.verdict import FindingVerdict, Verdict

from .run import run

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where a case may be made."""
    monkeypatch.chdir(tmp_path)


def commands(group: Any = None, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Return every command and group with the words that reach it."""
    group = group or typer.main.get_command(program())
    below = getattr(group, "commands", {}).items()
    return [(path, group), *(found for name, command in below for found in commands(command, (*path, name)))]


def test_the_reference_is_the_program() -> None:
    """docs/reference/cli.md lists every command, option and exit code, in the program's own words."""
    assert (DOCS / "reference" / "cli.md").read_text(encoding="utf-8") == reference.reference()


def test_a_command_is_found_without_the_others() -> None:
    """What is named is made alone, from the module that `main` says it is in, and is what the whole program has."""
    whole = typer.main.get_command(program()).commands  # type: ignore[attr-defined]
    assert [name for told in COMMANDS.values() for name in told] == sorted(
        whole, key=[name for told in COMMANDS.values() for name in told].index
    )
    for names in COMMANDS.values():
        for name in names:
            alone = typer.main.get_command(program(name)).commands  # type: ignore[attr-defined]
            assert sorted(alone) == sorted(names)
            assert [option.opts for option in alone[name].params] == [option.opts for option in whole[name].params]


def test_documented_commands_exist() -> None:
    """The commands that the project promises are there."""
    names = {" ".join(path) for path, _ in commands()}
    assert {"hunt", "ingest", "reconcile", "report", "sql", "sources", "sources explain", "explain", "demo",
            "lab compare"} <= names


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """--help and -h work everywhere, go to stdout and end with 0."""
    told = run(capsys, *path, "--help")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("Usage: counterfoil")
    assert run(capsys, *path, "-h") == told


def test_every_option_is_explained() -> None:
    """No command and no parameter is without words."""
    for path, command in commands():
        assert command.help, path
        assert all(parameter.help and parameter.help.endswith(".") for parameter in command.params), path


@pytest.mark.parametrize("path", ["", "hunt", "ingest", "sql", "sources explain", "lab", "lab compare"])
def test_a_command_without_its_arguments_shows_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help instead of an error, on stderr, since it is not what was asked for."""
    told = run(capsys, *path.split())
    assert told.code == 2
    assert told.err.startswith("Usage: counterfoil")
    assert told.out == ""


def test_the_version_comes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """--version tells it on stdout, without loading the engine."""
    assert run(capsys, "--version").out == f"counterfoil {__version__}\n"
    heavy = ["ibis", "duckdb", "pyarrow", "msgspec", "counterfoil.app", "counterfoil.sources.registry"]
    code = (
        "import sys\nfrom counterfoil.cli.main import main\nassert main(['--version']) == 0\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.splitlines()[-1] == "[]"


MISTAKES = {
    "hutn": "No such command",
    "hunt --nope x": "--nope",
    "hunt x --format pdf": "--format: unknown 'pdf'",
    "hunt x --threads 0": "--threads",
    "hunt x --threads two": "--threads",
    "hunt x --since tomorrow": "--since: 'tomorrow' is not a date or time",
    "hunt x --exported-at soon": "--exported-at: 'soon'",
    "hunt x --complete entra-signin/interactve": "unknown kind of entra-signin: 'interactve'",
    "hunt x --federated contoso": "expected DOMAIN=ISSUER",
    "hunt x --memory much": "--memory: 'much' is not a size",
    "hunt x --fail-on everything": "--fail-on: unknown verdict 'everything'",
    "hunt x --identities no-such-file.csv": "no-such-file.csv",
    "reconcile x": "unexpected extra argument",
    "report --format": "--format",
    "sql case": "QUERY",
    "explain no-such-code": "unknown code 'no-such-code'",
    "sources explain no-such-source": "unknown source 'no-such-source'",
    "sources --format x": "--format: unknown 'x'",
    "lab compare case no-such-truth": "no-such-truth",
}


@pytest.mark.parametrize(("typed", "line"), MISTAKES.items())
def test_a_mistake_gets_one_line_a_hint_and_code_2(typed: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad usage is told on stderr in one line that quotes it, with what to do next; stdout stays clean."""
    told = run(capsys, *typed.split())
    assert told.code == 2
    assert told.out == ""
    first, hint = told.err.splitlines()
    assert first.startswith("counterfoil: ")
    assert line in first
    assert hint.startswith("  hint: ")


def test_hostile_arguments_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in what was typed, as in names of files, are made harmless in messages."""
    told = run(capsys, "hunt", "/nowhere/\x1b[2J\x9bfile\nFOUND nothing", "--format", "te\x1bxt")
    assert told.err.replace("\n", "").isprintable()
    told = run(capsys, "hunt", "/nowhere/\x1b[2J\x9bfile\nFOUND nothing")
    assert told.err.replace("\n", "").isprintable()
    assert len(told.err.splitlines()) == 2


TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2VjcmV0"  # noqa: S105  # invented


@pytest.mark.parametrize(
    "typed",
    ["", "hunt", "leaks", "explain", "sources explain", "sql case", "report --case", "token verify", "keys list"],
)
@pytest.mark.parametrize("pasted", [TOKEN, f"--output={TOKEN}", TOKEN * 20], ids=["alone", "in an option", "long"])
def test_a_pasted_token_is_never_repeated(typed: str, pasted: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A token among the arguments of any command is refused before any message can quote it, and logs keep it."""
    told = run(capsys, *typed.split(), pasted)
    assert (told.code, told.out) == (2, "")
    assert "a token was given as an argument" in told.err
    assert "eyJ" not in told.err


def broken(error: BaseException) -> Any:
    """Return a program that fails so."""
    app = typer.Typer()

    @app.callback()
    def group() -> None:
        """Group."""

    @app.command()
    def fail() -> None:
        """Fail."""
        raise error

    return lambda _: app


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("no such thing", hint="try another"), 2, "counterfoil: no such thing\n  hint: try another\n"),
        (PermissionError(13, "Permission denied", "a/b"), 2, "counterfoil: a/b: Permission denied\n  hint: check"),
        (KeyError("x"), 2, "counterfoil: internal error: KeyError: 'x'\n"),
        (RecursionError("deep\nvery"), 2, "counterfoil: internal error: RecursionError: deep very\n"),
        (KeyboardInterrupt(), 130, "counterfoil: interrupted\n"),
        (typer.Exit(3), 3, ""),
    ],
)
def test_every_end_is_told(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our errors, foreign ones, Ctrl-C and plain ends each have their line and code; no traceback unasked."""
    monkeypatch.setattr(program_module, "program", broken(error))
    told = run(capsys, "fail")
    assert told.code == code
    assert told.err.startswith(line)
    assert "Traceback" not in told.err
    assert ("--debug" in told.err) == ("internal" in line)


def test_debug_shows_where(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """--debug, wherever it stands, adds the traceback."""
    monkeypatch.setattr(program_module, "program", broken(KeyError("x")))
    for arguments in (("--debug", "fail"), ("fail", "--debug")):
        told = run(capsys, *arguments)
        assert told.code == 2
        assert "Traceback" in told.err


@pytest.mark.parametrize("code", [*Verdict, *FindingVerdict, *Reason, *Probable, *advice.RULES], ids=str)
def test_every_code_of_a_report_is_explained(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each verdict, reason and rule says what it means and what to do, in lines of at most 100 columns."""
    told = run(capsys, "explain", code)
    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0].startswith(f"{code}  (")
    assert any(line.startswith("means ") for line in lines)
    assert any(line.startswith("do ") for line in lines)
    assert all(len(line) <= 100 for line in lines)
