"""`sql`: the case's tables to any question."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.report import registry


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(sql)


def sql(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="Folder of the case.", show_default=False)],
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="One SELECT statement (DuckDB's SQL; with --engine, Spark's).")
    ],
    engine: params.AskedEngine = None,
    format: params.OutputFormat = "text",
    output: params.Output = None,
) -> None:
    """Ask the tables of a case: evidence, tokens, findings, coverage, keys, rejects, inputs."""
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    from counterfoil import app

    result = app.sql(case, query, engine)
    terminal.write(registry.table(form, result.columns, result.rows, terminal.screen(output)), output)
