"""`matrix`: which service lets in what, of all that test keys can sign."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.exits import ExitCode

FORMATS = ("text", "html", "json")


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(matrix)


def matrix(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Parties, test keys, issuers, the policy (TOML).", show_default=False)
    ],
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", metavar="LEDGER", help="Record every token as a canary before it leaves.",
                     show_default=False),
    ] = None,
    before: Annotated[
        Path | None,
        typer.Option("--before", metavar="FILE", help="JSON report of an earlier run: tell what changed.",
                     show_default=False),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.")
    ] = "text",
    output: params.Output = None,
    quiet: params.Quiet = False,
) -> None:
    """Show tokens of test keys to the parties that FILE lists, and no others: every key, issuer, class and tenant.

    What they let in is held against the token policy. `counterfoil posture` reads the JSON. Ends with 0 if all is as
    declared, 1 if a party lets in what it should refuse, or refuses what it should let in, 3 if some cannot be told.
    """
    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    from counterfoil.config import blocking_policy, read_token_policy
    from counterfoil.mint.ledger import FileLedger
    from counterfoil.posture.matrix import forms, kept, plan, run
    from counterfoil.posture.matrix.report import Held

    asked = plan.read(file)
    policy = read_token_policy(asked.policy)
    if asked.block_list is not None:
        policy = blocking_policy(policy, asked.block_list, time.time())
    with ExitStack() as stack:
        recorded = None if ledger is None else stack.enter_context(FileLedger.open(ledger))
        progress = stack.enter_context(terminal.progress(quiet=quiet))
        report = run.run(asked, policy, ledger=recorded, note=progress.note)
    if before is not None:
        report = replace(report, drift=kept.drift(report, before))
    terminal.write(forms.render(report, form, terminal.screen(output)), output)
    if report.counts[Held.HOLE] or report.counts[Held.BREAK]:
        terminal.leave(ExitCode.FOUND)
    terminal.leave(ExitCode.WITHHELD if report.counts[Held.UNKNOWN] else ExitCode.CLEAN)
