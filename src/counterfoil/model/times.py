"""Times in every form in which exports write them, as UTC: read in one way, or not at all.

ISO 8601 with any offset; US and European dates with or without seconds and half days; names of months; the
`/Date(ms)/` of Windows PowerShell and the objects that it makes of times. The rules of day and month are those of
docs/sources/reading.md.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

MONTH_FIRST = "month"  # Azure itself writes so, whatever the locale
DAY_FIRST = "day"
TWO_WAYS = "two ways"

MAX_CHARS = 200
# .NET and Windows write the first moment of their calendars where there is no time.
NOTHING = (1, 1601)
# Of two readings of a date, the one this close to another time of its record is meant: tokens are used within two days.
NEAR = timedelta(days=2)

_OBJECT = re.compile(r'"(?:value|DateTime|SystemTime)"\s*:\s*"((?:[^"\\]|\\.)*)"')
_SPACES = re.compile(r"[,\s]+")
_DECIMAL_COMMA = re.compile(r"(:\d\d),(\d)")
_EPOCH = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_CLOCK = (
    r"(?P<h>\d{1,2})[:.](?P<m>\d\d)(?:[:.](?P<s>\d\d)(?:\.(?P<f>\d{1,9}))?)?(?: ?(?P<half>[ap])\.? ?m\.?)?"
    r"(?: ?(?:(?P<zero>z|utc|gmt)|(?P<sign>[+-])(?P<oh>\d\d)(?::?(?P<om>\d\d))?))?"
)
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})[-/](?P<one>\d{{1,2}})[-/](?P<two>\d{{1,2}})[t ]{_CLOCK}", re.I)
_YEAR_LAST = re.compile(rf"(?P<one>\d{{1,2}})(?P<by>[/.-])(?P<two>\d{{1,2}})(?P=by)(?P<year>\d{{4}}) {_CLOCK}", re.I)
_NAMED = re.compile(
    rf"(?:[a-z]+ )?(?P<one>[a-z]{{3}})[a-z]*\.? (?P<two>\d{{1,2}}) (?P<year>\d{{4}}) (?:at )?{_CLOCK}", re.I
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read(text: str | None, order: str | None = None, near: datetime | None = None) -> datetime | None:
    """Return the time in UTC without a zone, None if the text is none or can be read two ways.

    Of a date with the year last and slashes, `order` tells whether the month or the day comes first. Where nothing
    tells it, the only reading that is a date is taken, or the one that is NEAR another time of the record.

    >>> read("2025-09-01 14:00:00+02")
    datetime.datetime(2025, 9, 1, 12, 0)
    """
    readings = _readings(text or "", order)
    if len(set(readings)) > 1 and near is not None:
        readings = [time for time in readings if abs(time - near) <= NEAR]
    found = set(readings)
    time = found.pop() if len(found) == 1 else None
    return None if time is None or time.year in NOTHING else time


def is_nothing(text: str | None) -> bool:
    """Tell whether the text stands for no time: it is blank, or the first moment of a calendar."""
    return not (text or "").strip() or any(time.year in NOTHING for time in _readings(text or "", None))


def _readings(text: str, order: str | None) -> list[datetime]:
    """Return every time that the text may mean."""
    written = _plain(text)
    if epoch := _EPOCH.fullmatch(written):
        with suppress(OverflowError):
            return [datetime(1970, 1, 1) + timedelta(milliseconds=int(epoch[1]))]  # noqa: DTZ001  # UTC, as all here
        return []
    if found := _YEAR_FIRST.fullmatch(written):
        return _times(found, [(found["one"], found["two"])])
    if found := _YEAR_LAST.fullmatch(written):
        one, two = found["one"], found["two"]
        # no locale of the Unicode data (CLDR 47) puts the month first between dots or dashes
        if found["by"] != "/" or order == DAY_FIRST:
            return _times(found, [(two, one)])
        return _times(found, [(one, two)] if order == MONTH_FIRST else [(one, two), (two, one)])
    if (found := _NAMED.fullmatch(written)) and found["one"].lower() in _MONTHS:
        return _times(found, [(str(_MONTHS.index(found["one"].lower()) + 1), found["two"])])
    return []


def _plain(text: str) -> str:
    """Return the text of a time without an object around it, with single spaces for what exporters put between."""
    if text.startswith("{"):
        inner = _OBJECT.search(text)
        text = inner[1].replace("\\/", "/") if inner else ""
    return _SPACES.sub(" ", _DECIMAL_COMMA.sub(r"\1.\2", text[:MAX_CHARS])).strip()


def _times(found: re.Match[str], dates: list[tuple[str, str]]) -> list[datetime]:
    """Return the times of the (month, day) pairs that are dates."""
    hour, shift = int(found["h"]), timedelta()
    half = (found["half"] or "").lower()
    if half == "p" and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    if found["sign"]:
        shift = timedelta(hours=int(found["oh"]), minutes=int(found["om"] or 0)) * (-1 if found["sign"] == "+" else 1)
    micros = int((found["f"] or "0")[:6].ljust(6, "0"))
    times = []
    for month, day in dates:
        with suppress(ValueError, OverflowError):
            clock = (hour, int(found["m"]), int(found["s"] or 0), micros)
            at = datetime(int(found["year"]), int(month), int(day), *clock, tzinfo=UTC)
            times.append((at + shift).replace(tzinfo=None))
    return times
