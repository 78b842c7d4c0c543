"""`intrusions`: findings put together by intruder, with habits, what was reached, and a timeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.indicators import tell_left
from counterfoil.report import registry
from counterfoil.report.exports import registry as exports

# What a line of the list has room for; every other format has all columns.
SHORT = ("id", "sort", "claim", "first_seen", "last_seen", "subject_count", "mailbox_count", "tokens", "beside")
FORMATS = tuple(dict.fromkeys((*exports.formats(), *registry.formats())))


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(intrusions)


def intrusions(
    of: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Only this intrusion, whatever it is taken for. Repeatable."),
    ] = None,
    table: Annotated[
        bool, typer.Option("--list", help="One line each, with what is suspected and what joins nothing.")
    ] = False,
    indicators: Annotated[
        Path | None,
        typer.Option(
            "--indicators", metavar="FILE", exists=True, dir_okay=False, readable=True,
            help="What others saw of an intruder (STIX 2.1, MISP JSON, or lines value,first,last,name): what shows one"
            " of them within its time is put together with the findings.",
        ),
    ] = None,
    token_policy: params.TokenPolicy = None,
    jwks: Annotated[
        list[str] | None,
        typer.Option("--jwks", metavar="NAME=FILE", help="A key set (JWKS): does it hold a key of his? Repeatable."),
    ] = None,
    redact: params.Redact = False,
    case: params.Case = params.DEFAULT_CASE,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.", show_default=False)
    ] = "text",
    output: params.Output = None,
) -> None:
    """Tell who it was: findings put together by what they share and the estate does not."""
    known = registry.formats() if table else exports.formats()
    form = options.one_of(format, known, "--format: unknown", "formats with --list" if table else "formats")
    from counterfoil import app

    given = None
    if indicators is not None:
        given, left = app.indicators([indicators])
        tell_left(left)
    if table:
        result = app.intrusions(case, given, redact=redact)
        columns = SHORT if form == "text" else result.columns
        places = [result.columns.index(name) for name in columns]
        rows = [[row[place] for place in places] for row in result.rows]
        terminal.write(registry.table(form, columns, rows, terminal.screen(output)), output)
        return
    asked = app.AskedStories(tuple(of or ()), given, token_policy, tuple(map(_named, jwks or ())), redact)
    terminal.write(app.tell(case, asked, form), output)


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise typer.BadParameter(f"expected NAME=FILE, got {text[:80]!r}", param_hint="--jwks")
    return name, Path(path)
