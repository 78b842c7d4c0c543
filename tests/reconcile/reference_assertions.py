"""Rule 4.3 and its part of 5.4: assertions, which nothing but user and time connects with what was issued."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from counterfoil.reconcile.federation import TWICE

from . import reference_coverage
from .reference_case import Case, Token, Window
from .reference_policy import ENTRA_LOGS, FEDERATION
from .reference_records import SIGN_IN_KINDS, Record, domain_of, identified


def weigh(case: Case) -> None:
    """Fill in `covered`, `served` and `short` of every assertion."""
    for token in case.tokens:
        if token.is_assertion:
            token.covered = case.has_log_of(token.issuer) and declared(case, token) and _inside(case, token)
            token.served = bool(_serving(case, token, window(case, token, token)))
    leaders = _leaders(case)
    for token in case.tokens:
        own = [t for t in case.tokens if counted(t) and (t.issuer, t.subject) == (token.issuer, token.subject)]
        once = [t for t in own if leaders[t] is t]
        token.short = counted(token) and _in_short_run(case, leaders[token], once)
        token.twice = counted(token) and not token.short and _in_short_run(case, token, own)


def spare(case: Case) -> None:
    """Rule 4.3 e: runs with too few issuances of which every assertion is the person's own accuse nobody."""
    short = [t for t in case.tokens if t.short]
    spared = [t for t in short if all(u.ordinary for u in short if _alike(case, t, u))]
    for token in spared:
        token.short = False


def _alike(case: Case, one: Token, other: Token) -> bool:
    """Whether they lie in one chain of assertions of a user whose windows overlap."""
    if (one.issuer, one.subject) != (other.issuer, other.subject):
        return False
    apart = case.life(one) + 2 * timedelta(seconds=case.policy.skew)
    low, high = sorted((one.begins, other.begins))
    times = sorted(t.begins for t in case.tokens if counted(t) and (t.issuer, t.subject) == (one.issuer, one.subject))
    between = [at for at in times if low <= at <= high]
    return all(b - a <= apart for a, b in itertools.pairwise(between))


def declared(case: Case, token: Token) -> bool:
    """Rule 4.3 b: something of the upstream issuer's log is declared, and accepted."""
    return any(case.accepted(token.issuer, *host) for host in reference_coverage.hosts(case, token.issuer))


def _inside(case: Case, token: Token) -> bool:
    """Rule 4.3 c: for every host in evidence."""
    span = window(case, token, token)
    hosts = [case.accepted(token.issuer, *host) for host in reference_coverage.hosts(case, token.issuer)]
    return all(any(d.contains(span) for d in host) for host in hosts)


def window(case: Case, first: Token, last: Token) -> Window:
    """Rule 4.3: when what was presented from the first to the last of these was issued."""
    skew = timedelta(seconds=case.policy.skew)
    return first.begins - case.life(first) - skew, last.ends + skew


def _serving(case: Case, token: Token, span: Window) -> list[Record]:
    """Rule 4.3: the issuances in the window that could be the assertion's own."""
    return [
        r
        for r in case.issued
        if r.leg == "issuance"
        and r.issuer == token.issuer
        and r.resource in (None, FEDERATION)
        and (r.subject == token.subject or (not identified(r.subject) and not _names_another(case, token, r)))
        and span[0] <= r.second <= span[1]
    ]


def _names_another(case: Case, token: Token, record: Record) -> bool:
    """Rule 4.3: by a full UPN of the assertion's domain, on a server that writes this subject's own UPN."""
    domain = domain_of(token.first)
    if domain is None or domain_of(record) != domain:
        return False
    return any(
        r.leg == "issuance" and r.issuer == token.issuer and r.kind == record.kind and r.subject == token.subject
        and identified(r.subject) and domain_of(r) is not None and r.resource in (None, FEDERATION)
        for r in case.issued
    )


def _leaders(case: Case) -> dict[Token, Token]:
    """Rule 4.3 g: for each assertion the first that it may be: posted again, each within a minute of the one before."""
    leaders: dict[Token, Token] = {}
    shown = [t for t in case.tokens if t.is_assertion and t.covered and not t.first.presentation_unknown]
    for token in sorted(shown, key=lambda t: t.first.order):
        before = [
            t for t in leaders
            if (t.issuer, t.subject, t.first.ip, t.first.user_agent)
            == (token.issuer, token.subject, token.first.ip, token.first.user_agent)
            and None not in (t.first.ip, t.first.user_agent)
            and token.begins - t.begins <= timedelta(seconds=TWICE)
        ]
        leaders[token] = leaders[before[-1]] if before else token
    return {token: leaders.get(token, token) for token in case.tokens}


def counted(token: Token) -> bool:
    """Rule 4.3 e: whether it is one of those whose number is held against the issuances'.

    Not if nobody knows what was presented: it may have taken no issuance.
    """
    known = token.is_assertion and not token.first.presentation_unknown and identified(token.subject)
    return known and token.covered and token.served


def _in_short_run(case: Case, token: Token, own: list[Token]) -> bool:
    """Rule 4.3 e: some run of these assertions of the user around it has more members than issuances."""
    if token not in own:
        return False
    own.sort(key=lambda t: t.first.order)
    apart = case.life(token) + 2 * timedelta(seconds=case.policy.skew)
    at = own.index(token)
    begin = end = at
    while begin > 0 and own[begin].begins - own[begin - 1].begins <= apart:
        begin -= 1
    while end + 1 < len(own) and own[end + 1].begins - own[end].begins <= apart:
        end += 1
    return any(
        j - i + 1 > len(_serving(case, token, window(case, own[i], own[j])))
        for i in range(begin, at + 1)
        for j in range(at, end + 1)
    )


def of_unknown_provider(case: Case, token: Token) -> bool:
    """Rule 4.5: of a provider that nobody named, for people of another one, or out of nowhere."""
    if not _is_unnamed(token):
        return False
    others = [t for t in case.tokens if t.is_assertion and not _is_unnamed(t) and not t.first.presentation_unknown]
    if identified(token.subject) and any(t.subject == token.subject for t in others):
        return True
    alike = [t for t in case.tokens if _is_unnamed(t) and t.issuer == token.issuer
             and t.first.resource_tenant == token.first.resource_tenant]
    first = min(t.begins for t in alike)
    if not _in_relied_time(case, f"entra:{token.first.resource_tenant}", first):
        return False
    people = {t.subject for t in alike if identified(t.subject)}
    most = [person for person in people if _signs_in_so(case, person, alike)]
    if people and 2 * len(most) >= len(people):
        return False
    known = {t.subject for t in alike} - {None}  # by a mere name, too
    own = {
        r.network for r in case.issued
        if r.leg == "issuance" and r.source in ENTRA_LOGS and r.subject in known and r.second < first
    }

    def foreign(one: Token) -> bool:
        return one.first.network is not None and one.first.network not in own

    return foreign(token) and any(foreign(t) for t in alike if t.begins == first)


def _signs_in_so(case: Case, person: str | None, alike: list[Token]) -> bool:
    """Whether there are more days on which the person came with such an assertion than on which otherwise."""
    under = {t.begins.date() for t in alike if t.subject == person}
    domains = {domain_of(t.first) for t in alike}
    others = {
        r.event_time.date() for r in case.issued
        if r.leg == "issuance" and r.source in ENTRA_LOGS and r.kind == "interactive" and r.subject == person
        and not (r.incoming_token in ("saml11", "saml20") and domain_of(r) in domains)
    }
    return len(under) > len(others)


def _is_unnamed(token: Token) -> bool:
    return token.is_assertion and (token.issuer or "").startswith("federated:")


def _in_relied_time(case: Case, issuer: str, when: datetime) -> bool:
    """Whether people's sign-ins are relied on since a day before."""
    before = when - timedelta(days=1)
    return any(
        all(
            any(d.contains((before, when)) for d in case.accepted(issuer, log, kind) if not d.attested)
            for kind in SIGN_IN_KINDS
        )
        for log in ENTRA_LOGS
    )


def is_miss(token: Token) -> bool:
    """Rule 4.3 d: presented, and nothing in its window was issued that it could be."""
    return token.is_assertion and not token.first.presentation_unknown and not token.served


def stands_for_linked(token: Token) -> bool:
    """Rule 5.4: whether it shows what this user's genuine assertions look like."""
    return counted(token) and not token.short and not token.twice
