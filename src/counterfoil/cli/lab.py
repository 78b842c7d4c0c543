"""`lab`: for training and tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import lab_drill, lab_run, options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.report import registry

if TYPE_CHECKING:
    from counterfoil.lab.history.compare import Comparison

# Mistakes that are told one by one.
MAX_TOLD = 10


def add_to(app: typer.Typer) -> None:
    """Add this group."""
    group = typer.Typer(help="For training and tests.", rich_markup_mode=None)
    group.command("list")(lab_run.list_scenarios)
    group.command()(lab_run.run)
    group.command()(lab_drill.drill)
    group.command()(compare)
    app.add_typer(group, name="lab")


def compare(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="Folder of the case.", show_default=False)],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="Truth file of the lab.", exists=True, dir_okay=False)],
    format: params.OutputFormat = "text",
) -> None:
    """Hold the verdicts of a case against the truth of a lab; ends with 1 if one is wrong."""
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    from counterfoil import rehearsal

    result = rehearsal.compare(case, truth)
    terminal.write(registry.table(form, ("what", "rows"), list(_rows(result)), terminal.screen()))
    for mistake in result.examples[:MAX_TOLD]:
        name = mistake.truth.token_id or f"{mistake.truth.source} {mistake.truth.record_id}"
        expected = " or ".join(mistake.truth.expect)
        if mistake.diagnosis:
            terminal.say(f"wrong: {name} has diagnosis {mistake.diagnosis}, expected {mistake.truth.diagnosis}")
        else:
            terminal.say(f"wrong: {name} is {mistake.verdict}, expected {expected} ({mistake.truth.label})")
    terminal.leave(ExitCode.CLEAN if result.ok else ExitCode.FOUND)


def _rows(result: Comparison) -> Iterator[tuple[str, int]]:
    """Yield each count with its words, then how many rows of each label got each verdict."""
    yield "rows of the truth", result.truth_rows
    yield "verdicts", result.verdict_rows
    yield "planted, evidence kept", result.planted
    yield "planted and convicted", result.caught
    yield "planted, evidence lost", result.planted_without_evidence
    yield "genuine but convicted", result.false_accusations
    yield "truth without verdict", result.missing_verdicts
    yield "verdicts without truth", result.unknown_verdicts
    yield "verdicts that the truth does not allow", result.mistakes
    yield "diagnoses that are others", result.misdiagnosed
    for (label, verdict), rows in sorted(result.confusion.items()):
        yield f"{label} judged {verdict}", rows
