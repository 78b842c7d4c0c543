"""Tables in expressions: what is asked of them, and which columns each has.

Names and meaning are Ibis'. A column that a table has not is an error where it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from counterfoil.expressions.deferred import Deferred, called, written
from counterfoil.expressions.values import IBIS, Value

_RIGHT = "{name}_right"
_NAMES_NAMED = 12  # of a table in which a name was looked for in vain


class Table(Deferred):
    """Rows with the columns `columns`, each of which is a member."""

    __slots__ = ("columns",)

    def __init__(self, columns: Iterable[str], kind: str, *parts: Any) -> None:
        super().__init__(kind, *parts)
        self.columns = tuple(columns)

    def __getattr__(self, name: str) -> Value:
        if name.startswith("__"):
            raise AttributeError(name)
        return Value("member", self, self._known(name))

    def __getitem__(self, name: str) -> Value:
        return Value("item", self, self._known(name))

    def select(self, *args: Any, **kwargs: Any) -> Table:
        """Return these columns, in this order."""
        return self._made(self._given(args, kwargs), "select", args, kwargs)

    def mutate(self, *args: Any, **kwargs: Any) -> Table:
        """Return the table with these columns, too, or in place of those of their names."""
        more = [name for name in self._given(args, kwargs) if name not in self.columns]
        return self._made((*self.columns, *more), "mutate", args, kwargs)

    def filter(self, *args: Any) -> Table:
        """Return the rows for which all of these hold."""
        return self._made(self.columns, "filter", args, {})

    def drop(self, *args: str) -> Table:
        """Return the table without these columns."""
        for name in args:
            self._known(name)
        return self._made([name for name in self.columns if name not in args], "drop", args, {})

    def rename(self, **kwargs: str) -> Table:
        """Return the table with columns under new names."""
        new = {self._known(old): name for name, old in kwargs.items()}
        return self._made([new.get(name, name) for name in self.columns], "rename", (), kwargs)

    def distinct(self, **kwargs: Any) -> Table:
        """Return each row once, or one row for each value of the columns `on`."""
        return self._made(self.columns, "distinct", (), kwargs)

    def limit(self, count: int) -> Table:
        """Return so many rows at most."""
        return self._made(self.columns, "limit", (count,), {})

    def order_by(self, *args: Any) -> Table:
        """Return the rows in this order."""
        return self._made(self.columns, "order_by", args, {})

    def view(self) -> Table:
        """Return the table as another one, so that it can be joined with itself."""
        return self._made(self.columns, "view", (), {})

    def join(self, right: Table, *args: Any, **kwargs: Any) -> Table:
        """Return pairs of rows that agree."""
        return self._joined(right, "join", args, kwargs, equal=frozenset(self._equal(args)))

    def left_join(self, right: Table, *args: Any, **kwargs: Any) -> Table:
        """Return every row with each of the `right` ones that agree, or with NULLs."""
        return self._joined(right, "left_join", args, kwargs)

    def semi_join(self, right: Table, *args: Any) -> Table:
        """Return the rows that agree with some of the `right` ones."""
        return self._made(self.columns, "semi_join", (right, *self._keys(right, args)), {})

    def anti_join(self, right: Table, *args: Any) -> Table:
        """Return the rows that agree with none of the `right` ones."""
        return self._made(self.columns, "anti_join", (right, *self._keys(right, args)), {})

    def group_by(self, *args: Any, **kwargs: Any) -> Grouped:
        """Return the table in groups of these."""
        return Grouped(self, args, kwargs)

    def agg(self, *args: Any, **kwargs: Any) -> Table:
        """Return one row, of what is counted over all."""
        return self._made(self._given(args, kwargs), "agg", args, kwargs)

    def count(self, *args: Any, **kwargs: Any) -> Value:
        """Return how many rows there are, or for how many of them `where` holds."""
        return Value("call", *called(self, "count", self._noted(args), self._noted(kwargs)))

    def nunique(self) -> Value:
        """Return how many different rows there are."""
        return Value("call", *called(self, "nunique", (), {}))

    def _variable(self, depth: int) -> Table:
        return Table(self.columns, "variable", depth)

    def _noted(self, value: Any) -> Any:
        return written(value, self._variable)

    def _made(self, columns: Iterable[str], name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Table:
        return Table(columns, "call", *called(self, name, self._noted(args), self._noted(kwargs)))

    def _known(self, name: str) -> str:
        if name not in self.columns:
            known = ", ".join(self.columns[:_NAMES_NAMED])
            raise AttributeError(f"no column {name!r} among {len(self.columns)}: {known}, ...")
        return name

    def _given(self, args: Iterable[Any], kwargs: dict[str, Any]) -> list[str]:
        return [*(self._name(one) for one in _flat(args)), *kwargs]

    def _name(self, one: Any) -> str:
        """Return the name of what stands without one."""
        if isinstance(one, str):
            return self._known(one)
        if not isinstance(one, Deferred):
            return self._name(one(self))
        if one._kind in ("member", "item") and isinstance(one._parts[1], str):
            return one._parts[1]
        if one._kind == "call" and one._parts[0]._parts[1] == "name":
            return str(one._parts[1][0])
        raise TypeError("a column without a name")

    def _keys(self, right: Table, args: Sequence[Any]) -> Sequence[Any]:
        """Return what is joined by: names, pairs of a left and a right one, conditions, and lists of these."""
        for one in _conditions(args):
            if not isinstance(one, Deferred):
                left, other = (one, one) if isinstance(one, str) else one
                self._known(left)
                right._known(other)
        return args

    def _equal(self, args: Sequence[Any]) -> Iterator[str]:
        """Yield the columns that both sides have, and that must be equal."""
        for one in _conditions(args):
            if isinstance(one, str):
                yield one
            elif isinstance(one, Deferred) and one._kind == "__eq__":
                names = {side._parts[1] for side in one._parts if isinstance(side, Value) and side._kind == "member"}
                if len(names) == 1 and isinstance(one._parts[1], Value) and one._parts[0]._kind == "member":
                    yield names.pop()

    def _joined(
        self, right: Table, how: str, args: Sequence[Any], kwargs: dict[str, Any], equal: frozenset[str] = frozenset()
    ) -> Table:
        form = kwargs.get("rname", _RIGHT)
        theirs = [name if name not in self.columns else form.format(name=name)
                  for name in right.columns if name not in equal or name not in self.columns]
        return self._made((*self.columns, *theirs), how, (right, *self._keys(right, args)), kwargs)


class Grouped:
    """A table in groups."""

    def __init__(self, of: Table, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self._of, self._by = of, of._given(args, kwargs)
        self._noted = Deferred("call", *called(of, "group_by", of._noted(args), of._noted(kwargs)))

    def agg(self, *args: Any, **kwargs: Any) -> Table:
        """Return a row for each group, of what is counted over it."""
        of = self._of
        columns = [*self._by, *of._given(args, kwargs)]
        return Table(columns, "call", *called(self._noted, "agg", of._noted(args), of._noted(kwargs)))


def _conditions(given: Iterable[Any]) -> Iterator[Any]:
    """Yield what a join is given: a name, a pair or a condition each; some stand in lists."""
    for one in given:
        yield from one if isinstance(one, (list, tuple)) else [one]


def _flat(given: Iterable[Any]) -> Iterator[Any]:
    for one in given:
        if isinstance(one, (list, tuple)):
            yield from _flat(one)
        else:
            yield one


def union(*tables: Table, distinct: bool | None = None) -> Table:
    """Return the rows of all; each once, if they are to be `distinct`. They have the same columns."""
    for other in tables[1:]:
        if set(other.columns) != set(tables[0].columns):
            odd = sorted(set(other.columns) ^ set(tables[0].columns))
            raise TypeError(f"tables of different columns: {', '.join(odd[:_NAMES_NAMED])}")
    named = {} if distinct is None else {"distinct": distinct}
    return Table(tables[0].columns, "call", *called(IBIS, "union", tables, named))


def table(name: str, columns: Sequence[tuple[str, str]]) -> Table:
    """Return the table of that name in the engine, with these columns and the engine's names of their types."""
    return Table([column for column, _ in columns], "table", name, tuple(columns))
