"""`posture`: issuers, key stores, services and tenants against a baseline."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.errors import UsageError
from counterfoil.model.key_life import CLASSES, DEFAULT_CLASS

if TYPE_CHECKING:
    from counterfoil.model.readiness import Readiness

_Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH", show_default=False,
        help="An issuer's address; files or folders of key sets, metadata, scans, exports, matrices; git:FILE.",
    ),
]
_Case = Annotated[
    Path | None,
    typer.Option("--case", metavar="DIR", help="A case: what its records prove outranks settings.", show_default=False),
]
_KeyClass = Annotated[
    str, typer.Option("--key-class", metavar="|".join(CLASSES), help="Who relies on the keys, for their age.")
]
_Baseline = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="Figures of your own (TOML).", show_default=False)
]
_Exceptions = Annotated[
    Path | None,
    typer.Option("--exceptions", metavar="FILE", help="Exceptions with owner, reason and end date (TOML).",
                 show_default=False),
]
_Before = Annotated[
    Path | None,
    typer.Option("--before", metavar="FILE", help="JSON report of an earlier run: tell what changed.",
                 show_default=False),
]
_Format = Annotated[
    str, typer.Option("--format", "-f", metavar="text|html|json|markdown|ocsf|sarif", help="Form of the output.")
]


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(posture)


def posture(
    paths: _Paths = None,
    case: _Case = None,
    listed: Annotated[bool, typer.Option("--list", help="List the checks, and what each reads.")] = False,
    key_class: _KeyClass = DEFAULT_CLASS,
    baseline: _Baseline = None,
    exceptions: _Exceptions = None,
    before: _Before = None,
    format: _Format = "text",
    output: params.Output = None,
) -> None:
    """Check how hardened issuers, key stores, services and tenants are; end with the five steps that gain most.

    Ends with 0 if all pass, 1 if a check fails, 3 if none fails but some pass in part or cannot tell.
    """
    from counterfoil.posture.forms import registry as forms

    form = options.one_of(format, forms.names(), "--format: unknown", "formats")
    if listed:
        _list(form, output)
        return
    if not paths and case is None:
        raise UsageError("nothing to check", hint="name an issuer's address, a key set, a scan, or --case DIR")
    from counterfoil.posture import baseline as figures
    from counterfoil.posture import compare, inputs, judge, records
    from counterfoil.posture import exceptions as exempted

    now = datetime.now(UTC)
    held_to = figures.load(baseline, key_class)
    exempt = exempted.read(exceptions) if exceptions else ()
    subjects = inputs.read(paths or [], now, None if case is None else records.read(case))
    report = judge.judge(subjects, held_to, exempt, now, None if case is None else _ready(case))
    if before is not None:
        report = replace(report, changes=compare.changes(report, before))
    terminal.write(forms.render(report, form, terminal.screen(output)), output)
    if judge.failed(report):
        terminal.leave(ExitCode.FOUND)
    terminal.leave(ExitCode.CLEAN if judge.clean(report) else ExitCode.WITHHELD)


def _ready(case: Path) -> Readiness:
    from counterfoil import app

    return app.readiness(case)


def _list(form: str, output: Path | None) -> None:
    from counterfoil.posture import checks_page

    write = checks_page.LISTS.get(form)
    if write is None:
        raise UsageError(f"--list: no {form}", hint=f"formats: {', '.join(checks_page.LISTS)}")
    terminal.write(write(), output)
