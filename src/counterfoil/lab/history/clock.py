"""Times as integers (microseconds since 1970 UTC) and their texts, from tables because millions are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SLICE = 10 * MINUTE  # records are held and written by slices of this length: small enough to stay in the cache
_EPOCH = date(1970, 1, 1)
_TIMES = tuple(f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400))


class _Dates(dict[int, str]):
    def __missing__(self, number: int) -> str:
        text = (_EPOCH + timedelta(days=number)).isoformat()
        self[number] = text
        return text


_DATES = _Dates()


def midnight(day: date) -> int:
    """Return the first microsecond of `day` (UTC)."""
    return (day - _EPOCH).days * DAY


def instant(moment: datetime) -> int:
    """Return an aware `moment` in microseconds since 1970."""
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def day_of(t: int) -> date:
    """Return the UTC date of `t`."""
    return _EPOCH + timedelta(days=t // DAY)


def seconds(t: int) -> str:
    """Return `t` cut to whole seconds, without zone: `2025-09-01T08:00:00`, as the audit log writes it."""
    number, rest = divmod(t, DAY)
    return _DATES[number] + _TIMES[rest // SECOND]


def ticks(t: int) -> str:
    """Return `t` with seven fractional digits and Z, as Entra writes it."""
    number, rest = divmod(t, DAY)
    second, micro = divmod(rest, SECOND)
    return f"{_DATES[number]}{_TIMES[second]}.{micro:06d}0Z"


def american(t: int) -> str:
    """Return `t` as `9/1/2025 8:00:00 AM`, as PowerShell writes it under the United States' settings."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t)
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
