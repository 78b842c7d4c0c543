"""Working hours: what the hours of somebody's acts say of his time zone, and when they say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from counterfoil.investigate.intrusions.hours import hours

MONDAY = datetime(2025, 9, 1)  # noqa: DTZ001  # naive UTC, as in every case


def at(days: Sequence[int], by_hour: Sequence[int]) -> list[datetime]:
    """Return these hours of these days."""
    return [MONDAY + timedelta(days=day, hours=hour) for day in days for hour in by_hour]


WEEK = range(5)
# hours -> offsets of the zones that fit
STORIES: dict[str, tuple[list[datetime], set[int]]] = {
    "nine to five in Beijing": (at(WEEK, range(1, 9)), {7, 8, 9}),
    "nine to five in London": (at(WEEK, range(9, 17)), {-1, 0, 1}),
    "a night over midnight is one night": (at(range(4), (22, 23, 24, 25, 26, 27, 28, 29)), {-12, 10, 11, 12}),
    "round the clock": (at(range(7), range(24)), set()),
    "a weekend is nobody's week": (at((5, 6), range(9, 17)), set()),
    "nine hours are too few": (at((0,), range(9, 18)), set()),
    "nothing at all": ([], set()),
}


@pytest.mark.parametrize(("active", "zones"), STORIES.values(), ids=STORIES.keys())
def test_which_zones_fit(active: list[datetime], zones: set[int]) -> None:
    """Each story fits these zones, in any order and however often an hour is told."""
    found = hours(active)
    assert {zone.offset for zone in found.zones} == zones
    assert hours([*reversed(active), *active]) == found
    assert sum(found.by_hour) == sum(found.by_day) == found.active == len(set(active))


def test_the_mean_of_a_night_is_at_night() -> None:
    """Hours lie on a circle: the mean of 23 and 1 o'clock is midnight, not noon."""
    found = hours(at(WEEK, (22, 24, 25, 23)))
    assert found.mean == 0.0
    assert found.concentration > 0.9
    assert found.chance < 0.01
