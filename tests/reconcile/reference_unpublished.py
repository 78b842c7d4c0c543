"""Rule 4.8: logs of which nobody has published how complete they are."""

from __future__ import annotations

from datetime import timedelta

from . import reference_coverage, reference_doubts, reference_misses
from .reference_case import Case, Grade, Token
from .reference_policy import UNPUBLISHED, logs_of


def weigh(case: Case) -> None:
    """Mark the misses that such a log would have to convict and cannot, and those that nobody declared and it shows."""
    misses = [token for token in case.tokens if _is_asked(case, token)]
    for token in misses:
        shown = all(_shows(case, log, token, misses) for log in _rests_on(case, token))
        token.unproven = token.covered and not shown
        strange = token.grade is Grade.FOREIGN and not token.route
        sound = token.token_id is not None and reference_misses.sound_id(case, token)
        token.undeclared = not token.covered and _is_spanned(case, token) and shown and strange and sound


def _is_asked(case: Case, token: Token) -> bool:
    """Tell whether it is a miss that nothing but its grade, or a doubt, would excuse."""
    missing = reference_misses.is_miss(case, token) and not token.linked and token.contradiction is None
    if token.token_id is None:
        missing = missing and reference_doubts.shows_own_token(case, token)
    usual = token.silent or token.agentic or token.is_assertion or bool(case.own_log(token.issuer))
    return missing and not usual


def _needs(case: Case, token: Token) -> frozenset[tuple[str, str]]:
    return frozenset(reference_misses.needed_parts(case, token))


def _rests_on(case: Case, token: Token) -> set[str]:
    """Return the unpublished logs without which nothing could be said of it."""
    logs = {token.first.source} & set(UNPUBLISHED)
    span = reference_misses.window(case, token)
    published = all(
        any(d.contains(span) for source, kind in slot if source not in UNPUBLISHED
            for d in case.accepted(token.issuer, source, kind))
        for slot in reference_misses.needed_slots(case, token)
    )
    if (token.covered and not published) or (not token.covered and _is_spanned(case, token)):
        logs |= {source for source, _ in _needs(case, token) if source in UNPUBLISHED}
    return logs


def _is_spanned(case: Case, token: Token) -> bool:
    """Whether its window lies in what such logs hold of each part that it needs, less their lag."""
    low, high = reference_misses.window(case, token)

    def holds(source: str, kind: str) -> bool:
        times = [r.second for r in case.issuances if (r.issuer, r.source, r.kind) == (token.issuer, source, kind)]
        own = token.issuer in reference_coverage.tenants(case)
        if source not in UNPUBLISHED or source in case.settings.truncated or not times or not own:
            return False
        lag = timedelta(seconds=logs_of(case.policy).lag(source, 0))
        return min(times) < max(times) - lag and min(times) <= low and high <= max(times) - lag

    return all(
        any(holds(*part) for part in slot) for slot in reference_misses.needed_slots(case, token)
    )


def _shows(case: Case, log: str, token: Token, misses: list[Token]) -> bool:
    """Whether enough tokens that need the same link in that log, and none of anybody's own is missing."""
    alike = [t for t in case.tokens if t.issuer == token.issuer and _needs(case, t) == _needs(case, token)]
    links = [
        t for t in alike
        if t.primary and t.contradiction is None
        and (t.first.source == log or any(r.leg == "issuance" and r.source == log for r in t.issuances))
    ]
    own = [t for t in alike if t in misses and t.ordinary and not t.route and not t.new and log in _rests_on(case, t)]
    return len(links) >= case.policy.proving_links and not own
