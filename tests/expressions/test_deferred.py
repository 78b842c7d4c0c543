"""What is written down, and what its key tells."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.expressions import ibis
from counterfoil.expressions.built import built
from counterfoil.expressions.compiled import recording, sql
from counterfoil.expressions.deferred import Deferred
from counterfoil.expressions.tables import table
from counterfoil.expressions.values import bound, builtin

T = table("t", [("a", "VARCHAR"), ("n", "BIGINT"), ("w", "TIMESTAMP"), ("l", "VARCHAR[]")])


def _key(expression: Any) -> bytes:
    assert isinstance(expression, Deferred)
    return expression._key


def _rows(expression: Any) -> list[tuple[Any, ...]]:
    con = duckdb.connect()
    con.execute("CREATE TABLE t (a VARCHAR, n BIGINT, w TIMESTAMP, l VARCHAR[])")
    con.execute("INSERT INTO t VALUES ('x', 1, '2025-01-01', ['p', NULL]), ('y', 2, NULL, []), (NULL, 3, NULL, NULL)")
    return con.execute(sql(expression)).fetchall()


# Pairs that differ in one thing: each must have a key of its own.
DIFFERENT = {
    "a member": (T.a, T.n),
    "a table's name": (T.a, table("u", [("a", "VARCHAR"), ("n", "BIGINT"), ("w", "TIMESTAMP"), ("l", "VARCHAR[]")]).a),
    "a column's type": (table("t", [("a", "VARCHAR")]), table("t", [("a", "BIGINT")])),
    "a constant": (T.n == 1, T.n == 2),
    "the type of a constant": (T.n == 1, T.n == "1"),
    "true and one": (T.n == 1, T.n == True),  # noqa: E712
    "the order of two sides": (T.n - 1, 1 - T.n),
    "an operator": (T.n < 1, T.n <= 1),
    "where a list ends": (T.a.isin(["a", "b"]), T.a.isin(["a"], "b")),
    "how texts are cut": (ibis.coalesce("ab", "c"), ibis.coalesce("a", "bc")),
    "a name of an argument": (T.agg(x=T.n.sum()), T.agg(y=T.n.sum())),
    "the order of columns": (T.select(x=T.a, y=T.n), T.select(y=T.n, x=T.a)),
    "which variable of two": (
        T.l.map(lambda one: T.l.map(lambda other: one + other)),
        T.l.map(lambda one: T.l.map(lambda other: other + one)),
    ),
    "what is bound": (T.a == bound("one", "x"), T.a == bound("other", "x")),
    "a text and texts": (T.a.isin(bound("one", "x")), T.a.isin(bound("one", ["x"]))),
    "a duration": (ibis.literal(timedelta(1)), ibis.literal(timedelta(2))),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_a_key_tells(one: Any, other: Any) -> None:
    """What differs in anything has another key."""
    assert _key(one) != _key(other)


_CONSTANTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one, max_size=3)
)


@given(_CONSTANTS, _CONSTANTS)
@settings(max_examples=300)
def test_constants_have_one_key_each(one: Any, other: Any) -> None:
    """Two constants have one key only if they are the same, of the same type."""
    assert (_key(ibis.literal(one)) == _key(ibis.literal(other))) == (repr(one) == repr(other))


def test_what_is_written_alike_has_one_key() -> None:
    """Written twice, with functions and bound values in it, an expression is the same."""

    def written(value: str) -> Any:
        many = T.filter(lambda t: t.n > 1)
        return many.mutate(big=T.l.map(lambda one: one.upper()), own=T.a.isin(bound("own", [value])))

    assert _key(written("x")) == _key(written("y"))
    assert sql(written("x")) != sql(written("y"))


ONE = T.filter(T.n == 1)
RUN = {
    "functions": (T.filter(lambda t: t.n > 1).select(x=lambda t: t.n * 2), [(4,), (6,)]),
    "a function in a function": (
        ONE.select(x=T.l.map(lambda p: T.l.map(lambda q: p + q))), [([["pp", None], [None, None]],)],
    ),
    "a bound text": (T.filter(T.a == bound("name", "x")).select("n"), [(1,)]),
    "a bound text with a quote": (ONE.select(x=ibis.literal(bound("name", "it's '⟦other⟧'"))), [("it's '⟦other⟧'",)]),
    "a name of two words": (T.filter(T.a == bound("act_as - own", "x")).select("n"), [(1,)]),
    "bound texts": (T.filter(T.a.isin(bound("names", ["y", "x"]))).select("n").order_by("n"), [(1,), (2,)]),
    "no bound text": (T.filter(T.a.isin(bound("names", []))).select("n"), []),
    "a function of the engine": (
        ONE.select(x=builtin("repeat", ("string", "int64"), "string")(T.a, T.n + 2)), [("xxx",)],
    ),
    "an operator on either side": (ONE.select(x=3 - T.n, y=~(T.n == 1), z=-T.n), [(2, False, -1)]),
    "a slice": (ONE.select(x=T.l[:1]), [(["p"],)]),
}


@pytest.mark.parametrize(("expression", "expected"), RUN.values(), ids=RUN.keys())
def test_it_is_computed(expression: Any, expected: list[tuple[Any, ...]]) -> None:
    """What was written down is what the engine computes."""
    assert sorted(_rows(expression)) == expected


U = table("u", [("a", "VARCHAR"), ("n", "BIGINT"), ("x", "BIGINT")])
SHAPES = {
    "a table": T,
    "selected": T.select("n", T.a, T["w"].name("when"), y=T.n + 1),
    "with more": T.mutate(T.n.name("m"), n=T.n + 1, y=T.n),
    "without some": T.drop("a", "w"),
    "renamed": T.rename(b="a", m="n"),
    "filtered": T.filter(T.n > 1, lambda t: t.a == "x"),
    "once": T.distinct(),
    "once for each": T.distinct(on=["n", "a"], keep="first"),
    "in order": T.order_by([T.n.desc(), "a"]).limit(2),
    "joined by name": T.join(U, "n"),
    "joined by a pair": T.join(U, [("n", "x")]),
    "joined by what is equal": T.join(U, [T.n == U.n, T.a == U.a]),
    "joined by a bound": T.join(U, T.n < U.n),
    "joined, where there is one": T.left_join(U, "n"),
    "joined under other names": T.left_join(U, ["n", "a"], rname="{name}_u"),
    "joined, inner, under other names": T.join(U, T.n == U.x, rname="{name}_u"),
    "joined twice": T.left_join(U, "n", rname="{name}_1").left_join(U, "n", rname="{name}_2"),
    "joined with itself": T.join(T.view(), "n"),
    "where there is one": T.semi_join(U, ["n"]),
    "where there is none": T.anti_join(U, T.n == U.x),
    "counted": T.agg(T.count().name("c"), most=T.n.max()),
    "counted by": T.group_by("a", day=T.w.date()).agg(n=T.count(where=T.n > 1)),
    "together": ibis.union(T, T.filter(T.n == 1), distinct=True),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_columns_are_known(shape: Any) -> None:
    """A table that was written down tells its columns, as Ibis does."""
    assert shape.columns == tuple(built(shape).columns)


MISTAKES = {
    "a column that is not there": (lambda: T.b, "no column 'b' among 4: a, n, w, l"),
    "a column that was left out": (lambda: T.select("a").n, "no column 'n'"),
    "a method that is none": (lambda: cast("Any", T.a).fill_nul(False), "fill_nul"),
    "columns to join by that one side lacks": (lambda: T.semi_join(T.select("a"), "n"), "no column 'n'"),
    "tables that are not alike": (lambda: ibis.union(T, T.drop("a")), "different columns: a"),
    "a column without a name": (lambda: T.select(T.n + 1), "without a name"),
    "truth": (lambda: bool(T.n == 1), "neither true nor false"),
    "a loop": (lambda: [*iter(cast("Any", T.a))], "not iterable"),
    "a name that SQL would not hold": (lambda: bound("Name'", "x"), "not a name"),
    "what is no constant": (lambda: T.a == object(), "cannot stand in an expression: object"),
}


@pytest.mark.parametrize(("mistake", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_told(mistake: Any, words: str) -> None:
    """What cannot be written down fails where it is written."""
    with pytest.raises((AttributeError, TypeError, ValueError), match=words):
        mistake()


def test_recording_finds_all_anew() -> None:
    """What is shipped is made from what the expressions say, not from what was shipped before."""
    expression = T.filter(T.n == 41).select("a")
    text = sql(expression)
    with recording() as known:
        assert sql(expression) == text
        assert known == {_key(expression).hex(): text}
