"""`keys watch`: what is odd in the logs of key stores; a view of what the rules found in a case."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.cli.exits import ExitCode
from counterfoil.cli.paragraphs import paragraph
from counterfoil.report.clean import clean

if TYPE_CHECKING:
    from counterfoil.model.key_watch import KeyClue, KeyStore, KeyWatch

FORMATS = ("text", "json")
SCHEMA = "counterfoil.keys-watch/1"
_MAX_TEXT = 300


def watch(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...", show_default=False,
            help="Logs, as hunt takes them; without any, what the case holds is told.",
        ),
    ] = None,
    since: params.Since = None,
    until: params.Until = None,
    memory: params.Memory = None,
    threads: params.Threads = None,
    case: params.Case = params.DEFAULT_CASE,
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(FORMATS), help="Form of the output.")
    ] = "text",
    output: params.Output = None,
    quiet: params.Quiet = False,
) -> None:
    """Tell what is odd in the logs of key stores: who, by which process, when, and what is normal there.

    Ends with 1 if anything is odd, with 3 if nothing is but the logs are too short to say so, or there is none. Logs:
    counterfoil keys export, the audit log of OpenBao or Vault, CloudTrail, Windows events of AD FS servers and domain
    controllers. The whole log tells what is normal; --since and --until choose what is told.
    """
    form = options.one_of(format, FORMATS, "--format: unknown", "formats")
    begin, end = options.window(since, until)
    from counterfoil import app
    from counterfoil.config import HuntSettings

    settings = HuntSettings(case=case, since=begin, until=end, memory=options.memory(memory), threads=threads)
    if paths or begin or end:
        with terminal.progress(quiet=quiet) as progress:
            (app.hunt(paths, settings, progress) if paths else app.reconcile(settings, progress))
    found = app.key_watch(case)
    terminal.write(_json(found, case) if form == "json" else _text(found), output)
    if found.clues:
        terminal.leave(ExitCode.FOUND)
    if why := found.no_all_clear():
        terminal.say(f"this is no all-clear: {'; '.join(why)}", "counterfoil sources lists the logs of key stores")
        terminal.leave(ExitCode.WITHHELD)


def _json(found: KeyWatch, case: Path) -> str:
    import msgspec

    members = {
        "schema": SCHEMA, "case": str(case),
        "stores": [asdict(store) | _times(store) | {"days": store.days} for store in found.stores],
        "clues": [asdict(clue) | _times(clue) for clue in found.clues],
        "no_all_clear": list(found.no_all_clear()),
    }
    return msgspec.json.format(msgspec.json.encode(members), indent=2).decode() + "\n"


def _times(of: KeyClue | KeyStore) -> dict[str, str]:
    return {name: f"{getattr(of, name):%Y-%m-%dT%H:%M:%SZ}" for name in ("first_seen", "last_seen")}


def _text(found: KeyWatch) -> str:
    lines = [_store(store) for store in found.stores] or ["no log of a key store is in evidence"]
    lines.append(f"{len(found.clues)} odd" if found.clues else "nothing odd")
    for clue in found.clues:
        lines += ["", *_clue(clue)]
    if found.clues:
        rules = ", ".join(dict.fromkeys(clue.rule for clue in found.clues))
        lines += ["", f"counterfoil explain RULE tells what each means and what to do: {rules}"]
    return "\n".join(lines) + "\n"


def _store(store: KeyStore) -> str:
    keys = f"{store.keys:,} key{'' if store.keys == 1 else 's'}"
    span = f"{store.first_seen:%Y-%m-%d} to {store.last_seen:%Y-%m-%d}"
    return f"{_shown(f'{store.source}/{store.part}')}: {store.records:,} records of {keys}, {span}"


def _clue(clue: KeyClue) -> list[str]:
    when = f"{clue.first_seen:%Y-%m-%d %H:%M}Z"
    if clue.last_seen.replace(second=0) != clue.first_seen.replace(second=0):
        when += f" to {clue.last_seen:%Y-%m-%d %H:%M}Z"
    told = (
        ("who", clue.principal), ("process", clue.process), ("key", clue.key), ("when", when), ("what", clue.what),
        ("usual", clue.usual), ("log", "/".join(filter(None, (clue.source, clue.part)))), ("record", clue.evidence),
    )
    lines = [f"{clue.rule}  ({clue.severity}, finding {clue.finding})"]
    for name, value in told:
        if value:
            lines += paragraph(name, _shown(value))
    return lines


def _shown(text: str) -> str:
    return clean(text, _MAX_TEXT)
