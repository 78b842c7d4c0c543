"""`lab list`, `lab run`: a small estate of real processes under attack, hunted in, and held against its truth."""

from __future__ import annotations

from pathlib import Path
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


def drill(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)],
    cached: Annotated[
        float, typer.Option("--cached", metavar="SECONDS", help="For how long the party that caches does.", min=1.0)
    ] = 60.0,
    quiet: params.Quiet = False,
) -> None:
    """Rehearse the response to a stolen key: plan, block, probe, revoke, rotate, and ask whether the thief is out.

    Five relying parties: ours, one that caches, one that ignores blocks, and Envoy and HAProxy where they are
    installed. Ends with 0 if the thief is out at the end and not before, and no good token was refused.
    """
    from counterfoil import rehearsal
    from counterfoil.respond import statement

    with terminal.progress(quiet=quiet) as progress:
        done = rehearsal.drill(folder, progress, cached=cached)
    for each in done.measured:
        took = "not yet" if each.seconds is None else f"{each.seconds:.0f} s"
        terminal.write(f"{each.party:<10}time to block {took}; longest stale {each.stale:.0f} s\n")
    for name in done.missing:
        terminal.write(f"{name:<10}is not installed here\n")
    still = ", ".join(done.still)
    terminal.write(f"before the last was mended ({still} still accepts):\n{statement.text(done.before)}")
    terminal.write(f"at the end:\n{statement.text(done.after)}")
    terminal.write(
        f"{done.revoked} tokens revoked; {done.genuine_refused} good tokens refused; {done.seconds:.0f} seconds\n"
    )
    right = (done.before["verdict"], done.after["verdict"], done.genuine_refused) == ("not out", "out", 0)
    terminal.leave(ExitCode.CLEAN if right else ExitCode.FOUND)


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
