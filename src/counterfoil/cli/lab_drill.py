"""`lab drill`: the response to a stolen key, rehearsed against relying parties of every kind, and measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.report import registry

if TYPE_CHECKING:
    from counterfoil.lab.drill.drill import Drilled

# Within these the whole drill, which waits for the party that caches twice, takes less than five minutes.
LEAST_CACHED, MOST_CACHED = 1.0, 90.0


def drill(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New folder for all of it.", show_default=False)],
    cached: Annotated[
        float,
        typer.Option(
            "--cached", metavar="SECONDS", min=LEAST_CACHED, max=MOST_CACHED,
            help="For how long the party that caches believes what it fetched.",
        ),
    ] = 60.0,
    quiet: params.Quiet = False,
) -> None:
    """Steal an issuer's key, then plan, block, probe, revoke, rotate all keys, and ask whether the thief is out.

    Five relying parties: ours strict, one that caches, one that ignores blocks until it is mended, real Envoy, real
    HAProxy (where installed). Ends with 0 if all of them refuse the key in the end, the thief was *not out* before
    and is *out* after, and users lost no more than the plan said; else with 1. FOLDER/case is the case.
    """
    from counterfoil import rehearsal

    with terminal.progress(quiet=quiet) as progress:
        done = rehearsal.drill(folder, progress, cached=cached)
    terminal.write(f"{done.runbook}\n")
    rows = [
        (each.party, str(each.said), "" if each.seconds is None else f"{each.seconds:.1f}", f"{each.stale:.1f}",
         "yes" if each.party in done.still else "")
        for each in done.measured
    ]
    columns = ("party", "now", "seconds to block", "accepted after seconds", "accepted at first statement")
    terminal.write(registry.table("text", columns, rows, terminal.screen()))
    terminal.write("".join(f"{line}\n" for line in _told(done)))
    terminal.leave(ExitCode.CLEAN if done.passed else ExitCode.FOUND)


def _told(done: Drilled) -> list[str]:
    absent = [f"not installed here, so not drilled: {', '.join(done.missing)}"] if done.missing else []
    return [
        *absent,
        "",
        *_statement("before the last party was mended", done.before),
        *_statement("after", done.after),
        "",
        f"the plan said of the block: {done.breaks}",
        f"users who had to sign in again: {done.again}; good tokens refused under the new keys: {done.refused}",
        f"tokens revoked: {done.revoked}; keys rotated: {', '.join(done.rotated)}; seconds: {done.seconds:.0f}",
        f"the drill: {'passed' if done.passed else 'NOT passed'}",
    ]


def _statement(when: str, told: dict[str, Any]) -> list[str]:
    return [f"{when}: {told['verdict']}", *(f"  {each['code']}: {each['words']}" for each in told["reasons"])]
