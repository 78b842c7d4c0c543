"""`case seal`, `case verify`: what a case holds, signed; and whether it still holds that."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import keys, options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.report.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterfoil.investigate.seal import Checked, Sealed

FORMATS = ("text", "json")
PURPOSE = "seal of a case"
_MAX_PATH = 300
# What all of it may have become, the gravest first, and how the command then ends.
_CODES = {"changed": ExitCode.FOUND, "not there": ExitCode.WITHHELD}


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Seal a case, and check the seal.", no_args_is_help=True, rich_markup_mode=None)
    group.command()(seal)
    group.command()(verify)
    app.add_typer(group, name="case")


def seal(
    store: Annotated[Path, typer.Option("--store", metavar="STORE", help="Custody of the key that signs the seal.")],
    sign_key: Annotated[str, typer.Option("--sign-key", metavar="NAME", help="Name of that key.")] = "seals",
    again: Annotated[bool, typer.Option("--again", help="Put a new seal in place of the one that is there.")] = False,
    case: params.Case = params.DEFAULT_CASE,
) -> None:
    """Sign what a judged case holds: hashes of inputs and evidence, the options, a digest of each table of results.

    The seal is CASE/seal.jwt. Whoever has the public key can check it: counterfoil keys list STORE --jwks.
    """
    from counterfoil import app
    from counterfoil.investigate.seal import TYP
    from counterfoil.respond.signing import signed

    with ExitStack() as stack:
        custody = keys.opened(store, stack)
        path = app.seal(
            case, lambda claims: signed(custody, sign_key, TYP, claims, PURPOSE), datetime.now(UTC), replace_old=again
        )
    terminal.say(f"sealed: {path}")


def verify(
    key_file: Annotated[
        Path, typer.Option("--keys", metavar="FILE", help="Public keys of whoever seals: a JWK set, or PEM.")
    ],
    case: params.Case = params.DEFAULT_CASE,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.")
    ] = "text",
    output: params.Output = None,
    quiet: params.Quiet = False,
) -> None:
    """Check the seal of a case, and all that it names: 0 as sealed, 1 something changed, 3 an input is not there.

    Inputs are looked for under the names that the hunt was given, from the folder where you are.
    """
    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    from counterfoil import app

    with terminal.progress(quiet=quiet) as progress:
        sealed, kid, checked = app.unsealed(case, key_file, progress)
    terminal.write(_json(sealed, kid, checked) if form == "json" else _text(sealed, kid, checked), output)
    states = {str(each.state) for each in checked}
    for state, code in _CODES.items():
        if state in states:
            terminal.leave(code)


def _json(sealed: Sealed, kid: str, checked: Sequence[Checked]) -> str:
    import msgspec

    told = {"schema": "counterfoil.unsealed/1", "seal": sealed, "key_id": kid, "checked": checked}
    return msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n"


def _text(sealed: Sealed, kid: str, checked: Sequence[Checked]) -> str:
    lines = [f"sealed {sealed.sealed_at} with the key {clean(kid)}, by counterfoil {clean(sealed.version)}"]
    for each in checked:
        words = f"  ({clean(each.words)})" if each.words else ""
        lines.append(f"  {each.state!s:10} {clean(each.what, _MAX_PATH)}{words}")
    return "\n".join(lines) + "\n"
