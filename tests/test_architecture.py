"""The rules of the house, as tests: directions of imports, budgets, words at every door."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import counterfoil
from counterfoil.detect.registry import all_rules
from counterfoil.report import registry as formats
from counterfoil.sources.registry import all_sources

ROOT = Path(__file__).parents[1]
SOURCE = Path(counterfoil.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_FILE_LINES, MAX_FUNCTION_LINES = 600, 60


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_go_down_only() -> None:
    """The contract in pyproject.toml holds: no module imports from a floor above it, nor from its neighbours."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kept, 0 broken" in done.stdout


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
    assert users <= {"case", "pipeline"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    """Every module begins with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))], ids=_name)
def test_files_and_functions_keep_their_budgets(path: Path) -> None:
    """No file is longer than 600 lines, no function longer than 60."""
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES]
    assert not long


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=_name)
def test_every_test_states_its_promise(path: Path) -> None:
    """Every test has a docstring."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    assert not [node.name for node in functions if node.name.startswith("test_") and not ast.get_docstring(node)]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_the_terminal_writes(path: Path) -> None:
    """No module prints; what people see goes through the command line's own functions."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_every_rule_explains_itself(rule: object) -> None:
    """A rule says what it means, how an innocent may look the same, and what to do; its techniques are ATT&CK's."""
    values = vars(rule)
    assert all(values[name].strip() for name in ("id", "title", "why", "next_step"))
    assert len(values["why"]) > len(values["title"])
    assert values["weight"] > 0
    assert values["attack"]
    assert all(technique.startswith("T1") for technique in values["attack"])


def test_rules_and_sources_have_names_of_their_own() -> None:
    """No two rules, and no two sources, share a name."""
    for names in ([rule.id for rule in all_rules()], [source.name for source in all_sources()], formats.formats()):
        assert len(set(names)) == len(list(names)) > 0


@pytest.mark.parametrize("source", all_sources(), ids=lambda source: source.name)
def test_every_source_is_explained_and_documented(source: object) -> None:
    """A source says what it is, how it is exported and what its traps are; a page of the docs names it."""
    values = vars(source)
    explain = values["explain"]
    assert all(text.strip() for text in (explain.what, *explain.export, explain.retention, explain.caps))
    assert explain.export
    pages = "\n".join(page.read_text() for page in sorted((ROOT / "docs").rglob("*.md")))
    assert f"`{values['name']}`" in pages
