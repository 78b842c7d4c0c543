"""`messages`: which mail the tokens of findings read, per mailbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.report import registry

# What a line of text has room for; every other format has all columns.
SHORT = ("mailbox", "seen", "at_least", "at_most", "binds", "syncs", "attachments", "throttled", "unbounded")


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(messages)


def messages(
    case: params.Case = params.DEFAULT_CASE,
    mailbox: Annotated[
        str | None,
        typer.Option("--mailbox", metavar="NAME", help="Every message of this mailbox (owner's name or GUID)."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder", metavar="DIR", help="Write mailboxes.csv and one CSV of messages per mailbox into this folder."
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="VERDICTS",
            help="Of findings of these verdicts, or graver ones. Default: all but suspicion.",
        ),
    ] = None,
    format: params.OutputFormat = "text",
    output: params.Output = None,
) -> None:
    """Tell which mail the tokens of findings read: per mailbox seen, at least and at most."""
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    claims = options.claims(of)
    if folder is not None and (mailbox is not None or output is not None):
        raise typer.BadParameter("--folder writes every mailbox: leave out --mailbox and --output")
    from counterfoil import app

    if folder is not None:
        written = app.write_messages(case, claims, folder)
        terminal.say(f"wrote {written:,} file{'' if written == 1 else 's'} into {folder}")
        return
    result = app.messages(case, claims, mailbox) if mailbox is not None else app.mailboxes(case, claims)
    columns = SHORT if form == "text" and mailbox is None else result.columns
    places = [result.columns.index(name) for name in columns]
    rows = [[row[place] for place in places] for row in result.rows]
    terminal.write(registry.table(form, columns, rows, terminal.screen(output)), output)
