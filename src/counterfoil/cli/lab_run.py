"""`lab list`, `lab run`: a small estate of real processes under attack, hunted in, and held against its truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError
from counterfoil.report import registry

if TYPE_CHECKING:
    from counterfoil.rehearsal import Rehearsed


def list_scenarios(format: params.OutputFormat = "text") -> None:
    """List what can be run."""
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    try:
        from counterfoil.lab.estate.scenarios import SCENARIOS
    except ImportError as error:
        raise UsageError("the lab needs more packages", hint="pip install 'counterfoil[lab]'") from error
    rows = [(known.name, known.summary) for known in SCENARIOS.values()]
    terminal.write(registry.table(form, ("scenario", "what happens"), rows, terminal.screen()))


def run(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="One that `lab list` lists.", show_default=False)],
    case: params.Case,
    strict: Annotated[
        bool, typer.Option("--strict", help="Services without flaws: the attack is refused at the door.")
    ] = False,
    countersigned: Annotated[
        bool, typer.Option("--countersigned", help="Strict, and every token must be counter-signed.")
    ] = False,
    memory: params.Memory = None,
    threads: params.Threads = None,
    quiet: params.Quiet = False,
) -> None:
    """Run an estate of real processes on loopback, attack it, hunt in its logs, and compare with the truth.

    Ends with 0 if every verdict and diagnosis is what the truth says, else with 1. The estate, its logs and its truth
    are in CASE/lab.
    """
    settings = HuntSettings(case=case, memory=options.memory(memory), threads=threads)
    from counterfoil import app, rehearsal

    with terminal.progress(quiet=quiet) as progress:
        done = rehearsal.lab(scenario, settings, progress, strict=strict, countersigned=countersigned)
    terminal.write(app.render(done.report, "text", terminal.screen()))
    terminal.write("".join(f"{line}\n" for line in _told(done)))
    terminal.leave(ExitCode.CLEAN if done.comparison.ok else ExitCode.FOUND)


def _told(done: Rehearsed) -> list[str]:
    ran, found = done.ran, done.comparison
    codes = f" ({', '.join(ran.codes)})" if ran.codes else ""
    right = "every verdict and diagnosis is right" if found.ok else "NOT as the truth says: counterfoil lab compare"
    return [
        "",
        f"attackers' tokens at the door: {ran.accepted} let in, {ran.refused} refused{codes}",
        f"of those in receipts: {found.planted} to convict, {found.caught} convicted, "
        f"{found.false_accusations} innocents accused",
        f"the truth: {right}",
    ]
