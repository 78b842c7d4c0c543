"""Takes out each condition of reconciliation in turn, and tells whether a case fails.

A mutant is one filter, comparison, condition of a join, operand of a condition, or row of a table of reasons or
constants of `src/counterfoil/reconcile/` that is left out or turned round (`mutations`). In a process of its own all
cases of the reference (`test_cases`) and all drawn histories (`drawn`) are judged with it, one run of the engine after
the other, until one is wrong or the engine fails; what no case asks for, tests of its own do (`further`). A mutant
that nothing notices is printed as SURVIVED, and the exit code is 1, unless `equivalent` says why it changes nothing.

    python -m tests.reconcile.mutants [NAME ...] [--list] [--jobs 2] [--state FILE] [--equivalent]

NAME selects modules, such as `judge links`, in that order, or mutants whose name holds it. `--state`: a file in which
it is written down which mutants were found; started again with it, the others are tried. Each takes two to three
seconds on two processors.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from counterfoil.case.tables import Tables
from counterfoil.expressions import compiled

from . import further
from .equivalent import EQUIVALENT
from .mutations import Mutant, mutants
from .remembered import Memory, Remembered

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "counterfoil" / "reconcile"
NAME = "counterfoil.reconcile"
# Where values are passed on, or expressions are asked for and nothing is decided.
SKIPPED = frozenset({"__init__", "asked", "engine"})
SECONDS = 90  # after which a run counts as failed: the engine of a mutant may join everything with everything
# Of these modules, cases of own logs tell first.
OWN = frozenset({"custody", "diagnosis", "entitled", "balance", "unaccounted"})
APART = "\x1f"  # between the group that noticed a mutant and what it says
POLICY = "policy"  # cases and double take their constants from it
OURS = (f"{NAME}.", "tests.reconcile.")


class Changed(SourceFileLoader):
    """Loads a module with another text than its file's."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        super().__init__(name, str(path))
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the other text."""
        code: CodeType = compile(self._text, self.get_filename(fullname), "exec")
        return code


class Finder:
    """Finds one module with another text."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self._name, self._loader = name, Changed(name, path, text)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """Return the module's spec."""
        return importlib.util.spec_from_loader(name, self._loader) if name == self._name else None


def install(mutant: Mutant) -> None:
    """Let the mutant's module be imported with its text."""
    path = PACKAGE / f"{mutant.module}.py"
    sys.meta_path.insert(0, Finder(f"{NAME}.{mutant.module}", path, mutant.made(path.read_text("utf-8"))))


def forget(*packages: str) -> None:
    """Forget these modules, and reconciliation, so that they are imported anew, with a mutant among them."""
    for name in [name for name in sys.modules if name.startswith(packages) or name == NAME]:
        package, _, own = name.rpartition(".")
        if package in sys.modules:
            vars(sys.modules[package]).pop(own, None)  # `from . import` takes what its package has
        del sys.modules[name]


@dataclass
class Told:
    """What no mutant may change: the cases, what the double says of each, and the drawn histories."""

    groups: list[tuple[str, Any]]
    doubles: dict[str, Any]
    histories: dict[str, Any]


def known() -> Told:
    """Return what no mutant may change."""
    groups = _groups()
    drawn = importlib.import_module("tests.reconcile.drawn")
    return Told(groups, {name: group.doubles() for name, group in groups}, dict(drawn.drawn()))


def _groups(histories: Mapping[str, Any] | None = None) -> list[tuple[str, Any]]:
    """Return the cases in their runs, those first that tell most."""
    tables = importlib.import_module("tests.reconcile.test_cases")
    drawn = importlib.import_module("tests.reconcile.drawn")
    if histories is not None:
        vars(drawn)["drawn"] = lambda: histories
    cases = [(f"reference {number}", group) for number, group in enumerate(tables.GROUPS)]
    drawn_cases = [(f"histories {name}", group) for name, group in reversed(drawn.groups().items())]
    return [cases[0], *drawn_cases, *cases[1:]]


def run(mutant: Mutant | None, told: Told, work: Path, memory: Memory | None = None, first: str = "") -> str:
    """Judge everything, in this process, with the mutant; return what is wrong first, "" if nothing is.

    `memory`: what came of everything without a mutant; it is learnt where there is none. `first`: the group to begin
    with, which noticed the last mutant of that function.
    """
    if mutant is not None:
        install(mutant)
    groups = list(told.groups)
    if mutant is not None and mutant.module == POLICY:
        forget(*OURS)
        groups = _groups(told.histories)
    if mutant is not None and mutant.module in OWN:
        groups.sort(key=lambda named: not any(one.case.settings.attested for one in named[1].placed.values()))
    groups.sort(key=lambda named: named[0] != first)
    run_of = importlib.import_module("tests.reconcile.engine_run")
    with run_of.judging(work, _engine(memory, learning=mutant is None)) as judge:
        for name, group in groups:
            if memory is not None:
                memory.group = name
            answer = judge(group.rows, group.settings, group.policy)
            if memory is not None and memory.answers.setdefault(name, vars(answer)) == vars(answer) and mutant:
                continue
            for sentence, words in group.wrong(answer, told.doubles[name]).items():
                return f"{name}{APART}{sentence}: {words[0]}"
    if mutant is not None and mutant.module in further.CHECKS:
        (work / "further").mkdir()
        further.CHECKS[mutant.module](work / "further")
    return ""


def _engine(memory: Memory | None, *, learning: bool) -> Callable[..., Any]:
    """Return what makes an engine in a connection: one that remembers, or one that computes everything."""
    if memory is None:
        return Tables
    return lambda con, piles, _: Remembered(con, piles, memory, learning=learning)


def start(mutant: Mutant, told: Told, memory: Memory | None, report: Path, first: str) -> int:
    """Judge everything with the mutant in a process of its own, and return its id."""
    child = os.fork()
    if child:
        return child
    try:
        gc.disable()
        os.setpgid(0, 0)
        signal.alarm(SECONDS)
        with report.with_suffix(".out").open("w") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
            with tempfile.TemporaryDirectory(dir=report.parent) as work:
                try:
                    words = run(mutant, told, Path(work), memory, first)
                except Exception as error:  # noqa: BLE001  # whatever a mutant breaks is noticed
                    traceback.print_exc()
                    words = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        report.write_text(words, encoding="utf-8")
    finally:
        os._exit(0)


def results(
    chosen: Sequence[Mutant], told: Told, memory: Memory | None, folder: Path, jobs: int
) -> Iterator[tuple[Mutant, str]]:
    """Try the mutants, so many at a time; yield each with what noticed it, "" where nothing did."""
    left, running = list(enumerate(chosen))[::-1], dict[int, tuple[Mutant, Path]]()
    noticed_by: dict[str, str] = {}
    while left or running:
        while left and len(running) < jobs:
            place, mutant = left.pop()
            report = folder / f"{place}.told"
            first = noticed_by.get(_function(mutant), "")
            running[start(mutant, told, memory, report, first)] = mutant, report
        done, _ = os.wait()
        mutant, report = running.pop(done)
        words = report.read_text("utf-8") if report.exists() else f"no answer within {SECONDS} s"
        group, apart, sentence = words.partition(APART)
        if apart:
            noticed_by[_function(mutant)] = group
        yield mutant, sentence if apart else words
        for file in folder.glob(f"{report.stem}.*"):
            file.unlink()


def _function(mutant: Mutant) -> str:
    return mutant.name.partition(":")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all mutants, print each with what noticed it, and return 1 if one survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="name the mutants, and those that change nothing")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--state", type=Path, help="a file that remembers which mutants were found")
    parser.add_argument("--plain", action="store_true", help="compute everything for each mutant")
    parser.add_argument("--equivalent", action="store_true", help="try those, too, that are said to change nothing")
    asked = parser.parse_args(arguments)
    every = [m for path in sorted(PACKAGE.glob("*.py")) if path.stem not in SKIPPED for m in mutants(path)]
    if stale := sorted(EQUIVALENT.keys() - {mutant.name for mutant in every}):
        print("said to change nothing, and not there:", *stale, sep="\n  ")
        return 2
    whole = {m.module for m in every}.intersection(asked.names)
    parts = [name for name in asked.names if name not in whole]
    chosen = [m for m in every if not asked.names or m.module in whole or any(part in m.name for part in parts)]
    chosen.sort(key=lambda m: asked.names.index(m.module) if m.module in whole else len(asked.names))
    if asked.list:
        for mutant in chosen:
            why = EQUIVALENT.get(mutant.name)
            print(f"{mutant.line:4}  {mutant.name}", *([f" = {why}"] if why else []))
        return 0
    found = _state(asked.state)
    left = [m for m in chosen if m.name not in found and (asked.equivalent or m.name not in EQUIVALENT)]
    return _try(left, len(chosen), asked.state, asked.jobs, plain=asked.plain)


def _state(file: Path | None) -> Mapping[str, str]:
    """Return the mutants that were found, with what noticed each."""
    if file is None or not file.exists():
        return {}
    return dict(json.loads(line) for line in file.read_text("utf-8").splitlines())


def _try(left: Sequence[Mutant], of: int, state: Path | None, jobs: int, *, plain: bool) -> int:
    started = time.monotonic()
    told = known()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        memory = None if plain else Memory(folder)
        if words := _control(told, folder, memory):
            print(f"the cases fail without any mutant: make them pass first. {words}")
            return 2
        forget(f"{NAME}.", "tests.reconcile.engine_run")
        importlib.import_module("counterfoil.expressions.built")  # a second, which each child need not spend
        importlib.import_module("ibis").to_sql(importlib.import_module("ibis").memtable({"a": [1]}), dialect="duckdb")
        gc.freeze()
        kept = stack.enter_context(state.open("a", encoding="utf-8")) if state else None
        survived = 0
        for number, (mutant, noticed) in enumerate(results(left, told, memory, folder, jobs), 1):
            survived += not noticed
            print(f"{number}/{len(left)} {mutant.name}: {(noticed or 'SURVIVED')[:120]}", flush=True)
            if kept and noticed:
                print(json.dumps([mutant.name, noticed]), file=kept, flush=True)
    print(f"{of} mutants, {len(left)} tried, {survived} survived; {time.monotonic() - started:.0f} s")
    return 1 if survived else 0


def _control(told: Told, folder: Path, memory: Memory | None) -> str:
    """Judge everything without a mutant; this process so learns the SQL of each expression, and fills the memory.

    In a process of its own, as no engine may be open in one that forks others.
    """
    learnt = folder / "learnt"
    child = os.fork()
    if not child:
        try:
            (folder / "control").mkdir()
            words = run(None, told, folder / "control", memory)
            learnt.write_bytes(pickle.dumps((words, memory, compiled._own)))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    words, filled, known = pickle.loads(learnt.read_bytes())  # noqa: S301  # of ourselves
    compiled._own = known
    if memory is not None:
        vars(memory).update(vars(filled))
    return str(words)


if __name__ == "__main__":
    raise SystemExit(main())
