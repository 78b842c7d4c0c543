"""`demo`: an intrusion on an invented estate, found before the reader's eyes."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from counterfoil.cli import options, params, terminal
from counterfoil.config import HuntSettings

DEFAULT_DEMO = Path("counterfoil-demo")

_TITLES = (
    "1. Logs as they are today: services record the ids of tokens, so that each can be looked up.",
    "2. The same intrusion in logs as they were in 2023: no ids in mail records, so that less can be judged.",
)


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    case: params.Case = DEFAULT_DEMO,
    memory: params.Memory = None,
    threads: params.Threads = None,
    quiet: params.Quiet = False,
) -> None:
    """Replay the intrusion of 2023 on a small invented estate: logs, verdicts, report, in under a minute.

    It ends with 0 when it ran: what it finds is planted.
    """
    settings = HuntSettings(case=case, memory=options.memory(memory), threads=threads)
    from counterfoil import app, rehearsal

    with terminal.progress(quiet=quiet) as progress:
        reports = rehearsal.demo(settings, progress)
    for place, report in enumerate(reports):
        title = _TITLES[place] if place < len(_TITLES) else ""
        terminal.write(f"{title}\n\n{app.render(report, 'text', terminal.screen())}\n")
    if not quiet:
        terminal.say(f"the logs, and the truth behind them, are in {case / 'demo'}")
        page = f"counterfoil report --case {shlex.quote(str(case))} --format html --output report.html"
        terminal.say(f"a page to hand over: {page}")
