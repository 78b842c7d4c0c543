"""Working hours: when somebody is active by day and week in UTC, and in which time zones that would be office hours.

Hours lie on a circle, so their mean is that of directions (Mardia, Jupp, Directional Statistics, 1999). An hour of a
day in which anything happened counts once: who reads a thousand messages works no longer than who reads ten.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from counterfoil.model.habits import Hours, Zone

# Fewer active hours, or hours as spread as chance spreads them, tell of no time zone.
MIN_HOURS, MAX_CHANCE = 10, 0.01
# Office hours: Monday to Friday, local, from the first to before the second.
OFFICE = (8, 18)
# Zones fit if this share of the active hours lies in office hours there, and no zone has much more.
FITS, NEAR = 0.7, 0.05
_ZONES = range(-12, 15)


def hours(active: Iterable[datetime]) -> Hours:
    """Return the profile of hours (naive UTC, each at its beginning) in which somebody was active, each once."""
    every = sorted(set(active))
    by_hour, by_day = [0] * 24, [0] * 7
    for when in every:
        by_hour[when.hour] += 1
        by_day[when.weekday()] += 1
    mean, length = _direction(by_hour)
    chance = _rayleigh(len(every), length)
    telling = len(every) >= MIN_HOURS and chance <= MAX_CHANCE
    return Hours(tuple(by_hour), tuple(by_day), len(every), mean, length, chance, _zones(every) if telling else ())


def _direction(by_hour: list[int]) -> tuple[float | None, float]:
    """Return the mean hour, None where there is none, and the mean resultant length: 0 spread evenly, 1 one hour."""
    total = sum(by_hour)
    if not total:
        return None, 0.0
    angles = [2 * math.pi * (hour + 0.5) / 24 for hour in range(24)]
    x = sum(count * math.cos(angle) for count, angle in zip(by_hour, angles, strict=True)) / total
    y = sum(count * math.sin(angle) for count, angle in zip(by_hour, angles, strict=True)) / total
    length = math.hypot(x, y)
    if length < 1e-9:
        return None, 0.0
    return round(math.atan2(y, x) * 24 / (2 * math.pi) % 24, 2), round(length, 4)


def _rayleigh(many: int, length: float) -> float:
    """Return the chance that hours spread at random are as concentrated (Rayleigh's test; Zar, 1999, equation 27.4)."""
    if not many:
        return 1.0
    resultant = many * length
    inside = max(0.0, 1 + 4 * many + 4 * (many**2 - resultant**2))
    return round(min(1.0, math.exp(math.sqrt(inside) - (1 + 2 * many))), 6)


def _zones(every: list[datetime]) -> tuple[Zone, ...]:
    """Return the zones that fit best."""
    shares = []
    for offset in _ZONES:
        local = [when + timedelta(hours=offset) for when in every]
        inside = sum(when.weekday() < 5 and OFFICE[0] <= when.hour < OFFICE[1] for when in local)
        shares.append(Zone(offset, round(inside / len(every), 3)))
    best = max(zone.share for zone in shares)
    return tuple(zone for zone in shares if zone.share >= max(FITS, best - NEAR))
