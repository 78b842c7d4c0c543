"""The rules of the house that no tool holds us to: budgets, words at every door. Imports: import-linter."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import counterfoil
from counterfoil.detect.registry import all_rules, key_rules
from counterfoil.report import registry as formats
from counterfoil.sources.registry import all_sources

ROOT = Path(__file__).parents[1]
SOURCE = Path(counterfoil.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_FILE_LINES, MAX_FUNCTION_LINES = 600, 60


def test_the_library_offers_few_names() -> None:
    """At most twenty, each of which exists; importing the package itself imports none of their homes."""
    assert len(counterfoil.__all__) <= 20
    assert all(getattr(counterfoil, name) for name in counterfoil.__all__)
    loaded = "import counterfoil, sys; print([name for name in sys.modules if name.startswith('counterfoil.')])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "['counterfoil._version']"


def test_the_engine_is_known_by_the_case_alone() -> None:
    """Rules and reconciliation are expressions: what runs them is imported by `case`, and for its type by its users."""
    users = {path.relative_to(SOURCE).parts[0] for path in MODULES if "import duckdb" in path.read_text()}
    assert users <= {"case", "pipeline", "investigate", "respond"}


def test_files_and_functions_keep_their_budgets() -> None:
    """No file is longer than 600 lines, no function longer than 60: what else holds for every file, ruff tells."""
    over: list[str] = []
    for path in [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]:
        text = path.read_text()
        over += [str(path)] * (len(text.splitlines()) > MAX_FILE_LINES)
        over += [
            f"{path}: {node.name}" for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
        ]
    assert over == []


def test_every_rule_explains_itself() -> None:
    """It says what it means, what it needs and does not see, how an innocent looks the same, and what to do."""
    texts = ("id", "title", "audience", "why", "innocent", "needs", "blind", "next_step")
    assert all(rule.weight > 0 for rule in all_rules())
    for rule in (*all_rules(), *key_rules()):
        assert all(vars(rule)[name].strip() == vars(rule)[name] != "" for name in texts), rule
        assert rule.why != rule.title
        assert rule.severity in ("critical", "high", "medium", "low")
        assert rule.confidence in ("high", "medium", "low")
        assert rule.audience in ("tenant", "issuer")
        assert rule.references
        assert rule.attack
        assert all(re.fullmatch(r"T1\d{3}(\.\d{3})?", technique) for technique in rule.attack)


def test_rules_and_sources_have_names_of_their_own() -> None:
    """No two rules, and no two sources, share a name."""
    rules = (*all_rules(), *key_rules())
    for names in ([rule.id for rule in rules], [source.name for source in all_sources()], formats.formats()):
        assert len(set(names)) == len(list(names)) > 0


def test_every_source_is_explained_and_documented() -> None:
    """A source says what it is, how it is exported and what its traps are; a page of the docs names it."""
    pages = "\n".join(page.read_text() for page in sorted((ROOT / "docs").rglob("*.md")))
    for source in all_sources():
        explain = source.explain
        assert all(text.strip() for text in (explain.what, *explain.export, explain.retention, explain.caps)), source
        assert explain.export
        assert f"`{source.name}`" in pages
