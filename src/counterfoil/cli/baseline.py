"""`baseline`: who reaches mailboxes through what, the rarest first: for logs without ids above all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.report import registry

# What a line of text has room for; every other format has all columns.
SHORT = ("application", "client_id", "acting", "operation", "bits", "told", "mailboxes", "strange", "fresh",
         "first_seen", "names")
_WIDE = 60


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(baseline)


def baseline(
    case: params.Case = params.DEFAULT_CASE,
    days: Annotated[
        int, typer.Option("--days", metavar="N", help="So long must a mailbox be in evidence before anything is new.")
    ] = 7,
    groups: Annotated[
        Path | None,
        typer.Option(
            "--groups", metavar="FILE", exists=True, dir_okay=False, readable=True,
            help="Lines of owner,group: each mailbox is held against its group. Without: its owner's domain.",
        ),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Tell what was used since then.")] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Tell what was used before then.")
    ] = None,
    format: params.OutputFormat = "text",
    output: params.Output = None,
) -> None:
    """Rank who reaches mailboxes through which application, by how rare that is here: no ids, no lists needed.

    Each application, operation and way (as owner, as delegate, as itself) is a row, the rarest first. `told`: so rare
    that it is a suspicion; then the program ends with 1. All that is in evidence tells what is usual; --since and
    --until choose what is told, and change no number. Ends with 3 if nothing is told but the logs are too short.
    """
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    begin, end = options.window(since, until)
    from counterfoil import app

    found = app.baseline(case, days=days, groups=groups, since=begin, until=end)
    columns = SHORT if form == "text" else found.columns
    places = [found.columns.index(name) for name in columns]
    rows = [[_short(row[place]) if form == "text" else row[place] for place in places] for row in found.rows]
    terminal.write(registry.table(form, columns, rows, terminal.screen(output)), output)
    if found.told:
        terminal.leave(ExitCode.FOUND)
    if found.short:
        terminal.say(f"this is no all-clear: {'; '.join(found.short)}", "docs/baseline.md tells what it needs")
        terminal.leave(ExitCode.WITHHELD)


def _short(value: object) -> object:
    return value[: _WIDE - 1] + "…" if isinstance(value, str) and len(value) > _WIDE else value
