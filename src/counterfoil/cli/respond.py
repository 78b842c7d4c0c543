"""`respond`: what to do about a key that must change, or is out."""

from __future__ import annotations

import typer

from counterfoil.cli import respond_case


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="A key must change, or is out: what to do.", rich_markup_mode=None)
    for command in respond_case.COMMANDS:
        group.command()(command)
    app.add_typer(group, name="respond")
