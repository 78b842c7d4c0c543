"""What judges knows logs by what they say of themselves: no name of one stands in it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Collection, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from counterfoil import detect, investigate, pipeline, reconcile
from counterfoil.sources.registry import all_sources, logs

# What names logs: it verifies this project's own exports, each by its own form (docs/adr/0018); and these say how a
# vendor's log is turned on and exported, which each vendor does otherwise.
NAME_LOGS = {f"counterfoil.{name}" for name in ("pipeline.attested", "investigate.gaps", "investigate.readiness")}
MODULES = [
    f"{package.__name__}.{module.name}" for package in (reconcile, detect, pipeline, investigate)
    for module in pkgutil.iter_modules(package.__path__)
    if f"{package.__name__}.{module.name}" not in NAME_LOGS
]


def _names() -> frozenset[str]:
    """Return what sources and logs are called, and their parts and issuers: a source more is in it by itself."""
    found = {name for source in all_sources() for name in (source.name, source.log.name)}
    for log in logs().every:
        found |= {*log.sessions, *(log.hosts.beside if log.hosts else ())}
        if log.issuance:
            found |= {*log.issuance.kinds, log.issuance.issuers.removesuffix(":")}
            found |= {kind for kinds in log.issuance.parts.values() for kind in kinds}
        if log.sign_ins:
            found |= {*log.sign_ins.people, log.sign_ins.federation}
    return frozenset(found - {""})


def _literals(text: str) -> Iterator[str]:
    """Yield the texts in code that are no docstrings."""
    tree = ast.parse(text)
    told = {
        id(node.body[0].value) for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def _named(text: str, names: Collection[str]) -> list[str]:
    return sorted({name for literal in _literals(text) for name in names if name in literal})


def _text(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text("utf-8")


@pytest.mark.parametrize("name", MODULES)
def test_no_log_is_named(name: str) -> None:
    """No text in code, and no constant from elsewhere, is what a registered source, log, part or issuer is called."""
    module, names = importlib.import_module(name), _names()
    assert _named(_text(module), names) == []
    held = [value for value in vars(module).values() if isinstance(value, str | tuple | frozenset)]
    values = {each for value in held for each in ((value,) if isinstance(value, str) else value)}
    assert sorted(value for value in values if isinstance(value, str) and value in names) == []


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith((reconcile.__name__, detect.__name__))])
def test_no_source_is_imported(name: str) -> None:
    """What judges gets logs as values: it imports no source, and not the registry either."""
    tree = ast.parse(_text(importlib.import_module(name)))
    taken = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    taken |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert [module for module in taken if module.startswith("counterfoil.sources")] == []


@pytest.mark.parametrize("code", ['x.source == "adfs"', 'f"entra:{tenant}"', 'x.kind.isin(["non-interactive"])'])
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    """A name in a comparison, a text that is put together, or a list is found; one in a docstring is not meant."""
    assert _named(f'"""Of adfs."""\ndef f():\n    """Of entra."""\n    return {code}\n', _names())
    assert not _named('"""Of adfs."""\n', _names())
