"""`leaks plant`: a decoy key, left in one place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import options, terminal
from counterfoil.errors import UsageError

if TYPE_CHECKING:
    from counterfoil.leaks.decoys import Decoy

_LEDGER = Path("decoys.jsonl")
_New = Annotated[Path | None, typer.Option(metavar="FILE", help="Leave it in this new file, of mode 0600.")]


def plant(
    place: Annotated[
        str, typer.Option(metavar="TEXT", help="Where it will lie, as a finding shall say it. Default: the file.")
    ] = "",
    pem: _New = None,
    der: _New = None,
    jwk: _New = None,
    env: _New = None,
    jwks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add the public key to this JWKS, or write a new one.")
    ] = None,
    ledger: Annotated[
        Path, typer.Option(metavar="FILE", help="Note there which decoy was left where: an input of hunt.")
    ] = _LEDGER,
    algorithm: Annotated[str, typer.Option(metavar="ALG", help="RS256 or ES256: as your real keys.")] = "RS256",
    kid: Annotated[str, typer.Option(metavar="KID", help="Its key id. Default: its thumbprint.")] = "",
    format: Annotated[str, typer.Option(help="text or json.")] = "text",
) -> None:
    """Make a decoy key, leave it in one place, and print its public half and the policy that refuses it."""
    from counterfoil.leaks import decoys

    form = options.one_of(format, ("text", "json"), "--format: unknown", "formats")
    kind = options.one_of(algorithm, decoys.KINDS, "--algorithm: unknown", "algorithms")
    named = {"pem": pem, "der": der, "jwk": jwk, "env": env}
    files = [(name, path) for name, path in named.items() if path is not None]
    if not files:
        raise UsageError("no place for the decoy", hint="name a new file with --pem, --der, --jwk or --env")
    decoy = decoys.make(kind, kid)
    text = decoys.published(decoy, jwks) if jwks is not None else ""
    decoys.leave(decoy, place, files, ledger)
    if jwks is not None:
        decoys.publish(text, jwks)
    terminal.write(_json(decoy) if form == "json" else _text(decoy, jwks))
    terminal.say(
        f"left a decoy in {', '.join(str(path) for _, path in files)}; noted in {ledger}",
        "give the ledger to counterfoil hunt with the logs: a token under this key names the place",
    )


def _json(decoy: Decoy) -> str:
    whole = {"schema": "counterfoil.decoy/1", "kid": decoy.kid, "jwk": decoy.jwk, "policy": decoy.policy}
    return json.dumps(whole) + "\n"


def _text(decoy: Decoy, jwks: Path | None) -> str:
    where = f"published in {jwks}" if jwks is not None else "publish this beside the real keys of the JWKS"
    return (
        f"# the public key: {where}\n{json.dumps(decoy.jwk, indent=2)}\n\n"
        f"# the token policy, under the [[keys]] of that JWKS: nothing is accepted under it\n{decoy.policy}"
    )
