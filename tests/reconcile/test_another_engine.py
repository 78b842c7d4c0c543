"""What is written in Ibis means the same on Spark as on DuckDB: reconciliation and the rules, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from counterfoil.case.engine import engine
from counterfoil.case.tables import Tables
from counterfoil.detect.decoy_key import planted, refused
from counterfoil.expressions import ibis
from counterfoil.expressions.values import bound
from counterfoil.investigate.groups import groups, uses
from counterfoil.investigate.hunt import judged_tokens
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.farm_key import taken

from .engine_run import answered, reconciled
from .groups import Group
from .rows import Row
from .test_cases import GROUPS

# Groups of cases by one of each, and in how many batches they come: these ask an engine for every table that any group
# asks it to keep, by most of the expressions: logs of issuers' own, broken laws, tables of requests, added evidence.
JUDGED = {
    "an issued id is minted": 1,
    "a token of an own issuer: what the ledger holds is minted by its digest": 2,
    "with a declaration and enough that link, what the table lacks is forged": 2,
}
DIGITS = 12  # of a measured number: sums have no order


def _all(engines: Sequence[Engine], group: Group) -> dict[str, Any]:
    """Return all that a hunt asks of reconciliation and of the rules, by name; each engine adds a batch of the rows."""
    batches = [group.rows[place :: len(engines)] for place in range(len(engines))]
    out = reconciled(engines, batches, group.settings, group.policy)
    engine = engines[-1]
    told = vars(answered(engine, out, group.policy))
    judged = judged_tokens(engine, out, group.policy)
    decoys = {"decoys": planted(out.records, out.facts.logs), "refused": refused(out.records, out.facts.logs)}
    asked = {"judged": judged, "groups": groups(judged), "first uses": uses(judged), **decoys}
    rows = told | {name: engine.rows(table) for name, table in asked.items()}
    rows["thefts"] = taken(engine, out.records, out.facts.logs)
    return {name: value if name == "coverage" else _plain(value) for name, value in rows.items()}


def _plain(rows: Iterable[Row]) -> list[str]:
    """Return the rows in an order that no engine gives them."""
    return sorted(str({name: _value(row[name]) for name in sorted(row)}) for row in rows)


def _value(value: Any) -> Any:
    if isinstance(value, float | Decimal) or type(value) is int:
        return f"{float(value):.{DIGITS}g}"  # whole numbers are floats to some engine
    return value or None if isinstance(value, list) else value  # of no rows DuckDB collects NULL, Spark an empty list


@pytest.mark.xdist_group("spark")
@pytest.mark.parametrize("sentence", JUDGED)
def test_it_says_the_same(spark: Callable[[int], Sequence[Engine]], tmp_path: Path, sentence: str) -> None:
    """1 to 8, and what is strange: each token's verdict, reason, diagnosis and flags, and all else that is told."""
    (group,) = (group for group in GROUPS if sentence in group.placed)
    with engine(tmp_path, memory=None, threads=1) as con:
        wanted = _all([Tables(con, tmp_path / "piles")], group)
    assert wanted["tokens"]
    found = _all(spark(JUDGED[sentence]), group)
    assert found.keys() == wanted.keys()
    for name, rows in wanted.items():
        assert found[name] == rows, name


@pytest.mark.xdist_group("spark")
@pytest.mark.parametrize("text", ["it's", "a\\", "\\' OR '1", "''", '"', "⟦tenant⟧", "a\nb", "%_"])
def test_a_bound_text_is_that_text(spark: Callable[[int], Sequence[Engine]], text: str) -> None:
    """What is put into the SQL of an expression ends no text, and is read as it was written."""
    (other,) = spark(1)
    one = other.given("one", {"n": "int64"}, [[1]])
    assert other.rows(one.select(told=ibis.literal(bound("tenant", text)))) == [{"told": text}]
