"""Rules 5.2 and 5.3: which declarations are accepted, for which issuer, and with which holes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from statistics import median

from counterfoil.model.counterfoil import LEDGER_LOG
from counterfoil.model.coverage import Declaration

from .reference_case import Case, Declared, Window
from .reference_policy import ENTRA_LOGS, logs_of
from .reference_records import Record

LOG_LOST = ("1101", "1102", "1104")  # dropped, cleared, full
HOST_SOURCES = ("adfs", "windows-security")  # sources whose kind is a host
STEADY = 0.9  # share of steps by one from which on a host's numbers are worth something
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
WEEKS = 8


def declare(case: Case) -> None:
    """Judge every attested log, and every other declaration, for every issuer that it speaks for."""
    checked = {(log.log, log.origin) for log in case.settings.attested}
    for source, origin in sorted(checked):
        case.declared += _attested(case, source, origin)
    for declaration in case.settings.declarations:
        if (declaration.source, declaration.kind) in checked:
            continue
        for issuer in sorted(_issuers(case, declaration)) or [""]:
            case.declared.append(_declared(case, declaration, issuer))


def _attested(case: Case, source: str, origin: str) -> list[Declared]:
    """Rule 5.9: relied on from the issuer's first record; one refusal refuses the log."""
    logs = [log for log in case.settings.attested if (log.log, log.origin) == (source, origin)]
    log = next((log for log in logs if log.status != "attested"), logs[-1])
    own = [r for r in case.issuances if (r.source, r.kind) == (source, origin) and r.issuer is not None]
    end = log.end or max((r.second for r in own), default=None)
    told = []
    for issuer in sorted({r.issuer for r in own if r.issuer is not None}):
        first = min(r.second for r in own if r.issuer == issuer)
        refused = "" if log.status == "attested" else "not verified"
        start = max(log.start or first, first)
        told.append(Declared(issuer, source, origin, start, end, refused, attested=not refused))
    return told


def _declared(case: Case, declaration: Declaration, issuer: str) -> Declared:
    times = sorted(r.second for r in _log(case, declaration) if r.issuer == issuer)
    if not times:
        return Declared(issuer, declaration.source, declaration.kind, None, None, "no records")
    start, asked, end = _bounds(case, declaration, times)
    refused = _refusal(case, declaration, times, (start, asked), end)
    holes = () if refused else _holes(case, times, (start, end))
    return Declared(issuer, declaration.source, declaration.kind, start, end, refused, holes)


def _log(case: Case, declaration: Declaration) -> list[Record]:
    """Return the records of issuance that the declaration speaks of. Acceptances are no part of that log."""
    return [r for r in case.issuances if (r.source, r.kind) == (declaration.source, declaration.kind)]


def _bounds(case: Case, declaration: Declaration, times: Sequence[datetime]) -> tuple[datetime, datetime, datetime]:
    """Rule 5.2: from, to as asked for, and to as it is cut back by the source's lag and the last record."""
    first, last = times[0], times[-1]
    start = max(declaration.start or first, first)
    asked = declaration.end or last
    lag = timedelta(seconds=logs_of(case.policy).lag(declaration.source, case.policy.default_lag))
    exported_at = case.settings.exported_at or asked
    return start, asked, min(asked, exported_at - lag, last + timedelta(hours=case.policy.gap_hours))


def _issuers(case: Case, declaration: Declaration) -> set[str]:
    """Rule 5.2: the own issuers. A guest's sign-in elsewhere does not make a foreign issuer one's own."""
    if declaration.source == "adfs":
        return {r.issuer for r in _log(case, declaration) if r.issuer is not None} or _farms(case, declaration)
    if declaration.source not in ENTRA_LOGS:
        return {r.issuer for r in _log(case, declaration) if r.issuer is not None}
    return tenants(case)


def tenants(case: Case) -> set[str]:
    """Rule 5.2: the own issuers of sign-ins."""
    sign_ins = [r for r in case.issuances if r.source in ENTRA_LOGS]
    with_tenants = [r for r in sign_ins if r.home_tenant is not None and r.resource_tenant is not None]
    if not with_tenants:
        served = {f"entra:{r.resource_tenant}" for r in case.records if r.leg == "acceptance" and r.resource_tenant}
        known = {r.issuer for r in case.issuances if (r.issuer or "").startswith("entra:") and r.issuer is not None}
        return known & served if served else known
    return {
        r.issuer
        for r in with_tenants
        if r.issuer is not None and r.home_tenant == r.resource_tenant and r.issuer == f"entra:{r.home_tenant}"
    }


def _farms(case: Case, declaration: Declaration) -> set[str]:
    """Rule 5.3: whose server a host is that issued nothing in evidence: by its other records, else by its domain."""
    logs = [r for r in case.records if r.source == "adfs" and r.issuer is not None]
    known = {r.issuer for r in logs if r.kind == declaration.kind and r.issuer is not None}
    by_name = f"adfs:{declaration.kind.partition('.')[2]}"
    return known or {r.issuer for r in logs if r.issuer == by_name}


def _refusal(case: Case, declaration: Declaration, times: Sequence[datetime], asked: Window, end: datetime) -> str:
    """Rule 5.2: why the declaration is refused for this issuer, or an empty string."""
    start = asked[0]
    if declaration.source in case.settings.truncated:
        return "truncated"
    if declaration.source in case.known.summarised:
        return "summarised"
    if end <= start:
        return "empty"
    if not any(start - DAY <= time <= end + DAY for time in times):
        return "no records"
    if declaration.source == LEDGER_LOG and _entries_missing(case, declaration, asked):
        return "gap"
    if _sequence_gap(case, declaration, asked):
        return "gap"
    if _log_lost(case, declaration, asked):
        return "log lost"
    return ""


def _entries_missing(case: Case, declaration: Declaration, interval: Window) -> bool:
    """Rule 5.2: a ledger's entries are numbered, so that its length shows what is missing between first and last."""
    log = [r for r in case.records if (r.source, r.kind) == (LEDGER_LOG, declaration.kind)]
    entries = [r for r in log if r.sequence is not None]
    numbers = {r.sequence for r in entries if r.sequence is not None}
    if not numbers or max(numbers) - min(numbers) + 1 == len(numbers):
        return False
    times = [r.second for r in entries]
    return min(times) <= interval[1] and max(times) >= interval[0]


def _sequence_gap(case: Case, declaration: Declaration, interval: Window) -> bool:
    """Whether a host whose numbers nearly always go up by one lacks some, between two times around the interval."""
    numbered = sorted({(r.sequence, r.second) for r in _of_host(case, declaration) if r.sequence is not None})
    steps = list(pairwise(numbered))
    if not steps or sum(two == one + 1 for (one, _), (two, _) in steps) < STEADY * len(steps):
        return False
    return any(
        two > one + 1 and min(at, then) <= interval[1] and max(at, then) >= interval[0]
        for (one, at), (two, then) in steps
    )


def _log_lost(case: Case, declaration: Declaration, interval: Window) -> bool:
    """Whether the log lost records, or auditing was switched off, in the interval."""
    lost = [
        r.second
        for r in _of_host(case, declaration)
        if r.object_kind == "auditing_off" or (r.object_kind == "event_log" and r.operation in LOG_LOST)
    ]
    return any(interval[0] <= time <= interval[1] for time in lost)


def _of_host(case: Case, declaration: Declaration) -> list[Record]:
    """Return all that the host logged, in whatever log; nothing if the declaration speaks of no host."""
    if declaration.source not in HOST_SOURCES:
        return []
    return [r for r in case.records if r.source in HOST_SOURCES and r.kind == declaration.kind]


def _holes(case: Case, times: Sequence[datetime], interval: Window) -> tuple[Window, ...]:
    """Rule 5.3: silence in which this log usually holds many records; the ends of the interval included."""
    start, end = interval
    edges = sorted({start, *(t for t in times if start <= t <= end), end})
    silence = timedelta(hours=case.policy.gap_hours)
    stretches = [(a, b) for a, b in pairwise(edges) if b - a >= silence]
    return tuple(s for s in stretches if _usually(times, s) >= case.policy.gap_records)


def _usually(times: Sequence[datetime], stretch: Window) -> float:
    """Rule 5.3: how many records the log usually holds in such a stretch."""
    begin, end = stretch
    days = [begin.date() + n * DAY for n in range((end.date() - begin.date()).days + 1)]
    total = 0.0
    for day in days:
        midnight = datetime.combine(day, time())
        total += (min(end, midnight + DAY) - max(begin, midnight)) / DAY * _on_such_a_day(times, day, days)
    return total


def _on_such_a_day(times: Sequence[datetime], day: date, stretch: Sequence[date]) -> float:
    """Return the median of the other days of this weekday, or of all days with records if there is none."""

    def records(on: date) -> int:
        return sum(t.date() == on for t in times)

    others = [day + n * WEEK for n in range(-WEEKS, WEEKS + 1) if n]
    usable = [d for d in others if times[0].date() <= d <= times[-1].date() and d not in stretch]
    return median(map(records, usable or {t.date() for t in times}))


def hosts(case: Case, issuer: str | None) -> set[tuple[str, str]]:
    """Rule 5.3: the parts of an upstream issuer's log that are known, seen or declared; all must be declared."""
    seen = {
        (r.source, r.kind) for r in case.records if r.issuer == issuer and (r.leg == "issuance" or r.source == "adfs")
    }
    return seen | {(d.source, d.kind) for d in case.declared if d.source == "adfs" and d.issuer == issuer}
