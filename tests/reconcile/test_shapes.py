"""What is kept: each table has one name, one maker and one shape, and a stage that breaks its promise fails at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import counterfoil
from counterfoil.expressions import ibis
from counterfoil.expressions.shape import Shape
from counterfoil.expressions.tables import table
from counterfoil.reconcile import shapes

SHAPES = [value for value in vars(shapes).values() if isinstance(value, Shape)]
SOURCE = Path(counterfoil.__file__).parent


def _own_names() -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every table that a module of reconciliation keeps for itself."""
    for path in sorted((SOURCE / "reconcile").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keep":
                name = node.args[0]
                name = name.values[0] if isinstance(name, ast.JoinedStr) else name
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    yield path.stem, name.value


def test_a_module_names_its_own_tables_after_itself() -> None:
    """So that none of another module's is replaced; a table that others ask has a shape."""
    names = list(_own_names())
    assert len(names) > 50
    assert [(module, name) for module, name in names if not name.startswith(f"{module}_")] == []


def test_no_two_shapes_share_a_name() -> None:
    """And no shape has a name that a module's own table could have, or a column twice."""
    names = [shape.name for shape in SHAPES]
    assert len(names) == len(set(names)) < 35
    assert not {name for _, name in _own_names()} & set(names)
    assert [shape.name for shape in SHAPES if len(set(shape.columns)) < len(shape.columns)] == []


def test_a_table_of_other_columns_is_refused_when_it_is_built() -> None:
    """One too many, one too few, one misspelt: the error names the table and the columns."""
    pairs = Shape("pairs", "a pair", ("one", "other"))
    right = table("t", [("other", "VARCHAR"), ("one", "VARCHAR")])
    assert pairs.of(right).columns == ("one", "other")
    for wrong, named in (
        (right.mutate(third=ibis.literal(1)), "third"), (right.drop("one"), "one"), (right.rename(oen="one"), "oen"),
    ):
        with pytest.raises(TypeError, match=f"columns of 'pairs' that are missing or too many: .*{named}"):
            pairs.of(wrong)
