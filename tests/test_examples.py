"""The examples that docstrings show."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import textwrap
from pathlib import Path

import pytest

import counterfoil

SOURCE = Path(counterfoil.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
SHOWING = [path for path in MODULES if ">>> " in path.read_text()]
# what stands indented behind a line that ends in two colons
_BLOCK = re.compile(r"::\n\n((?:(?: {4}.*)?\n)+)")


@pytest.mark.parametrize("path", SHOWING, ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_an_example_shows_is_what_comes_out(path: Path) -> None:
    """Every example in a docstring runs as it stands and gives what it shows."""
    name = ".".join(("counterfoil", *path.relative_to(SOURCE).with_suffix("").parts))
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0


def test_examples_of_whole_programs_can_be_read() -> None:
    """What the head of a module shows of its use is Python."""
    heads = [ast.get_docstring(ast.parse(path.read_text())) or "" for path in MODULES]
    blocks = [block for head in heads for block in _BLOCK.findall(head + "\n")]
    assert len(blocks) >= 2
    for block in blocks:
        ast.parse(textwrap.dedent(block))
