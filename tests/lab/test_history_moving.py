from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from counterfoil.lab.history.estate import Written, write_estate
from counterfoil.lab.history.names import OUTLOOK_MOBILE

from . import histories, reading

SMALL = histories.tiny().tenant
DESKTOP = "d3590ed6-52b3-4102-aeff-aad2292ab01c"
Told = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Write one history of people who all move about."""
    folder = tmp_path_factory.mktemp("moving")
    return histories.moving().write(folder / "logs", folder / "truth.jsonl")


@pytest.fixture(scope="module")
def telephones(moving: Written) -> list[reading.Record]:
    """Return the successful sign-ins of telephones, oldest first."""
    rows = [row for row in reading.signins(moving.folder) if row["appId"] == OUTLOOK_MOBILE]
    return sorted((row for row in rows if not row["status"]["errorCode"]), key=lambda row: str(row["createdDateTime"]))


def by_day(rows: list[reading.Record], field: str) -> Told:
    """Return the values of a field of each person and day."""
    found: Told = defaultdict(lambda: defaultdict(set))
    for row in rows:
        found[row["userId"]][row["createdDateTime"][:10]].add(row[field])
    return found


def test_a_telephone_has_another_address_each_day(telephones: list[reading.Record]) -> None:
    """Within a day a person's telephone has one address of its carrier's, on the next day another."""
    for days in by_day(telephones, "ipAddress").values():
        assert all(len(addresses) == 1 for addresses in days.values())
        assert len(set.union(*days.values())) == len(days)
    assert {ip_address(row["ipAddress"]).version for row in telephones} == {4, 6}


def test_a_telephone_keeps_its_session_until_it_is_replaced(telephones: list[reading.Record]) -> None:
    """A telephone has one session for all its days; a new one has a new session, another make and another device."""
    traits: defaultdict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for row in telephones:
        device = row["deviceDetail"]
        traits[row["userId"]].add((row["sessionId"], device["operatingSystem"], device["deviceId"]))
    assert max(map(len, traits.values())) == 2
    for pairs in traits.values():
        assert all(len(set(values)) == len(pairs) for values in zip(*pairs, strict=True))


def test_programs_are_updated(telephones: list[reading.Record]) -> None:
    """A telephone's program has several versions within two weeks, never two on one day."""
    agents = by_day(telephones, "userAgent")
    assert all(len(versions) == 1 for days in agents.values() for versions in days.values())
    assert max(len(set.union(*days.values())) for days in agents.values()) >= 3


def test_on_a_journey_all_comes_from_one_network(moving: Written) -> None:
    """Where the desktop is used away from the office, all else of that day is, too, but for the telephone."""
    rows = [row for row in reading.signins(moving.folder) if row.get("userId") and row["appId"] != OUTLOOK_MOBILE]
    everything = by_day(rows, "ipAddress")
    away = {
        (row["userId"], row["createdDateTime"][:10])
        for row in rows
        if row["appId"] == DESKTOP and not row["ipAddress"].startswith("192.0.2.")
    }
    assert 5 < len(away) <= 3 * 12
    assert all(len(everything[person][day]) == 1 for person, day in away)


def test_who_does_not_move_is_left_as_before(tmp_path: Path) -> None:
    """Half of the people moving changes nothing for the other half: the same ids, places and programs."""
    for name, share in (("none", 0.0), ("half", 0.5)):
        write_estate(replace(SMALL, moving_share=share), [], [], tmp_path / name, tmp_path / f"{name}.jsonl")
    told = {name: _by_person(tmp_path / name) for name in ("none", "half")}
    same = [person for person, rows in told["none"].items() if rows == told["half"][person]]
    assert 0 < len(same) < len(told["none"])
    assert {row["token_id"] for row in reading.truth(tmp_path / "none.jsonl")} == {
        row["token_id"] for row in reading.truth(tmp_path / "half.jsonl")
    }


def _by_person(folder: Path) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in reading.signins(folder):
        found[row.get("userId", "")].add(json.dumps(row, sort_keys=True))
    return found


def test_tenants_of_many_seeds_share_nobody() -> None:
    """Names, object ids and tenant ids of two seeds differ, so that one case can hold both."""
    people = (histories.identities(histories.moving(seed).tenant) for seed in (1, 2))
    one, other = ({part for pair in pairs for part in pair} for pairs in people)
    assert not one & other
    assert histories.moving(1).tenant.tenant_id != histories.moving(2).tenant.tenant_id
    assert [str(item) for item in histories.moving(1).declarations()] == [
        str(item) for item in histories.moving(2).declarations()
    ]
