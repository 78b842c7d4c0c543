"""`sigma`: rules of Sigma over the raw records of a case."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.report import registry

COLUMNS = ("rule", "title", "level", "log", "status", "records", "first", "why")
# What a line of text has room for, of rules that hold; every other format has all columns of every rule.
_SHORT = ("title", "level", "records", "first")


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(sigma)


def sigma(
    rules: Annotated[
        list[Path], typer.Argument(metavar="RULES...", help="Rules of Sigma (.yml), or folders of them.")
    ],
    case: params.Case = params.DEFAULT_CASE,
    memory: params.Memory = None,
    format: params.OutputFormat = "text",
    output: params.Output = None,
    quiet: params.Quiet = False,
) -> None:
    """Run rules of Sigma over the inputs of a case, and show those that hold. Needs the extra `sigma`.

    Rules of single records of Microsoft 365, Entra, Azure activity and CloudTrail are run, every other is refused; the
    formats other than text have a row for each, with the reason. The files must stand where they were read. They are
    suspicions of others, and change no verdict. Ends with 1 if a rule holds for anything, with 2 if none could be run.
    """
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    from counterfoil import app
    from counterfoil.investigate.sigma.run import NOT_HERE, RAN, REFUSED

    with terminal.progress(quiet=quiet) as progress:
        found, gone = app.sigma(case, rules, progress, memory=options.memory(memory))
    columns = _SHORT if form == "text" else COLUMNS
    shown = [one for one in found if one.records or form != "text"]
    rows = [[astuple(one)[COLUMNS.index(name)] for name in columns] for one in shown]
    terminal.write(registry.table(form, columns, rows, terminal.screen(output)), output)
    for path in gone:
        terminal.say(f"no longer there as it was read: {path}")
    ran = [one for one in found if one.status == RAN]
    away, refused = (sum(one.status == status for one in found) for status in (NOT_HERE, REFUSED))
    terminal.say(f"rules that ran: {len(ran):,}; for logs that the case has not: {away:,}; refused: {refused:,}",
                 "--format csv says of each why" if away or refused else "")
    if not ran:
        terminal.leave(ExitCode.UNUSABLE)
    if any(one.records for one in ran):
        terminal.leave(ExitCode.FOUND)
    if gone:
        terminal.leave(ExitCode.WITHHELD)
