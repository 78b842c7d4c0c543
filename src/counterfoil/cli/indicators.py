"""`indicators`: which indicators of others the evidence of a case holds, within their time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.report import registry

if TYPE_CHECKING:
    from counterfoil.investigate.sightings import Sighting
    from counterfoil.model.indicators import NotLookedFor

COLUMNS = ("kind", "value", "name", "records", "subjects", "first_seen", "last_seen", "evidence", "origin")
# What a line of text has room for; every other format has all columns.
_SHORT = ("kind", "value", "records", "subjects", "seen", "name")
_MAX_TOLD = 5


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(indicators)


def indicators(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", show_default=False,
            help="STIX 2.1 or MISP JSON, or lines value,first,last,name. Without any: those published of 2023.",
        ),
    ] = None,
    valid_days: Annotated[
        int | None,
        typer.Option(
            "--valid-days", metavar="N", min=1,
            help="So long indicators count that have a beginning and no end. Addresses change hands within weeks.",
        ),
    ] = None,
    case: params.Case = params.DEFAULT_CASE,
    format: params.OutputFormat = "text",
    output: params.Output = None,
) -> None:
    """Look for addresses, networks, user agents, keys and ids that others saw, in the evidence of a case.

    Each counts within its time only, a key by the token's issued-at. Ends with 1 if any was seen; stderr tells which
    indicators are not looked for, and why.
    """
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    from counterfoil import app
    from counterfoil.model.indicators import TRAP_2023, IndicatorKind

    valid = None if valid_days is None else timedelta(days=valid_days)
    found, left = app.sightings(case, files or (), valid)
    columns = _SHORT if form == "text" else COLUMNS
    table = [tuple(_days(one) if name == "seen" else getattr(one, name) for name in columns) for one in found]
    terminal.write(registry.table(form, columns, table, terminal.screen(output)), output)
    tell_left(left)
    if not files and any(one.kind is IndicatorKind.KEY for one in found):
        terminal.say(TRAP_2023)
    if found:
        terminal.leave(ExitCode.FOUND)


def _days(one: Sighting) -> str:
    first, last = one.first_seen.date(), one.last_seen.date()
    return f"{first}" if first == last else f"{first} to {last}"


def tell_left(left: Sequence[NotLookedFor]) -> None:
    """Say on stderr which indicators of a file are not looked for, and why."""
    for one in left[:_MAX_TOLD]:
        terminal.say(f"not looked for: {one.what}: {one.why}")
    if len(left) > _MAX_TOLD:
        terminal.say(f"not looked for: {len(left) - _MAX_TOLD:,} more")
