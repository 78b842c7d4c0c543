"""`pivot`: from one address, token, session or user to all that touches it, and where to look next."""

from __future__ import annotations

from typing import Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.model.pivot import Trait
from counterfoil.report import registry

_MAX_LINES = 10_000


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(pivot)



def pivot(
    token: Annotated[list[str] | None, typer.Option("--token", metavar="ID", help="Token id, in any form.")] = None,
    ip: Annotated[list[str] | None, typer.Option("--ip", metavar="ADDRESS", help="Client address.")] = None,
    session: Annotated[list[str] | None, typer.Option("--session", metavar="ID", help="Session id.")] = None,
    user: Annotated[list[str] | None, typer.Option("--user", metavar="NAME|ID", help="Name or object id.")] = None,
    client: Annotated[list[str] | None, typer.Option("--client", metavar="ID", help="Application id.")] = None,
    key: Annotated[list[str] | None, typer.Option("--key", metavar="KID", help="Id of the signing key.")] = None,
    agent: Annotated[list[str] | None, typer.Option("--agent", metavar="TEXT", help="User agent, as logged.")] = None,
    device: Annotated[list[str] | None, typer.Option("--device", metavar="ID", help="Device id.")] = None,
    object_: Annotated[
        list[str] | None, typer.Option("--object", metavar="ID", help="What was reached: mailbox, file, API path.")
    ] = None,
    digest: Annotated[
        list[str] | None, typer.Option("--digest", metavar="SHA256", help="Digest of the token's signing input.")
    ] = None,
    lines: Annotated[
        int, typer.Option("--lines", metavar="N", min=0, max=_MAX_LINES, help="Records to show, the surest first.")
    ] = 100,
    case: params.Case = params.DEFAULT_CASE,
    format: params.OutputFormat = "text",
    output: params.Output = None,
) -> None:
    """Show all records that touch one thing, how each is joined to it, and the rarest things they lead to.

    An option may be repeated: any of its values. Several options: all of them.
    """
    form = options.one_of(format, registry.formats(), "--format: unknown", "formats")
    asked = {
        Trait.TOKEN: token, Trait.IP: ip, Trait.SESSION: session, Trait.USER: user, Trait.CLIENT: client,
        Trait.KEY: key, Trait.AGENT: agent, Trait.DEVICE: device, Trait.OBJECT: object_, Trait.DIGEST: digest,
    }
    from counterfoil import app
    from counterfoil.cli import pivot_text

    found = app.pivot(case, {trait: values for trait, values in asked.items() if values}, lines)
    terminal.write(pivot_text.render(found, form, terminal.screen(output)), output)
    if not found.total:
        terminal.say("no record of the case carries that", "values must be whole: those that reports cut end with …")
