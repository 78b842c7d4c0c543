"""Months of a custody log: ordinary life, with whatever raises eyebrows in it, and an insider.

Ordinary life has a token service with the day and week of people in it, three administrators with hours of their own,
smoke tests, rotations on plan, nights on call, a holiday, a holiday of one of them, a new application, a new colleague
and a new release. The insider is one of the administrators.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from counterfoil.model.counterfoil import CUSTODY_SCHEMA

ORIGIN = "custody.example/idp"
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
SERVICE, SIGNER = "user:tokens", "/opt/idp/bin/signer"
TOOL, OTHER_TOOL = "/usr/bin/counterfoil", "/home/carol/.cache/fetch"
INSIDER = "user:carol"
_ADMINS = {"user:alice": (7, 16), INSIDER: (9, 18), "user:bob": (8, 17)}
_WORKDAYS = 5
_NIGHT, _DAY = 0.15, 1.0


@dataclass(frozen=True)
class Planted:
    """What the watch must find: a clue of `rule` and of `principal` (any, if empty) on one of these days."""

    name: str
    rule: str
    principal: str
    first: datetime
    last: datetime


@dataclass(frozen=True)
class CustodyLog:
    """Lines of an export in their order, and what was planted."""

    lines: tuple[str, ...]
    planted: tuple[Planted, ...]


@dataclass(frozen=True)
class _Act:
    time: datetime
    op: str
    principal: str
    process: str
    key: str
    result: str = "done"


def custody_log(days: int = 90, seed: int = 1, *, hourly: float = 40, insider: bool = True) -> CustodyLog:
    """Return the log of so many days; `hourly`: signatures of the larger key in a busy hour. From 60 days on."""
    chance = random.Random(seed)  # noqa: S311  # a history is drawn, no secret
    late = days * 2 // 3
    acts = [*_service(chance, days, hourly, late + 8 if insider else days), *_administration(chance, days)]
    planted: tuple[Planted, ...] = ()
    if insider:
        acts += _insider(chance, late)
        planted = _planted(late)
    lines = list(_lines(sorted(acts, key=lambda act: act.time)))
    if insider:
        lines = _cut(lines, START + timedelta(days=late + 20, hours=10), 40)
    return CustodyLog(tuple(lines), planted)


def _service(chance: random.Random, days: int, hourly: float, drift_from: int) -> Iterator[_Act]:
    """Yield what the token service signs; from the day `drift_from` on half as much again, without a reason."""
    for day in range(days):
        mood = chance.uniform(0.9, 1.1) * (1.15 if day >= days // 2 else 1)  # a new application
        mood *= 0.4 if day == days // 3 else 1  # a public holiday
        mood *= 1.5 if drift_from <= day < drift_from + 10 else 1
        for hour in range(24):
            busy = _DAY if day % 7 < _WORKDAYS and 6 <= hour < 18 else _NIGHT
            for key, share in (("idp", 1.0), ("api", 0.4)):
                for _ in range(_poisson(chance, hourly * share * busy * mood * chance.uniform(0.85, 1.15))):
                    when = START + timedelta(days=day, hours=hour, seconds=chance.uniform(0, 3_600))
                    signer = SIGNER if day < days * 3 // 5 else "/opt/idp-next/bin/signer"  # a new release
                    yield _Act(when, "sign", SERVICE, signer, key)


def _administration(chance: random.Random, days: int) -> Iterator[_Act]:
    """Yield what administrators do: looking, smoke tests, rotations on plan, and nights on call."""
    admins = _ADMINS | {"user:dave": (8, 17)}
    for day in range(days):
        for name, (begin, end) in admins.items():
            away = name == "user:bob" and days // 2 <= day < days // 2 + 14  # a holiday of his
            away |= name == "user:dave" and day < days // 2  # a new colleague
            if day % 7 < _WORKDAYS and not away:
                for _ in range(_poisson(chance, 1.6)):
                    when = START + timedelta(days=day, hours=chance.triangular(begin, end))
                    yield _Act(when, chance.choice(("list", "sign", "sign")), name, TOOL, chance.choice(("idp", "api")))
        if day % 28 == 8:
            yield _Act(START + timedelta(days=day, hours=10), "prepare", "user:alice", TOOL, "idp")
            yield _Act(START + timedelta(days=day + 1, hours=10), "rotate", "user:alice", TOOL, "idp")
    for day in (days // 2 - 9, days - 12):  # on call
        yield _Act(START + timedelta(days=day, hours=chance.uniform(0, 4)), "sign", "user:bob", TOOL, "idp")


def _insider(chance: random.Random, late: int) -> Iterator[_Act]:
    """Yield what the insider does under the own account: at night, with an own tool, and asking for the key."""
    monday = late - late % 7 + 7
    for minute in range(5):
        yield _Act(START + timedelta(days=monday + 1, hours=2.5, minutes=minute), "sign", INSIDER, TOOL, "idp")
    for _ in range(3):
        yield _Act(START + timedelta(days=monday + 2, hours=chance.uniform(10, 17)), "sign", INSIDER, OTHER_TOOL, "idp")
    yield _Act(START + timedelta(days=monday + 3, hours=14), "export", INSIDER, TOOL, "idp", "refused")


def _planted(late: int) -> tuple[Planted, ...]:
    def on(day: int, more: int = 1) -> tuple[datetime, datetime]:
        return (START + timedelta(days=day)).replace(tzinfo=None), (START + timedelta(days=day + more)).replace(
            tzinfo=None)

    monday = late - late % 7 + 7
    return (
        Planted("a night at the key", "key-off-hours", INSIDER, *on(monday + 1)),
        Planted("an own tool", "key-new-process", INSIDER, *on(monday + 2)),
        Planted("an attempt to export", "key-taking", INSIDER, *on(monday + 3)),
        Planted("half as many signatures again", "key-rate-drift", "", *on(late + 8, 17)),
        Planted("entries that were cut out", "key-log-hole", "", *on(late + 20)),
    )


def _lines(acts: list[_Act]) -> Iterator[str]:
    """Yield two entries for each act: its beginning and its end."""
    for number, act in enumerate(acts):
        digest = hashlib.sha256(f"{number}".encode()).hexdigest() if act.op == "sign" else None
        begun = {
            "v": 1, "time": f"{act.time:%Y-%m-%dT%H:%M:%S.%fZ}", "op": act.op, "result": "begun",
            "principal": act.principal, "process": f"{1_000 + number % 9_000} {act.process}", "host": "signer1",
            "key": act.key, "kid": f"{act.key}-1", "algorithm": "ES256",
        }
        ended = {"v": 1, "time": f"{act.time + timedelta(milliseconds=4):%Y-%m-%dT%H:%M:%S.%fZ}", "op": act.op,
                 "result": act.result, "of": 2 * number}
        for place, entry in enumerate((begun | ({"digest": digest} if digest else {}), ended)):
            yield json.dumps({"schema": CUSTODY_SCHEMA, "log": ORIGIN, "index": 2 * number + place, "entry": entry})


def _cut(lines: list[str], after: datetime, count: int) -> list[str]:
    """Return the lines without so many after that time."""
    begin = next(place for place, line in enumerate(lines)
                 if json.loads(line)["entry"]["time"] > f"{after:%Y-%m-%dT%H:%M:%S}")
    return lines[:begin] + lines[begin + count :]


def _poisson(chance: random.Random, mean: float) -> int:
    """Return how many of a rare thing happen (Knuth's method, in parts that do not underflow)."""
    total = 0
    while mean > 0:
        part = min(mean, 50.0)
        mean -= part
        limit, product = 2.718281828459045**-part, chance.random()
        while product > limit:
            total += 1
            product *= chance.random()
    return total
