"""`hunt`, and the same in steps: `ingest`, `reconcile`, `report`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import exits, options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.config import HuntSettings
from counterfoil.errors import UsageError
from counterfoil.model.hunt import NO_COVER, HuntReport
from counterfoil.model.verdict import FindingVerdict
from counterfoil.report import registry


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for reading in (hunt, ingest):
        app.command(no_args_is_help=True)(reading)
    for judging in (reconcile, report):
        app.command()(judging)


def hunt(
    paths: params.Paths = None,
    since: params.Since = None,
    until: params.Until = None,
    complete: params.Complete = None,
    exported_at: params.ExportedAt = None,
    federated: params.Federated = None,
    identities: params.Identities = None,
    networks: params.Networks = None,
    log_key: params.LogKeys = None,
    checkpoint: params.Checkpoints = None,
    token_policy: params.TokenPolicy = None,
    memory: params.Memory = None,
    threads: params.Threads = None,
    rehash: params.Rehash = False,
    engine: params.Engine = None,
    table: params.Tables = None,
    case: params.Case = params.DEFAULT_CASE,
    format: params.OutputFormat = "text",
    output: params.Output = None,
    fail_on: params.FailOn = None,
    quiet: params.Quiet = False,
) -> None:
    """Read logs, reconcile what was accepted with what was issued, and report."""
    form, fatal = _form(format), options.fail_on(fail_on)
    settings = _settings(case, since, until, complete, exported_at, federated, identities, memory, threads)
    settings = replace(settings, rehash=rehash, engine=engine, tables=tuple(table or ()), networks=networks)
    settings = _trusting(settings, log_key, checkpoint, token_policy)
    named = _named(paths, settings)
    from counterfoil import app

    with terminal.progress(quiet=quiet) as progress:
        result = app.hunt(named, settings, progress)
    _finish(result, form, output, fatal)


def ingest(
    paths: params.Paths = None,
    memory: params.Memory = None,
    threads: params.Threads = None,
    rehash: params.Rehash = False,
    engine: params.Engine = None,
    table: params.Tables = None,
    case: params.Case = params.DEFAULT_CASE,
    format: params.OutputFormat = "text",
    output: params.Output = None,
    quiet: params.Quiet = False,
) -> None:
    """Read logs into a case, without judging. What the case holds already is not read again."""
    form = _form(format)
    settings = HuntSettings(case, memory=options.memory(memory), threads=threads, rehash=rehash, engine=engine)
    settings = replace(settings, tables=tuple(table or ()))
    named = _named(paths, settings)
    from counterfoil import app

    with terminal.progress(quiet=quiet) as progress:
        result = app.ingest(named, settings, progress)
    _show(result, form, output)
    if not exits.readable(result):
        terminal.leave(ExitCode.UNUSABLE)


def reconcile(
    since: params.Since = None,
    until: params.Until = None,
    complete: params.Complete = None,
    exported_at: params.ExportedAt = None,
    federated: params.Federated = None,
    identities: params.Identities = None,
    networks: params.Networks = None,
    log_key: params.LogKeys = None,
    checkpoint: params.Checkpoints = None,
    token_policy: params.TokenPolicy = None,
    memory: params.Memory = None,
    threads: params.Threads = None,
    engine: params.Engine = None,
    case: params.Case = params.DEFAULT_CASE,
    format: params.OutputFormat = "text",
    output: params.Output = None,
    fail_on: params.FailOn = None,
    quiet: params.Quiet = False,
) -> None:
    """Judge the tokens of a case again, with the options given now, and report."""
    form, fatal = _form(format), options.fail_on(fail_on)
    settings = _settings(case, since, until, complete, exported_at, federated, identities, memory, threads)
    settings = replace(settings, engine=engine, networks=networks)
    settings = _trusting(settings, log_key, checkpoint, token_policy)
    from counterfoil import app

    with terminal.progress(quiet=quiet) as progress:
        result = app.reconcile(settings, progress)
    _finish(result, form, output, fatal)


def report(
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Title of the report.")] = "",
    organisation: Annotated[
        str, typer.Option("--organisation", metavar="TEXT", help="Whose report it is, or for whom.")
    ] = "",
    author: Annotated[str, typer.Option("--author", metavar="TEXT", help="Who answers for it.")] = "",
    date: Annotated[str | None, typer.Option("--date", metavar="DATE", help="Date of the report: 2026-05-12.")] = None,
    tlp: Annotated[
        str | None,
        typer.Option("--tlp", metavar="|".join(options.TLP), help="To whom it may be passed on (TLP 2.0).")
    ] = None,
    redact: params.Redact = False,
    sheets: Annotated[
        Path | None,
        typer.Option("--sheets", metavar="FOLDER", help="Write a page for each mailbox that was read there, too.")
    ] = None,
    case: params.Case = params.DEFAULT_CASE,
    format: params.OutputFormat = "text",
    output: params.Output = None,
    fail_on: params.FailOn = None,
) -> None:
    """Show the report of the last reconciliation of a case."""
    form, fatal = _form(format), options.fail_on(fail_on)
    cover = options.cover(title, organisation, author, date, tlp)
    if cover != NO_COVER and not registry.covered(form):
        raise UsageError(f"--format {form} has no cover", hint="leave out --title, --author, --tlp..., or take html")
    from counterfoil import app

    told = replace(app.report(HuntSettings(case=case)), cover=cover)
    if sheets is not None or registry.detailed(form):
        told = app.detailed(told, case)
    if redact:
        told = app.redacted(case, told)
    if sheets is not None:
        count = app.write_sheets(told, sheets)
        terminal.say(f"{count:,} {'sheet' if count == 1 else 'sheets'} in {sheets}")
    _finish(told, form, output, fatal)


def _named(paths: Sequence[str] | None, settings: HuntSettings) -> Sequence[str]:
    """Return the paths; raises UsageError where there is nothing to read."""
    if not paths and not settings.tables:
        raise UsageError("nothing to read", hint="give files, folders, or globs in quotes; or --engine and --table")
    return paths or ()


def _settings(
    case: Path,
    since: str | None,
    until: str | None,
    complete: Sequence[str] | None,
    exported_at: str | None,
    federated: Sequence[str] | None,
    identities: Path | None,
    memory: str | None,
    threads: int | None,
) -> HuntSettings:
    """Return the settings that the options mean; raises UsageError."""
    begin, end = options.window(since, until)
    return HuntSettings(
        case=case,
        since=begin,
        until=end,
        complete=tuple(options.declaration(text) for text in complete or ()),
        exported_at=None if exported_at is None else options.past(exported_at, "--exported-at"),
        federated=options.federation(federated or ()),
        identities=identities,
        memory=options.memory(memory),
        threads=threads,
    )


def _trusting(
    settings: HuntSettings, keys: Sequence[str] | None, checkpoints: Sequence[Path] | None, policy: Path | None
) -> HuntSettings:
    """Return the settings with what is trusted: keys of logs, given or in files, checkpoints, and a policy of keys."""
    told = tuple(options.log_key(text).render() for text in keys or ())
    return replace(settings, log_keys=told, checkpoints=tuple(checkpoints or ()), token_policy=policy)


def _form(text: str) -> str:
    return options.one_of(text, registry.formats(), "--format: unknown", "formats")


def _show(result: HuntReport, form: str, output: Path | None) -> None:
    from counterfoil import app

    terminal.write(app.render(result, form, terminal.screen(output)), output)


def _finish(result: HuntReport, form: str, output: Path | None, fatal: frozenset[FindingVerdict]) -> None:
    """Show the report and end with the code that it means."""
    from counterfoil import app

    if registry.detailed(form) and result.dossier is None:
        result = app.detailed(result, Path(result.case))
    _show(result, form, output)
    code = exits.after(result, fatal)
    if told := exits.advice(result, code):
        terminal.say(*told)
    terminal.leave(code)
