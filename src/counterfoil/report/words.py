"""Numbers, times and lists in words, one way for the whole report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from counterfoil.model.finding import MAX_LISTED, Use
from counterfoil.model.first_party import name as client_name
from counterfoil.model.reason import Reason
from counterfoil.model.verdict import Verdict
from counterfoil.report.clean import clean

_GUID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)


def number(count: int) -> str:
    """Return the number with thousands apart.

    >>> number(1204)
    '1,204'
    """
    return f"{count:,}"


def some(count: int, noun: str, nouns: str = "") -> str:
    """Return a count with its noun.

    >>> some(1, "file"), some(2000, "file")
    ('1 file', '2,000 files')
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def minute(when: datetime | None) -> str:
    """Return a time to the minute."""
    return "?" if when is None else when.strftime("%Y-%m-%d %H:%M")


def bound(when: datetime | None) -> str:
    """Return an end of an interval: to the minute, or the day alone for its first instant."""
    if when is not None and (when.hour, when.minute, when.second) == (0, 0, 0):
        return when.strftime("%Y-%m-%d")
    return minute(when)


def span(first: datetime | None, last: datetime | None) -> str:
    """Return an interval; the day is not said twice, and neither is the minute."""
    if first is None and last is None:
        return "at unknown times"
    if first is None or last is None or minute(first) == minute(last):
        return f"{minute(first or last)} UTC"
    end = last.strftime("%H:%M") if first.date() == last.date() else minute(last)
    return f"{minute(first)} to {end} UTC"


def listed(values: Sequence[str], show: int, width: int) -> str:
    """Return the first few values, each of at most `width` characters, and how many more there are.

    >>> listed(["a", "b", "c"], 1, 9)
    'a (+2)'
    """
    shown = ", ".join(clean(value, width) for value in values[:show])
    more = len(values) - show
    if more <= 0:
        return shown
    return f"{shown} (+{more:,}{' or more' if len(values) >= MAX_LISTED else ''})"


def brief(text: str) -> str:
    """Return the text with each GUID cut to its first group.

    >>> brief("through 5a95c0de-1111-4222-8333-444455556666")
    'through 5a95c0de…'
    """
    return _GUID.sub(r"\1…", text)


def series(parts: Sequence[str]) -> str:
    """Return the parts as a sentence joins them.

    >>> series(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def tail(path: str, width: int) -> str:
    """Return a path of at most `width` characters: the end of it, where the file's name stands."""
    shown = clean(path, 4096)
    return shown if len(shown) <= width else "…" + shown[1 - width :]


def because(verdict: Verdict, reason: str) -> str:
    """Return a reason in a few words; a code that this version does not know, as it stands."""
    return Reason(reason).brief if reason in set(Reason) else clean(reason, 160) or verdict.meaning


def client(client_id: str | None) -> str:
    """Return the name of a known application with its id, else the id: a claim of whoever made the token."""
    if not client_id:
        return "not in the record"
    known = client_name(client_id)
    return f"{known} ({clean(client_id, 64)})" if known else clean(client_id, 64)


def use_words(use: Use) -> str:
    """Return when a token was first used, by whom, from where, and what of that is new to the person."""
    where = f" from {clean(use.ip, 48)}" if use.ip else " from no address"
    new = f" (new: {', '.join(use.strange)})" if use.strange else ""
    return f"{minute(use.time)} {clean(use.subject or 'nobody named', 48)}{where}{new}"


def percent(part: int, whole: int) -> str:
    """Return a share that is never rounded to all or nothing.

    >>> percent(9999, 10000), percent(1, 10000), percent(1, 2)
    ('99 %', 'under 1 %', '50 %')
    """
    share = 100 * part // whole if whole else 0
    return "under 1 %" if part and not share else f"{share} %"
