"""The engine's version of canonical token ids gives what `model.ids.canonical` gives, for any text."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator, Sequence

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.case.canonical import MACROS, with_canonical_ids
from counterfoil.model.ids import NULL_FORMS, IdKind, canonical, uti

Case = tuple[IdKind, str | None]
Engine = Callable[[Sequence[Case]], list[str | None]]


def _ascii(guid: str) -> str:
    return base64.b64encode(guid.encode()).decode()


_GUIDS = st.uuids().map(str)
_ENCODED = st.one_of(
    _GUIDS, _GUIDS.map(str.upper), _GUIDS.map(uti), _GUIDS.map(lambda g: uti(g) + "=="),
    _GUIDS.map(lambda g: uti(g).replace("-", "+").replace("_", "/")), _GUIDS.map(_ascii),
    _GUIDS.map(str.upper).map(_ascii), st.just(uuid.UUID(int=0)).map(str).map(_ascii),
)
_BASE64 = "ABCQgwxyz019-_+/="
_NEARLY = st.one_of(
    st.text(_BASE64, min_size=20, max_size=25),
    st.text(_BASE64, min_size=46, max_size=50),
    st.text("0123456789abcdefABCDEF-", min_size=34, max_size=38),
    st.binary(min_size=36, max_size=36).map(lambda b: base64.b64encode(b).decode()),
    st.text("0123456789abcdef-G", min_size=36, max_size=36).map(_ascii),
)
_PADDED = st.tuples(
    st.sampled_from(["", " ", "  ", "\n", "\t", "\u00a0"]), _ENCODED, st.sampled_from(["", " ", "\r\n", "\x00"])
)
# Texts reach the engine as UTF-8, which lone surrogates are not.
_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_LONG = st.tuples(st.integers(250, 262), st.sampled_from("xé中😀")).map(lambda pair: pair[0] * pair[1])
_TEXTS = st.one_of(st.none(), st.sampled_from(sorted(NULL_FORMS)), _ENCODED, _NEARLY, _PADDED.map("".join), _ANY, _LONG)
_CASES = st.lists(st.tuples(st.sampled_from(IdKind), _TEXTS), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield an engine that knows our macros."""
    with duckdb.connect() as con:
        for macro in MACROS:
            con.execute(macro)
        yield con


def _answers(con: duckdb.DuckDBPyConnection, cases: Sequence[Case], query: str) -> list[str | None]:
    columns = {
        "place": list(range(len(cases))),
        "token_id_kind": [str(kind) for kind, _ in cases],
        "token_id": pa.array([text for _, text in cases], pa.string()),
    }
    con.register("given", pa.table(columns))
    found = con.execute(f"SELECT token_id FROM ({query}) ORDER BY place").fetchall()  # noqa: S608  # our own
    return [row[0] for row in found]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=_CASES)
def test_columns_equal_the_function(connection: duckdb.DuckDBPyConnection, cases: list[Case]) -> None:
    """A column of ids gets what the function gives each of them."""
    expected = [canonical(kind, text) for kind, text in cases]
    assert _answers(connection, cases, with_canonical_ids("SELECT * FROM given")) == expected


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=_CASES)
def test_elements_of_lists_equal_the_function(connection: duckdb.DuckDBPyConnection, cases: list[Case]) -> None:
    """A list of ids gets what the function gives each of them."""
    lists = """SELECT place, token_id_kind, list(token_id ORDER BY place) OVER same AS texts,
        min(place) OVER same AS first FROM given WINDOW same AS (PARTITION BY token_id_kind)"""
    done = f"SELECT *, cf_token_ids(token_id_kind, texts) AS ids FROM ({lists})"  # noqa: S608  # our own
    query = f"SELECT place, ids[place - first + 1] AS token_id FROM ({done})"  # noqa: S608  # our own
    ordered = sorted(cases, key=lambda case: case[0])
    expected = [canonical(kind, text) for kind, text in ordered]
    assert _answers(connection, ordered, query) == expected


def test_an_id_without_a_kind_is_kept(connection: duckdb.DuckDBPyConnection) -> None:
    """Where the kind is not known, nothing is decoded; null forms are still none."""
    query = (
        "SELECT 1 AS x, NULL::VARCHAR AS token_id_kind, unnest(['c874WMifAk-OqBkIlk-ELg', 'null', NULL]) AS token_id"
    )
    found = connection.execute(with_canonical_ids(query)).fetchall()
    assert [row[2] for row in found] == ["c874WMifAk-OqBkIlk-ELg", None, None]
