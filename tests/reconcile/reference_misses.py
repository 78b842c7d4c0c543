"""Rules 4 (windows, kinds, candidates) and 5.4 to 5.8: what a missing issuance is worth."""

from __future__ import annotations

import ipaddress
import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from counterfoil.model import first_party
from counterfoil.model.ids import IdKind
from counterfoil.model.known import ALSO_BY_SERVICES, WRITTEN_BY_SERVICES
from counterfoil.model.networks import is_microsoft_365
from counterfoil.model.schema import TokenClass

from . import (
    reference_agents,
    reference_assertions,
    reference_coverage,
    reference_habits,
    reference_signs,
    reference_unpublished,
)
from .reference_case import Case, Grade, Token, Window
from .reference_doubts import is_user
from .reference_policy import ENTRA_LOGS, SESSIONS, SIGN_IN_LOGS
from .reference_records import SIGN_IN_KINDS, identified

NEEDED = {  # rule 4.1
    "user": SIGN_IN_KINDS,
    "delegated": SIGN_IN_KINDS,
    "act_as": SIGN_IN_KINDS,
    "application": ("service-principal",),
    "managed_identity": ("managed-identity",),
}
Part = tuple[str | None, str, str]  # issuer, source, kind
ALL_KINDS = (*SIGN_IN_KINDS, "service-principal", "managed-identity")


def needed_parts(case: Case, token: Token) -> set[tuple[str, str]]:
    """Rule 4.1: the parts of logs that could hold its issuance: of an issuer with an own log, all that hold any."""
    return {part for slot in needed_slots(case, token) for part in slot}


def needed_slots(case: Case, token: Token) -> list[set[tuple[str, str]]]:
    """Rule 4.1: the same, with those together either of which will do."""
    if case.own_log(token.issuer):
        return [{(r.source, r.kind)} for r in case.issuances if r.issuer == token.issuer]
    logs = [log for log in ENTRA_LOGS if any(r.source == log and r.issuer == token.issuer for r in case.issuances)]
    return [{(log, kind) for log in logs or ENTRA_LOGS[:1]} for kind in needed_kinds(case, token)]


def needed_kinds(case: Case, token: Token) -> tuple[str, ...]:
    """Rules 4.1 and 4.2: the kinds of sign-in that could have issued it."""
    if _own_application(case, token):
        return ("microsoft-service-principal",)
    if token.token_id is None:
        return SIGN_IN_KINDS
    if token.first.token_class is None and token.has_subject_id and is_user(case, token.subject):
        return SIGN_IN_KINDS
    return NEEDED.get(token.first.token_class or "", ALL_KINDS)


def sound_id(case: Case, token: Token) -> bool:
    """Rule 4.1: whether the absence of this kind of id can tell anything."""
    return token.first.token_id_kind == IdKind.ENTRA_UTI or sound_in_own_log(case, token)


def sound_in_own_log(case: Case, token: Token) -> bool:
    """Rule 4.1: an own log holds the ids of all that its issuer mints, and the digests, if it has them throughout."""
    log = case.own_log(token.issuer)
    if not log:
        return False
    if token.token_id is None:
        hashed = all(r.signing_input_digest is not None for r in log)
        return hashed and token.first.signing_input_digest is not None
    return token.first.token_id_kind == IdKind.JTI


def issued_within_life(case: Case, token: Token) -> bool | None:
    """Rule 4.1: whether issued-at lies in the class's life; None when it is unknown."""
    if token.issued_at is None:
        return None
    skew = timedelta(seconds=case.policy.skew)
    return _floor(case, token) <= token.issued_at <= token.begins + skew


def _floor(case: Case, token: Token) -> datetime:
    """Return when it was issued at the earliest. One that is used for longer than its life has a longer life."""
    life = case.life(token)
    floor = token.ends - life if token.ends - life <= token.begins else token.begins - life
    begins = _session_begins(case, token)
    return begins - life if begins < token.begins else floor


def _session_begins(case: Case, token: Token) -> datetime:
    """Rule 4.1: uses without id of such a service, without a pause longer than its life, are one session."""
    place = (token.first.source, token.first.kind)
    if token.token_id is not None or token.subject is None or place not in SESSIONS:
        return token.begins

    def of(t: Token) -> tuple[object, ...]:
        return ((t.first.source, t.first.kind), t.subject, t.first.client_id,
                reference_habits.program(t.first.user_agent))

    begin = token.begins
    for at in sorted({t.begins for t in case.tokens if of(t) == of(token)}, reverse=True):
        if at <= begin and begin - at <= timedelta(seconds=SESSIONS[place]):
            begin = at
    return begin


def window(case: Case, token: Token) -> Window:
    """Rule 4.1: when the token must have been issued. An issued-at outside its life is no excuse."""
    told = token.issued_at
    if sound_in_own_log(case, token):
        policy, loose = case.policy, case.is_loose(token.issuer)
        skew = timedelta(seconds=policy.skew)
        lag = timedelta(seconds=policy.log_lag if loose else policy.mint_lag)
        if told is not None and issued_within_life(case, token):
            return told - lag, told + lag
        late = timedelta(seconds=policy.event_lag) if loose else skew
        return _floor(case, token) - skew, token.begins + late
    low = told if told is not None and issued_within_life(case, token) else _floor(case, token)
    policy = case.policy
    back = timedelta(seconds=policy.backdate + policy.skew)
    return low - back, token.begins + timedelta(seconds=policy.event_lag)


def declared(case: Case, token: Token) -> bool:
    """Rules 4.1 c and 4.2 b: every needed kind has an accepted declaration."""
    return all(any(case.accepted(token.issuer, *part) for part in slot) for slot in needed_slots(case, token))


def inside(case: Case, token: Token) -> bool:
    """Rules 4.1 d and 4.2 b: for every needed kind, one accepted interval contains the window."""
    span = window(case, token)
    return all(
        any(d.contains(span) for part in slot for d in case.accepted(token.issuer, *part))
        for slot in needed_slots(case, token)
    )


def proven(case: Case, token: Token) -> bool:
    """Rule 4.1: covered, and by attested logs alone."""
    span = window(case, token)
    return token.covered and all(
        any(d.attested and d.contains(span) for part in slot for d in case.accepted(token.issuer, *part))
        for slot in needed_slots(case, token)
    )


def has_candidate(case: Case, token: Token) -> bool:
    """Rule 4.2: a sign-in that the record could belong to. A record without a subject could belong to any."""
    low, high = window(case, token)
    return any(
        r.leg == "issuance"
        and r.source in SIGN_IN_LOGS
        and low <= r.second <= high
        and (token.subject is None or r.subject == token.subject or not identified(r.subject))
        for r in case.issued
    )


def is_miss(case: Case, token: Token) -> bool:
    """Rule 5.4: an id that is in no issuance, or no id and no candidate; rule 4.3 d for assertions."""
    if token.is_assertion:
        return reference_assertions.is_miss(token)
    if token.linked:
        return False
    if token.token_id is None and sound_in_own_log(case, token):
        return True
    return token.known_as == "nothing" if token.token_id is not None else not token.candidate


def inside_services(token: Token) -> bool:
    """Rule 5.6: from the provider's services' own networks, or from nowhere."""
    network = token.first.network
    if network is None:
        return True
    address = ipaddress.ip_network(network)
    short = ".".join(str(address).split(".")[:3]) if address.version == 4 else ":".join(
        f"{int(group, 16):x}" for group in address.network_address.exploded.split(":")[:3])
    return is_microsoft_365(short)


def _own_application(case: Case, token: Token) -> bool:
    """Rule 4.1: an app-only token of one of the provider's own applications."""
    first = token.first
    shown = first.token_class in (TokenClass.APPLICATION, TokenClass.SERVICE)
    nameless = first.token_class is None and first.subject_name is None and not is_user(case, token.subject)
    return (shown or nameless) and first_party.name(first.client_id) is not None


def _without_token(token: Token) -> bool:
    """Rule 5.6: a record that a service wrote in a person's name."""
    first = token.first
    if token.token_id is not None:
        return False
    return first.operation in WRITTEN_BY_SERVICES or (first.operation in ALSO_BY_SERVICES and first.ip is None)


def is_silent(case: Case, token: Token) -> bool:
    """Rule 5.6: by data, by operation, or because the stratum never linked on several days and subjects."""
    if _without_token(token):
        return True
    if not inside_services(token):
        return False
    if token.first.client_id in case.known.silent_clients or _own_application(case, token):
        return True
    peers = [t for t in case.tokens if t.stratum == token.stratum]
    seen = [
        t for t in peers
        if t.token_id is not None and t.covered and inside_services(t) and not t.primary and t.contradiction is None
    ]
    days = {t.first_seen.date() for t in seen}
    subjects = {t.subject for t in seen} - {None}
    enough = len(days) >= case.policy.silent_days and len(subjects) >= case.policy.silent_subjects
    return enough and not any(t.cleared for t in peers)


def weigh(case: Case) -> None:
    """Fill in the flags of every token, in the order in which they depend on each other."""
    for token in case.tokens:
        token.candidate = has_candidate(case, token)
        token.covered = case.has_log_of(token.issuer) and declared(case, token) and inside(case, token)
        token.proven = proven(case, token)
    reference_assertions.weigh(case)
    for token in case.tokens:
        token.silent = is_silent(case, token)
        token.agentic, token.stray = reference_agents.told(case, token)
        token.new = reference_habits.is_new(case, token)
        if not token.primary:
            token.grade = reference_habits.grade(case, token)
            token.route = reference_habits.is_route(case, token)
    reference_assertions.spare(case)
    weigh_holes(case)
    broken = refuted_parts(case)
    for token in case.tokens:
        token.refuted = _refuted(case, token, broken)
    for token in case.tokens:
        token.lone = reference_signs.is_lone(case, token)
    reference_unpublished.weigh(case)
    raise_clusters(case)


def weigh_holes(case: Case) -> None:
    """Rule 4.7: mark strangers' misses in holes in which nothing of anybody's own is missing."""
    inside = [t for t in case.tokens if _in_hole(case, t)]
    for token in inside:
        quiet = not any(t.ordinary for t in inside if t.issuer == token.issuer)
        token.in_quiet_hole = quiet and token.grade is Grade.FOREIGN


def _in_hole(case: Case, token: Token) -> bool:
    missing = is_miss(case, token) and not token.linked and token.contradiction is None and not token.covered
    told = missing and token.token_id is not None and sound_id(case, token) and not case.own_log(token.issuer)
    if not told or token.silent or token.agentic or token.is_assertion or not case.has_log_of(token.issuer):
        return False
    low, high = window(case, token)
    return all(
        any(d.start is not None and d.end is not None and d.start <= low and high <= d.end
            for part in slot for d in case.accepted(token.issuer, *part))
        for slot in needed_slots(case, token)
    )


def _parts(case: Case, token: Token) -> set[Part]:
    """Return the parts of logs that its issuance could be missing from."""
    if token.is_assertion:
        return {(token.issuer, *host) for host in reference_coverage.hosts(case, token.issuer)}
    return {(token.issuer, *part) for part in needed_parts(case, token)}


def _missing(case: Case, token: Token) -> bool:
    """Missing from covered windows of logs that nobody proves to be whole."""
    return is_miss(case, token) and not token.contradiction and token.covered and not token.proven


def refuted_parts(case: Case) -> set[Part]:
    """Rule 5.5: the parts that own misses refute, and those that are refuted as a whole."""
    gone = [t for t in case.tokens if _missing(case, t) and not t.silent and not t.agentic]
    people: dict[Part, set[str | None]] = {}
    for token in gone:
        if token.ordinary and not token.route and not token.new:
            for part in _parts(case, token):
                people.setdefault(part, set()).add(token.subject)
    found = {part for part, subjects in people.items() if len(subjects) >= case.policy.refuting_subjects}
    for needed in {frozenset(_parts(case, t)) for t in gone if not t.is_assertion}:
        alike = [t for t in gone if not t.is_assertion and _parts(case, t) == needed]
        links = [t for t in case.tokens if t.cleared and _parts(case, t) == needed]
        if len(alike) > len(links) and _spread(case, alike):
            found |= needed
    return found


def _spread(case: Case, misses: list[Token]) -> bool:
    """Whether they are of many people, networks and clients, none of which holds a large part."""
    for traits in (
        [t.subject for t in misses], [t.first.network for t in misses], [t.first.client_id for t in misses]
    ):
        counted = Counter(trait for trait in traits if trait is not None)
        if len(counted) < case.policy.spread or max(counted.values()) > case.policy.spread_share * len(misses):
            return False
    return True


def _refuted(case: Case, token: Token, broken: set[Part]) -> bool:
    """Rule 5.5: some part that it needs is refuted, or its client by route misses.

    A route miss with an id need not be covered: it is in no log, of whatever time.
    """
    routes = {
        t.subject
        for t in case.tokens
        if t.route
        and is_miss(case, t)
        and not t.agentic
        and not t.proven
        and (t.covered or t.token_id is not None or sound_in_own_log(case, t))
        and (t.issuer, t.first.client_id) == (token.issuer, token.first.client_id)
    }
    return bool(_parts(case, token) & broken) or len(routes) >= case.policy.refuting_subjects


def raise_clusters(case: Case) -> None:
    """Rule 5.7: mark the misses of clusters that their issuer's own rate of misses does not explain."""

    def by_network(t: Token) -> tuple[object, ...]:
        return (t.issuer, t.first.client_id or "no client", t.first.network)

    def by_client(t: Token) -> tuple[object, ...]:
        return (t.issuer, t.first.client_id)

    def by_subject(t: Token) -> tuple[object, ...]:
        return (t.issuer, t.subject)

    for key, with_ordinary in ((by_network, False), (by_client, False), (by_subject, True)):
        _raise_by(case, key, with_ordinary=with_ordinary)


def _countable(case: Case, token: Token) -> bool:
    """Rule 5.7's misses: of an id whose absence tells something, not silent, no route miss, not too late."""
    told = token.token_id is not None and sound_id(case, token) and not token.linked and token.contradiction is None
    usual = token.silent or token.route or (token.agentic and not token.stray)
    return told and not usual and not _late(case, token)


def _late(case: Case, token: Token) -> bool:
    """Whether its window ends after the latest record of whatever could have issued it."""
    parts = needed_parts(case, token)
    times = [r.second for r in case.issuances if r.issuer == token.issuer and (r.source, r.kind) in parts]
    return bool(times) and window(case, token)[1] > max(times)


def _unheard(case: Case, token: Token) -> bool:
    """Rule 5.7: a client that never links, where a kind that its tokens may be of is not in evidence at all."""
    if not (token.issuer or "").startswith("entra:"):
        return False
    if _own_application(case, token):
        return False
    seen = {r.kind for r in case.issuances if r.source in ENTRA_LOGS and r.issuer == token.issuer}
    links = any(
        t.cleared and (t.issuer, t.first.client_id) == (token.issuer, token.first.client_id) for t in case.tokens
    )
    return not seen.issuperset(needed_kinds(case, token)) and not (links and token.first.client_id is not None)


def _raise_by(case: Case, key: Callable[[Token], tuple[object, ...]], *, with_ordinary: bool) -> None:
    with_id = [t for t in case.tokens if t.token_id is not None and not t.silent]
    for value in {key(t) for t in with_id}:
        if None in value:  # what is unknown makes no cluster
            continue
        cluster = [t for t in with_id if key(t) == value]
        rest = [t for t in with_id if key(t) != value and t.issuer == cluster[0].issuer]
        misses = [t for t in cluster if _countable(case, t) and (with_ordinary or not t.ordinary or t.new)]
        misses = [t for t in misses if not _unheard(case, t)]
        if _improbable(case, cluster, misses, rest):
            for token in misses:
                token.raised = True


def _improbable(case: Case, cluster: list[Token], misses: list[Token], rest: list[Token]) -> bool:
    policy = case.policy
    if len(misses) < policy.raise_misses or not any(t.cleared for t in [*cluster, *rest]):
        return False
    first = min(cluster, key=lambda t: (t.first.order, t.token_id))
    base = _counts(case, [t for t in rest if t.first.kind == first.first.kind])
    if sum(base) < policy.thin:
        base = _counts(case, rest)
    p = upper_rate(*base)
    share = len(misses) / len(cluster)
    return share > p and len(cluster) * divergence(share, p) >= policy.raise_nats


def _counts(case: Case, tokens: list[Token]) -> tuple[int, int]:
    """Return misses and linked tokens."""
    return sum(_countable(case, t) for t in tokens), sum(t.cleared for t in tokens)


def upper_rate(misses: int, linked: int) -> float:
    """Mean plus two standard deviations of the Beta posterior of the share of misses."""
    a, b = misses + 0.5, linked + 0.5
    return a / (a + b) + 2 * math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))


def divergence(q: float, p: float) -> float:
    """KL(q ‖ p) of two coins, in nats; 0 ln 0 is 0. Asked only for p < q."""
    rest = 0.0 if q == 1 else (1 - q) * math.log((1 - q) / (1 - p))
    return q * math.log(q / p) + rest
