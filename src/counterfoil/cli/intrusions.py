"""`intrusions`: findings put together by intruder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.report import registry

# What a line of text has room for; every other format has all columns.
SHORT = ("id", "sort", "claim", "first_seen", "last_seen", "subject_count", "mailbox_count", "tokens", "beside")


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(intrusions)


def intrusions(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="Folder of the case.", show_default=False)],
    indicators: Annotated[
        Path | None,
        typer.Option(
            "--indicators", metavar="FILE", exists=True, dir_okay=False, readable=True,
            help="Addresses, networks, agents, ids of applications, sessions, keys or tokens that are an intruder's,"
            " one a line: what shows one of them is put together with the findings.",
        ),
    ] = None,
    format: params.OutputFormat = "text",
    output: params.Output = None,
) -> None:
    """Tell who it was: findings put together by what they share and the estate does not."""
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    from counterfoil import app

    result = app.intrusions(case, indicators)
    columns = SHORT if form == "text" else result.columns
    places = [result.columns.index(name) for name in columns]
    rows = [[row[place] for place in places] for row in result.rows]
    terminal.write(registry.table(form, columns, rows, terminal.screen(output)), output)
