"""What can be taken out of a module of rules: each filter, comparison, condition of a join, and row of a table."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

FLIPPED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}
JOINS = frozenset({"join", "left_join", "semi_join", "anti_join"})
TABLES_OF_REASONS = frozenset({"cases", "_first"})
# Types of columns: a table of them is a schema, of which every row is used or nothing is.
COLUMN_TYPES = frozenset({"string", "int64", "boolean", "float64", "timestamp(6)"})


@dataclass(frozen=True)
class Mutant:
    """A piece of a module's text that is replaced: where, by what, and `name`, which stays when lines move."""

    module: str
    line: int
    start: int
    end: int
    text: str
    name: str

    def made(self, source: str) -> str:
        """Return the module's text with it."""
        return source[: self.start] + self.text + source[self.end :]


def mutants(path: Path) -> list[Mutant]:
    """Return the mutants of a module, each with a name of its own."""
    found = list(_Finder(path).found())
    seen: Counter[str] = Counter()
    named: list[Mutant] = []
    for mutant in sorted(found, key=lambda m: (m.line, m.start, -m.end)):
        seen[mutant.name] += 1
        number = f" #{seen[mutant.name]}" if seen[mutant.name] > 1 else ""
        named.append(replace(mutant, name=mutant.name + number))
    return named


class _Finder:
    def __init__(self, path: Path) -> None:
        self._module = path.stem
        self._source = path.read_text("utf-8")
        starts = [0]
        for line in self._source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line.encode()))
        self._starts = starts
        self._bytes = self._source.encode()

    def found(self) -> Iterator[Mutant]:
        tree = ast.parse(self._source)
        for node in tree.body:
            if _is_bound(node) or _is_type(node):
                continue
            yield from self._of(node, getattr(node, "name", ""))

    def _of(self, node: ast.AST, where: str) -> Iterator[Mutant]:
        """Yield the mutants of a statement of the module, but for its annotations."""
        whole_file = not isinstance(node, ast.FunctionDef)
        for inner in _walk(node):
            yield from self._condition(inner, where)
            yield from self._call(inner, where)
            if whole_file:
                yield from self._constant(inner, where)

    def _condition(self, node: ast.AST, where: str) -> Iterator[Mutant]:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            other = FLIPPED[type(node.ops[0])]
            yield self._put(node, f"{self._text(node.left)} {other} {self._text(node.comparators[0])}", where, other)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            yield self._without(node, node.right, node.left, where)
            if not (isinstance(node.left, ast.BinOp) and isinstance(node.left.op, type(node.op))):
                yield self._without(node, node.left, node.right, where)
        elif isinstance(node, ast.BoolOp):
            word = " and " if isinstance(node.op, ast.And) else " or "
            for gone in node.values:
                kept = [value for value in node.values if value is not gone]
                yield self._put(node, word.join(map(self._text, kept)), where, f"without {self._flat(gone)}")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert | ast.Not):
            yield self._put(node, self._text(node.operand), where, f"not inverted: {self._flat(node.operand)}")
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            yield self._put(node, "pass", where, f"without {self._flat(node)}")
        elif isinstance(node, ast.comprehension):
            for condition in node.ifs:
                yield self._put(condition, "True", where, f"without if {self._flat(condition)}")

    def _call(self, node: ast.AST, where: str) -> Iterator[Mutant]:
        if not isinstance(node, ast.Call):
            return
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for keyword in node.keywords:
            if keyword.arg == "where":
                yield self._drop(keyword, where)
        if name in ("filter", "semi_join", "anti_join") and isinstance(node.func, ast.Attribute):
            receiver = node.func.value
            if name != "filter" or len(node.args) == 1:
                yield self._put(node, self._text(receiver), where, f"without {name}({self._flat(node.args[0])})")
            else:
                yield from (self._drop(argument, where) for argument in node.args)
        if name in JOINS and len(node.args) > 1 and isinstance(node.args[1], ast.List):
            parts = node.args[1].elts
            yield from (self._drop(part, where) for part in parts if len(parts) > 1)
        if name in TABLES_OF_REASONS:
            yield from (self._drop(row, where) for row in node.args if len(node.args) > 1)

    def _constant(self, node: ast.AST, where: str) -> Iterator[Mutant]:
        """Yield the mutants of constants of the module: one row less, or a number that is one more."""
        if isinstance(node, ast.Dict):
            types = [value.value for value in node.values if isinstance(value, ast.Constant)]
            if not types or not COLUMN_TYPES.issuperset(map(str, types)):
                for key, value in zip(node.keys, node.values, strict=True):
                    first = key or value
                    span = ast.copy_location(ast.Constant(0), first)
                    span.end_lineno, span.end_col_offset = value.end_lineno, value.end_col_offset
                    if key is None:
                        span.col_offset -= 2  # the stars
                    yield self._put(span, "", where, f"without {self._flat(first)}", comma=True)
        elif isinstance(node, ast.Tuple | ast.Set | ast.List) and not self._columns(node):
            yield from (self._drop(row, where) for row in node.elts)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield self._put(node, f"({self._text(node)} + 1)", where, f"{self._text(node)} + 1")

    def _columns(self, row: ast.Tuple | ast.Set | ast.List) -> bool:
        """Tell whether these are names of columns, of which each is used or nothing is, or names that are assigned."""
        stored = not isinstance(row, ast.Set) and isinstance(row.ctx, ast.Store)
        return stored or len(row.elts) > 5 or any(isinstance(element, ast.Starred) for element in row.elts)

    # --- text ----------------------------------------------------------------------------------------------------

    def _at(self, line: int, column: int) -> int:
        return len(self._bytes[: self._starts[line - 1] + column].decode())

    def _span(self, node: ast.AST) -> tuple[int, int]:
        line, column = getattr(node, "lineno"), getattr(node, "col_offset")  # noqa: B009  # not all nodes have them
        return self._at(line, column), self._at(getattr(node, "end_lineno"), getattr(node, "end_col_offset"))  # noqa: B009

    def _text(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self._source[start:end]

    def _flat(self, node: ast.AST) -> str:
        return " ".join(self._text(node).split())[:100]

    def _put(self, node: ast.AST, text: str, where: str, told: str, *, comma: bool = False) -> Mutant:
        start, end = self._span(node)
        if comma and self._source[end : end + 1] == ",":
            end += 1
        place = f"{self._module}.{where}" if where else self._module
        told = told if told.startswith(("without", "not inverted")) else f"{told} in {self._flat(node)}"
        line = self._source.count("\n", 0, start) + 1
        # in brackets, an expression that is put into another keeps its meaning
        if text and isinstance(node, ast.Compare | ast.BinOp | ast.BoolOp | ast.UnaryOp):
            text = f"({text})"
        return Mutant(self._module, line, start, end, text, f"{place}: {told}")

    def _without(self, node: ast.AST, gone: ast.AST, kept: ast.AST, where: str) -> Mutant:
        return self._put(node, self._text(kept), where, f"without {self._flat(gone)}")

    def _drop(self, node: ast.AST, where: str) -> Mutant:
        """Return the mutant without one argument or element."""
        return self._put(node, "", where, f"without {self._flat(node)}", comma=True)


def _is_bound(node: ast.stmt) -> bool:
    """Tell whether this sets bounds against floods of records: one more or less shows in no case that is small."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return bool(names) and all(name.startswith("MAX_") for name in names)


def _is_type(node: ast.stmt) -> bool:
    """Tell whether this gives a type a name."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes below this one, but for annotations and docstrings."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)
