"""`ready`: could a forged token be judged with these logs, what to turn on first, when would 2023 have been seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError

if TYPE_CHECKING:
    from counterfoil.model.readiness import Readiness
    from counterfoil.pipeline.progress import Progress

FORMATS = ("text", "json")


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(ready)


def ready(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]", help="Exports: files, folders, archives; or a case. Default: the case."),
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay/--no-replay", help="Replay the intrusion of 2023 in logs like these.")
    ] = True,
    memory: params.Memory = None,
    threads: params.Threads = None,
    case: params.Case = params.DEFAULT_CASE,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.")
    ] = "text",
    output: params.Output = None,
    quiet: params.Quiet = False,
) -> None:
    """Tell whether a forged token could be judged here today, and what to turn on or export first.

    Exports are read into a case that is thrown away. It ends with 0 if every service could be judged, else with 3.
    """
    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    settings = HuntSettings(case=case, memory=options.memory(memory), threads=threads)
    from counterfoil import rehearsal
    from counterfoil.cli import ready_text

    with terminal.progress(quiet=quiet) as progress:
        found = _found(paths or [], settings, progress)
        if replay:
            found = replace(found, replay=rehearsal.replay(found.shape, settings, progress))
    terminal.write(ready_text.render(found, form, terminal.screen(output)), output)
    terminal.leave(ExitCode.CLEAN if found.ready else ExitCode.WITHHELD)


def _found(paths: list[str], settings: HuntSettings, progress: Progress) -> Readiness:
    from counterfoil import app
    from counterfoil.case.folder import is_case

    cases = [path for path in paths if is_case(Path(path))]
    if cases and paths[1:]:
        raise UsageError(f"{cases[0]} is a case", hint="give one case, or exports")
    if cases or not paths:
        return app.readiness(Path(cases[0]) if cases else settings.case)
    with TemporaryDirectory(prefix="counterfoil-ready-") as folder:
        own = replace(settings, case=Path(folder) / "case")
        app.hunt(paths, own, progress)
        return app.readiness(own.case, paths)
