"""`respond`: what to do about a key that must change, or is out."""

from __future__ import annotations

import typer


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Rotate keys without an outage; block a key that is out.", rich_markup_mode=None)
    app.add_typer(group, name="respond")
