"""Raw logs to accused tokens: counterfoil beside its rivals in one run, and what each answers wrongly.

    pip install -e '.[bench]'
    python -m bench hunt --records 1000000
    python -m bench hunt --who ours --before ../earlier/src     in turns with the program of an earlier checkout

Two inputs, seed 1. *Speed*: half mail accesses, half sign-ins, complete, 100 forged tokens. *Truth*: a tenant of
100,000 acceptances in which one sign-in in 10,000 was lost and services call with tokens that no customer's log holds,
100 forged: who of the innocents is accused there? Everybody runs in a process of their own, in turns; the table shows
each one's median time and highest memory. How each was set up stands under the table. Rivals that are not installed are
left out, and named.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.lab import histories
from tests.lab.wrappers import management_lines

from bench import results
from bench.reconcile import how_many
from counterfoil.lab.history.scenarios import Scenario
from counterfoil.model.ids import IdKind, canonical

CONTESTANTS = ("limit", "ours", "antijoin", "tenzir", "sqlite", "zargunlite")
GUILTY = frozenset({"forged", "laundered"})


@dataclass(frozen=True)
class Input:
    """Logs, and the canonical ids of the forged tokens in them."""

    logs: Path
    records: int
    size: int
    guilty: frozenset[str]


@dataclass
class Figures:
    """What was measured of one contestant: seconds, processor seconds and MiB of each round, and what it accused.

    `source`: the folder in which its package is looked for first.
    """

    module: Any
    source: Path | None = None
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    accused: dict[str, frozenset[str]] = field(default_factory=dict)


def write(scenario: Scenario, folder: Path) -> Input:
    """Write the logs; raises nothing that the lab does not."""
    written = scenario.write(folder / "logs", folder / "truth.jsonl")
    guilty = set()
    with (folder / "truth.jsonl").open("rb") as file:
        for line in file:
            row = json.loads(line)
            if row["label"] in GUILTY and row["token_id"]:
                guilty.add(row["token_id"])
    size = sum(path.stat().st_size for path in (folder / "logs").rglob("*.jsonl"))
    return Input(folder / "logs", written.records, size, frozenset(guilty))


def lossy() -> Scenario:
    """Return the tenant of the second input, in the wrappers that all contestants read."""
    scenario = histories.lost(rate=0.0001, acceptances=100_000, forged=100, victims=10)
    tenant = replace(scenario.tenant, audit_wrappers=(management_lines,))
    return replace(scenario, tenant=tenant)


def run(figures: Figures, logs: Path, out: Path, memory: str | None = None) -> tuple[float, float, float]:
    """Run one contestant; return its seconds, its processor seconds, and the MiB of its largest process."""
    out.unlink(missing_ok=True)
    name = figures.module.__name__
    command = [sys.executable, "-m", name, str(logs), str(out)]
    if name.endswith(".ours") and memory:
        command.append(memory)
    began = time.perf_counter()
    found = [str(figures.source), os.environ.get("PYTHONPATH", "")] if figures.source else []
    child = os.posix_spawn(sys.executable, command, os.environ | ({"PYTHONPATH": ":".join(found)} if found else {}))
    _, status, usage = os.wait4(child, 0)
    took = time.perf_counter() - began
    if status != 0:
        raise SystemExit(f"{name} failed with status {os.waitstatus_to_exitcode(status)}")
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def accused(out: Path) -> frozenset[str]:
    """Return the canonical ids that the contestant named: lines of text, or of JSON with the member id."""
    if not out.exists():
        return frozenset()
    found = set()
    for line in out.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)["id"] if line.startswith("{") else line
        known = canonical(IdKind.ENTRA_UTI, raw)
        if known:
            found.add(known)
    return frozenset(found)


def load(names: Sequence[str]) -> tuple[dict[str, Figures], list[str]]:
    """Return the contestants that are installed, and the names of the others."""
    known: dict[str, Figures] = {}
    absent = []
    for name in names:
        try:
            module = importlib.import_module(f"bench.contestants.{name}")
            metadata.version(module.PACKAGE)
            known[name] = Figures(module)
        except (ModuleNotFoundError, metadata.PackageNotFoundError):
            absent.append(name)
    return known, absent


def rows(known: dict[str, Figures], speed: Input, truth: Input) -> list[dict[str, Any]]:
    """Return the table."""
    limit = statistics.median(known["limit"].seconds) if "limit" in known else None
    found = []
    for figures in known.values():
        took = statistics.median(figures.seconds)
        fast, real = figures.accused["speed"], figures.accused["truth"]
        answers = figures.module.ANSWERS
        found.append({
            "who": figures.module.NAME + (" before" if figures.source else ""),
            "version": metadata.version(figures.module.PACKAGE),
            "seconds": took,
            "processor s": statistics.median(figures.processor),
            "k records/s": speed.records / took / 1000,
            "of the limit": limit / took if limit else None,
            "MiB": round(max(figures.memory)),
            "speed: found": f"{len(fast & speed.guilty)} of {len(speed.guilty)}" if answers else "-",
            "speed: innocents": len(fast - speed.guilty) if answers else None,
            "truth: found": f"{len(real & truth.guilty)} of {len(truth.guilty)}" if answers else "-",
            "truth: innocents": len(real - truth.guilty) if answers else None,
        })
    return found


def main(arguments: Sequence[str]) -> None:
    """Write the inputs, run everybody in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=how_many, default=1_000_000, help="such as 300K or 1M")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", help="what counterfoil may take (its own --memory); rivals have none")
    parser.add_argument("--who", nargs="+", default=list(CONTESTANTS), choices=CONTESTANTS)
    parser.add_argument("--out", type=Path, help="keep the figures in this file")
    parser.add_argument("--before", type=Path, metavar="SRC", help="folder `src` of an earlier checkout")
    asked = parser.parse_args(arguments)
    known, absent = load(asked.who)
    if asked.before:
        known = {"before": replace(load(["ours"])[0]["ours"], source=asked.before.resolve()), **known}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        speed = write(histories.bench(asked.records), place / "speed")
        truth = write(lossy(), place / "truth")
        for figures in known.values():
            run(figures, truth.logs, place / "accused")
            figures.accused["truth"] = accused(place / "accused")
        for number in range(asked.rounds):
            for name, figures in known.items():
                print(f"round {number + 1} of {asked.rounds}: {name}", file=sys.stderr)
                took, processor, memory = run(figures, speed.logs, place / "accused", asked.memory)
                figures.seconds.append(took)
                figures.processor.append(processor)
                figures.memory.append(memory)
                figures.accused["speed"] = accused(place / "accused")
    settings = {
        "records": speed.records, "bytes": speed.size, "rounds": asked.rounds, "seed": 1,
        "memory": asked.memory or "not set", "truth records": truth.records,
        "not installed": ", ".join(absent) or "none",
    }
    packages = sorted({figures.module.PACKAGE for figures in known.values()} - {"counterfoil"})
    results.keep(asked.out, "hunt", arguments, settings, rows(known, speed, truth), packages)
    print()
    for figures in known.values():
        print(f"- {figures.module.NAME}: {figures.module.HOW}")
