"""Takes out each check of the verifier in turn, and tells whether a test fails: `python -m tests.tokens.mutants`.

Two kinds of mutants of `src/counterfoil/tokens/`: a refusal (`raise refused(...)` and the like) that does nothing, and
a call of a rule (`claims.v3_window(...)`, `_check_use(...)`) that is left out. Each is made in a copy of the sources,
and the tests of tokens are run on it until one fails. A mutant that no test notices is printed as SURVIVED, and the
exit code is 1.

    python -m tests.tokens.mutants [NAME ...] [--list] [--jobs 2]

NAME selects modules, such as `claims dpop`. Takes about ten minutes.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "counterfoil" / "tokens"
# Not checks: what a mutant of theirs would do is not to accept, but to fail otherwise.
SKIPPED = frozenset({"rules", "limits", "decoded", "presentation", "verified", "__init__"})
ERRORS = frozenset(
    {"refused", "about", "UnfitKeyError", "ExposedKeyError", "PolicyError", "ValueError", "error", "UsageError",
     "_DuplicateError", "InvalidSignature"}
)  # fmt: skip
# How the names of functions begin that are called to refuse, and give nothing back that is used.
REFUSING = (
    "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "s1", "refuse_", "_check", "_once", "_about", "_fresh",
    "_allowed", "_wanted", "_certificate", "_success", "_unique_ids", "_signature", "_confirmed", "_within", "_refuse",
    "_between", "_chain", "_token", "_in_list", "_introspected", "signed",
)  # fmt: skip
LIKELY = {
    "dpop": "test_dpop", "binding": "test_dpop", "status": "test_status", "saml": "test_saml", "jwk": "test_keyset",
    "keyset": "test_keyset", "saml_document": "test_saml", "policy": "test_policy", "policy_file": "test_policy",
    "flow": "test_policy", "entitlement": "test_policy", "encoding": "test_encoding",
}  # fmt: skip
TESTS = (
    "test_rules", "test_dpop", "test_status", "test_saml", "test_keyset", "test_policy", "test_hostile", "test_matrix",
    "test_encoding", "test_rfc_examples", "test_wycheproof",
)  # fmt: skip
MAX_SECONDS = 300


@dataclass(frozen=True)
class Mutant:
    """One statement that is left out: its module, first and last line, and what stands there."""

    module: str
    first: int
    last: int
    column: int
    text: str


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
    return Mutant(path.stem, node.lineno, node.end_lineno or node.lineno, node.col_offset, text)


def snapshot(folder: Path) -> Path:
    """Return a copy of sources and tests as they are now: somebody may go on working."""
    copy = folder / "work"
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    if (shared := ROOT.parent / "shared").exists():  # public vectors
        (folder / "shared").symlink_to(shared)
    return copy


def run(mutant: Mutant, work: Path) -> str:
    """Return the test that fails on a mutant of these sources, or "" if none does."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(work / "src", copy)
        path = copy / "counterfoil" / "tokens" / f"{mutant.module}.py"
        lines = path.read_text("utf-8").splitlines()
        lines[mutant.first - 1 : mutant.last] = [" " * mutant.column + "pass"]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *_tests(mutant)]
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        done = subprocess.run(  # noqa: S603  # our own tests
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=MAX_SECONDS, check=False
        )
    if done.returncode == 0:
        return ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else "(it does not run)"


def _tests(mutant: Mutant) -> list[str]:
    """Return the tests, the likeliest to fail first."""
    names = dict.fromkeys([LIKELY.get(mutant.module, "test_rules"), *TESTS])
    return [f"tests/tokens/{name}.py" for name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all mutants, print each with the test that found it, and return 1 if one survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    told = parser.parse_args(arguments)
    paths = [path for path in sorted(PACKAGE.glob("*.py")) if path.stem not in SKIPPED]
    chosen = [made for path in paths if not told.names or path.stem in told.names for made in mutants(path)]
    survived = 0
    with ThreadPoolExecutor(told.jobs) as pool, tempfile.TemporaryDirectory() as folder:
        results = (None for _ in chosen) if told.list else pool.map(run, chosen, [snapshot(Path(folder))] * len(chosen))
        for mutant, found in zip(chosen, results, strict=True):
            survived += found == ""
            shown = f"SURVIVED  {mutant.text}" if found == "" else (found or mutant.text).split(" - ")[0]
            print(f"{mutant.module}:{mutant.first}  {shown[:150]}", flush=True)  # noqa: T201
    print(f"{len(chosen)} mutants, {survived} survived")  # noqa: T201
    return 1 if survived else 0


if __name__ == "__main__":
    raise SystemExit(main())
