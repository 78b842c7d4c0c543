"""`leaks`: private keys and live tokens in dumps, logs and archives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from counterfoil.cli import leaks_plant, options, params, terminal
from counterfoil.cli.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from counterfoil.leaks.finding import LeaksReport

_SCAN = "scan"

_Jwks = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE|URL", help="Public keys to look for: a JWKS, its address, or its issuer's."),
]
_Keys = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Public keys to look for: PEM, DER, certificates, SSH; several in a file."),
]
_Tokens = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Look for the secret of the tokens in this file: HS256 and the like."),
]
_DkmKeys = Annotated[
    list[Path] | None,
    typer.Option("--dkm-key", metavar="FILE", help="Open the sealed keys of AD FS with this DKM key."),
]


class _ScanByDefault(TyperGroup):
    """`leaks PATH` is `leaks scan PATH`."""

    default_command = _SCAN

    def parse_args(self, ctx, args):  # type: ignore[no-untyped-def]  # the parser's own types differ between releases
        """Put in `scan` where no other command is named."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [_SCAN, *args]
        return super().parse_args(ctx, args)


def add_to(app: typer.Typer) -> None:
    """Add this group."""
    group = typer.Typer(
        help="Find private keys and live tokens in dumps, logs and archives: `leaks PATH...`.",
        cls=_ScanByDefault,
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    group.command(name=_SCAN)(scan)
    group.command()(leaks_plant.plant)
    app.add_typer(group, name="leaks")


def scan(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Files, folders, devices; - is standard input.", show_default=False),
    ],
    jwks: _Jwks = None,
    key: _Keys = None,
    token: _Tokens = None,
    dkm_key: _DkmKeys = None,
    every_offset: Annotated[
        bool, typer.Option("--every-offset", help="Look for curve scalars and secrets of tokens at every offset. Slow.")
    ] = False,
    tokens: Annotated[bool, typer.Option(help="Look for tokens and session cookies as well.")] = True,
    gate: Annotated[
        bool,
        typer.Option("--gate", help="For pipelines: end with 2 if anything could not be read, or no file is there."),
    ] = False,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Follow links that lie in a folder, also out of it.")
    ] = False,
    file_seconds: Annotated[
        float, typer.Option(metavar="N", min=1, help="Processor seconds that what is written in one file may take.")
    ] = 60,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Remember in this file what is done, and go on from there.", dir_okay=False),
    ] = None,
    case: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the keys and tokens that are found in this case.")
    ] = None,
    decoys: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Ledger of leaks plant: decoys where they were left are no finding."),
    ] = None,
    threads: params.Threads = None,
    format: Annotated[str, typer.Option(metavar="text|json|jsonl|sarif", help="Form of the output.")] = "text",
    quiet: params.Quiet = False,
) -> None:
    """Find private keys by their public keys alone, written keys of any form, and tokens. Shows no secret."""
    from counterfoil.leaks import decoy_ledger, kernel, known, render, symmetric
    from counterfoil.leaks import scan as scanning

    form = options.one_of(format, tuple(render.FORMATS), "--format: unknown", "formats")
    keys = replace(
        known.known(jwks or (), key or ()), macs=symmetric.macs(token or ()), dkm=known.dkm_keys(dkm_key or ())
    )
    planted = decoy_ledger.ledger(decoys or ())
    if kernel.best().name != "compiled":
        terminal.say(kernel.SLOW, kernel.SLOW_HINT)
    settings = scanning.ScanSettings(
        now=datetime.now(UTC), every_offset=every_offset, tokens=tokens, resume=resume, workers=threads or 0,
        follow_links=follow_links, file_seconds=file_seconds,
    )
    keep = _keeper(case) if case else None
    with terminal.progress(quiet=quiet) as progress:
        report = decoy_ledger.apart(scanning.scan(paths, keys, settings, progress), planted)
    terminal.write(render.render(report, form))
    if keep:
        keep(report)
    _leave(report, gate=gate, known_keys=bool(keys.keys))


def _leave(report: LeaksReport, *, gate: bool, known_keys: bool) -> None:
    """End with the report's code."""
    if gate and not known_keys:
        terminal.say("no keys were given: bare numbers of a key were not looked for", "name its public key with --jwks")
    terminal.leave(_code(report, gate=gate))


def _keeper(case: Path) -> Callable[[LeaksReport], None]:
    """Return what keeps the keys of a report in the case, which is ready for them from now on."""
    from counterfoil import app  # the engine takes half a second to import

    app.ready(case)

    def keep(report: LeaksReport) -> None:
        count = app.keep_leaks(case, report)
        terminal.say(f"{count:,} {'record' if count == 1 else 'records'} of what was found kept in {case}")

    return keep


def _code(report: LeaksReport, *, gate: bool) -> ExitCode:
    """Return the exit code: unread, or no file, is failure at a gate; so is unread where nothing was read at all."""
    if report.unread and (gate or not report.files or (not report.scanned and not report.skipped)):
        terminal.say(
            "something could not be read: at a gate that is a failure" if gate else "no input could be read",
            "the report names what was not read, and why",
        )
        return ExitCode.UNUSABLE
    if gate and not report.files:
        terminal.say("there was no file to read: at a gate that is a failure", "name the folder that holds the files")
        return ExitCode.UNUSABLE
    return ExitCode.FOUND if report.found else ExitCode.CLEAN
