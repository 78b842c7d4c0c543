"""Takes out each check of the verifier in turn, and tells whether a test fails: `python -m tests.tokens.mutants`.

Two kinds of mutants of `tokens/` and `jose/` in `src/counterfoil/`: a refusal (`raise refused(...)` and the like) that
does nothing, and a call of a rule (`claims.v3_window(...)`, `_check_use(...)`) that is left out. Each is made in a
process of its own, by giving the function that holds it the code without it, and the tests of tokens, and those of
counter-signatures, are run there until one fails. A mutant that no test notices is printed as SURVIVED, and the exit
code is 1.

    python -m tests.tokens.mutants [NAME ...] [--list] [--jobs 2]

NAME selects modules, such as `claims dpop`. Takes about five minutes of processor time.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = tuple(ROOT / "src" / "counterfoil" / name for name in ("tokens", "jose"))
# Not checks: what a mutant of theirs would do is not to accept, but to fail otherwise.
SKIPPED = frozenset({"rules", "limits", "decoded", "presentation", "verified", "__init__"})
ERRORS = frozenset(
    {"refused", "about", "UnfitKeyError", "ExposedKeyError", "PolicyError", "ValueError", "error", "UsageError",
     "InexactError", "_DuplicateError", "InvalidSignature"}
)
# How the names of functions begin that are called to refuse, and give nothing back that is used.
REFUSING = (
    "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "s1", "refuse_", "_check", "_once", "_about", "_fresh",
    "_allowed", "_wanted", "_certificate", "_success", "_unique_ids", "_signature", "_confirmed", "_within", "_refuse",
    "_between", "_chain", "_token", "_in_list", "_introspected", "signed",
)
# Where the tests of a module are that are not in test_rules: below `tests/`.
LIKELY = {
    "dpop": "tokens/test_dpop", "binding": "tokens/test_dpop", "status": "tokens/test_status",
    "saml": "tokens/test_saml", "saml_document": "tokens/test_saml", "jwk": "tokens/test_keyset",
    "keyset": "tokens/test_keyset", "policy": "tokens/test_policy", "policy_file": "tokens/test_policy",
    "flow": "tokens/test_policy", "entitlement": "tokens/test_policy", "encoding": "tokens/test_encoding",
    "subject_keys": "tokens/test_subject_keys", "pseudonym": "tokens/test_subject_keys",
    "countersignature": "mint/test_countersign",
}
TESTS = (
    *(f"tokens/test_{name}" for name in (
        "blocklist", "rules", "dpop", "status", "saml", "keyset", "policy", "hostile", "matrix", "encoding",
        "rfc_examples", "wycheproof", "subject_keys",
    )),
    "mint/test_countersign",  # V15: a token is counter-signed by a mint
)
KEYS = (
    "rsa", "rsa-consumer", "rsa-retired", "rsa-next", "rsa-dated", "rsa-self", "rsa-revoked", "rsa-other", "rsa-thief",
    "rsa-old", "rsa-told", "ec", "ec-narrow", "ec-client", "ed",
)


@dataclass(frozen=True)
class Mutant:
    """One statement that is left out: its module, first and last line, and what stands there."""

    path: Path
    first: int
    last: int
    column: int
    text: str

    @property
    def module(self) -> str:
        """The name of the module."""
        return self.path.stem


def mutants(path: Path) -> Iterator[Mutant]:
    """Yield the mutants of a module."""
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    handlers = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            chosen = id(node) not in handlers and _called(node.exc) in ERRORS
        else:
            chosen = isinstance(node, ast.Expr) and _is_rule(node.value)
        if chosen and isinstance(node, ast.stmt):
            yield _mutant(path, node, source)


def _called(node: ast.expr | None) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_rule(node: ast.expr) -> bool:
    """Tell whether a call, whose result nobody takes, is there to refuse."""
    return _called(node).startswith(REFUSING)


def _mutant(path: Path, node: ast.stmt, source: str) -> Mutant:
    text = " ".join((ast.get_source_segment(source, node) or "").split())
    return Mutant(path, node.lineno, node.end_lineno or node.lineno, node.col_offset, text)


def run(mutant: Mutant | None, report: Path) -> None:
    """Run the tests on a mutant, in this process, and write what failed to `report`: nothing if nothing did."""
    if mutant is not None:
        mutate(mutant)
    told = Failures()
    with report.with_suffix(".out").open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
        for name in dict.fromkeys([LIKELY.get(mutant.module if mutant else "", "tokens/test_rules"), *TESTS]):
            tests = str(ROOT / "tests" / f"{name}.py")
            ended = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-n", "0", tests], plugins=[told])
            if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
                raise SystemExit(ended)  # no report: tests that were not run find nothing, which says nothing
            if ended:
                break
    report.write_text("\n".join(told.failed), encoding="utf-8")


class Failures:
    """A plugin that keeps the names of what failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a test that failed."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep a file that could not be read."""
        if report.failed:
            self.failed.append(report.nodeid)


def mutate(mutant: Mutant) -> None:
    """Give the function that holds the statement its code without it: whoever imported the function has it too."""
    lines = mutant.path.read_text("utf-8").splitlines()
    blank = [""] * (mutant.last - mutant.first)
    lines[mutant.first - 1 : mutant.last] = [" " * mutant.column + "pass", *blank]  # the other lines keep their numbers
    changed = compile("\n".join(lines), str(mutant.path), "exec")
    module = importlib.import_module(f"counterfoil.{mutant.path.parent.name}.{mutant.module}")
    holders = [code for code in _codes(changed) if code.co_firstlineno <= mutant.first <= _last_line(code)]
    [outermost] = holders
    found: Any = module
    for name in outermost.co_qualname.split("."):
        found = inspect.getattr_static(found, name)
    function = getattr(found, "__func__", getattr(found, "fget", found))
    function.__code__ = outermost.replace(co_freevars=function.__code__.co_freevars)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the codes of functions and methods, not of what is nested in functions."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_flags & inspect.CO_OPTIMIZED:
                yield inner
            else:
                yield from _codes(inner)  # a class


def _last_line(code: CodeType) -> int:
    nested = [_last_line(inner) for inner in code.co_consts if isinstance(inner, CodeType)]
    return max([line for _, _, line in code.co_lines() if line is not None] + nested)


def warm_up() -> None:
    """Make the keys once, for all processes; import what the tests import."""
    sys.path.insert(0, str(ROOT / "tests"))
    for name in TESTS:
        importlib.import_module(name.replace("/", "."))
    making, keysets = importlib.import_module("tokens.making"), importlib.import_module("tokens.test_keyset")
    for name in KEYS:
        making.key(name)
    for name in ("rsa", "ec", "rsa-retired", "rsa-other", "rsa-thief", "rsa-consumer"):
        keysets.certificate(name)
    for known in (making.policy, importlib.import_module("tokens.hostile").policy):
        known.cache_clear()  # they hold functions that a mutant must not miss


def start(mutant: Mutant | None, report: Path) -> int:
    """Run a mutant in a process of its own, and return its id."""
    child = os.fork()
    if child == 0:
        try:
            run(mutant, report)
        finally:
            os._exit(0)
    return child


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all mutants, print each with the test that found it, and return 1 if one survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    told = parser.parse_args(arguments)
    paths = [path for package in PACKAGES for path in sorted(package.glob("*.py")) if path.stem not in SKIPPED]
    chosen = [made for path in paths if not told.names or path.stem in told.names for made in mutants(path)]
    if told.list:
        print("\n".join(f"{mutant.module}:{mutant.first}  {mutant.text[:100]}" for mutant in chosen))
        return 0
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "control"
        os.waitpid(start(None, control), 0)
        if not control.exists() or control.read_text("utf-8"):
            print("the tests fail without any mutant: make them pass first")
            return 2
        survived = sum(not found for found in _results(chosen, Path(folder), told.jobs))
    print(f"{len(chosen)} mutants, {survived} survived")
    return 1 if survived else 0


def _results(chosen: Sequence[Mutant], folder: Path, jobs: int) -> Iterator[str]:
    """Run the mutants, so many at a time; print and yield the test that found each, "" where none did."""
    left, running = list(enumerate(chosen))[::-1], dict[int, tuple[Mutant, Path]]()
    while left or running:
        while left and len(running) < jobs:
            place, mutant = left.pop()
            running[start(mutant, folder / str(place))] = mutant, folder / str(place)
        done, _ = os.wait()
        mutant, report = running.pop(done)
        found = report.read_text("utf-8").partition("\n")[0] if report.exists() else ""
        shown = found or f"{'SURVIVED' if report.exists() else 'COULD NOT BE RUN'}  {mutant.text}"
        print(f"{mutant.module}:{mutant.first}  {shown[:150]}", flush=True)
        yield found


if __name__ == "__main__":
    raise SystemExit(main())
