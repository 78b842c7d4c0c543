"""Every rule over genuine tokens fires where a token is in two hands, and stays silent on what moves lawfully."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from counterfoil.case.tables import Tables as Kept
from counterfoil.detect.registry import use_rules
from counterfoil.detect.rule import HOMES, MOVED, SEEN_AT, UseTables
from counterfoil.expressions import ir

from .tables import DAY, NOW, opened

Use = tuple[str, str, str, str, int]  # token, subject, network, agent, days after NOW
BEGIN = NOW - 20 * DAY


def at(network: str, agent: str = "outlook", *, day: int = 0, who: str = "ada", held: str = "t") -> Use:
    """Return a use of a token."""
    return held, who, network, agent, day


OFFICE, CAFE, PROXY = "192.0.2", "198.51.100", "203.0.113"
HOME = at(OFFICE)
THIEF = at(PROXY, "python-requests")

FIRES: Mapping[str, tuple[Use, ...]] = {
    "a script, from a network that nobody had": (HOME, THIEF),
    "beside a telephone that moves": (HOME, at(CAFE), THIEF),
    "three tokens of three people": (HOME, THIEF, *(
        use for n in range(2) for use in (at(OFFICE, who=f"p{n}", held=f"t{n}"),
                                          at(PROXY, "python-requests", who=f"p{n}", held=f"t{n}")))),
}
SILENT: Mapping[str, tuple[Use, ...]] = {
    "a telephone that moves": (HOME, at(CAFE)),
    "a program that the user has at home as well": (HOME, at(PROXY, "teams"), at(OFFICE, "teams", held="u")),
    "a service that was there for somebody else a week before": (
        HOME, at(PROXY, "addin"), at(PROXY, "addin", day=-8, who="bob", held="u")),
    "a service of many people": (HOME, at(PROXY, "addin"), *(
        at(PROXY, "addin", who=f"p{n}", held=f"t{n}") for n in range(4))),
    "a network that the log began with": (at(OFFICE, day=-20), at(PROXY, "addin", day=-20)),
    "a token that its owner never used at home": (at(CAFE), THIEF),
    "no agent in the record": (HOME, at(PROXY, "")),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Yield an engine for all scenes."""
    with opened(tmp_path_factory.mktemp("uses")) as tables:
        yield tables


def told(kept: Kept, uses: tuple[Use, ...]) -> set[tuple[str, str]]:
    """Return the tokens and networks for which the rule holds; people sign in at the office."""
    rows = [{"token_key": token, "subject": who, "network": network, "user_agent": agent or None,
             "seconds": NOW + day * DAY} for token, who, network, agent, day in uses]
    people = {row["subject"] for row in rows}
    (rule,) = use_rules()
    found = rule.find(UseTables(
        moved=_table(kept, "given_moved", MOVED.columns, rows),
        seen=_table(kept, "given_seen", SEEN_AT.columns, rows),
        homes=_table(kept, "given_homes", HOMES.columns, [{"subject": who, "network": OFFICE} for who in people]),
        begin=_table(kept, "given_begin", ("begin",), [{"begin": BEGIN}]),
    ))
    return {(row["token_key"], row["network"]) for row in kept.rows(found)}


def _table(kept: Kept, name: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> ir.Table:
    dtypes = {column: "int64" if column in ("seconds", "begin") else "string" for column in columns}
    return kept.given(name, dtypes, [[row[column] for column in columns] for row in rows])


@pytest.mark.parametrize("scene", FIRES)
def test_fires(kept: Kept, scene: str) -> None:
    """The token is told with the network of the second hand, and no other is."""
    assert ("t", PROXY) in told(kept, FIRES[scene])
    assert {network for _, network in told(kept, FIRES[scene])} == {PROXY}


@pytest.mark.parametrize("scene", SILENT)
def test_stays_silent(kept: Kept, scene: str) -> None:
    """Nothing is told."""
    assert told(kept, SILENT[scene]) == set()
