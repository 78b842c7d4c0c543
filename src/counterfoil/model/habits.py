"""What an intruder is used to: places, hours, programs, applications, acts, techniques. Times are naive UTC.

Every list is cut at MAX_HABITS, the most used first unless it says otherwise; `total` counts are whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_HABITS = 50
MAX_SHOWN = 5  # records that show one technique


@dataclass(frozen=True)
class Zone:
    """A time zone by its offset from UTC in hours, and the share of active hours that are office hours there."""

    offset: int
    share: float


@dataclass(frozen=True)
class Hours:
    """Active hours by hour of the day (0 to 23, UTC) and weekday (Monday first); `active` is their number.

    `mean` is None where they have no direction; `concentration` goes from 0 (even) to 1 (one hour); `chance`: that
    hours spread at random are as concentrated. `zones` is empty where the hours do not tell.
    """

    by_hour: tuple[int, ...]
    by_day: tuple[int, ...]
    active: int
    mean: float | None
    concentration: float
    chance: float
    zones: tuple[Zone, ...]


@dataclass(frozen=True)
class Used:
    """Something that was used: an address, a network, an agent, an application; `detail` says more of it.

    `overlaps`: how many others of its list were used while it was. `people`: of the estate who use it too.
    """

    name: str
    detail: str
    first_seen: datetime
    last_seen: datetime
    records: int
    days: int
    overlaps: int
    people: int


@dataclass(frozen=True)
class Act:
    """An operation, with its outcome: in the order in which each was first done."""

    operation: str
    outcome: str
    first_seen: datetime
    last_seen: datetime
    records: int


@dataclass(frozen=True)
class Technique:
    """A technique of ATT&CK and what shows it: rules of findings, operations, and some records as `path:position`."""

    id: str
    name: str
    why: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    records: int
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """From a time on other values of a kind (agent, application, operation, network) were used, and none of before."""

    kind: str
    at: datetime
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Habits:
    """All of it. `dwell`: from the first record to the last. `refused`: acts that were tried and not let in, or denied.

    `most_at_once`: networks that were in use within one hour, at most.
    """

    addresses: tuple[Used, ...]
    networks: tuple[Used, ...]
    agents: tuple[Used, ...]
    applications: tuple[Used, ...]
    most_at_once: int
    hours: Hours
    acts: tuple[Act, ...]
    refused: tuple[Act, ...]
    techniques: tuple[Technique, ...]
    changes: tuple[Change, ...]
    dwell: timedelta
