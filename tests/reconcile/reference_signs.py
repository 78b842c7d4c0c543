"""Rule 4.6: the second sign."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

from counterfoil.model.storm_0558 import ADDRESSES

from . import reference_doubts, reference_habits, reference_lineage, reference_misses
from .reference_case import Case, Grade, Token


def is_foreign_miss(case: Case, token: Token) -> bool:
    """Tell whether it is a miss that nothing excuses, of a log that somebody else keeps."""
    missing = reference_misses.is_miss(case, token) and not token.linked and not token.contradiction
    if token.token_id is None:
        missing = missing and reference_doubts.shows_own_token(case, token)
    relied = token.covered and not token.proven and not token.silent and not token.agentic
    return missing and relied and token.grade is Grade.FOREIGN and not token.is_assertion and not case.own_log(
        token.issuer
    )


def is_lone(case: Case, token: Token) -> bool:
    """Whether it is a foreign miss without a second sign."""
    if not is_foreign_miss(case, token):
        return False
    rooted = reference_lineage.rooted_ids(case)
    others = [t for t in case.tokens if _unit(t) != _unit(token) and is_foreign_miss(case, t)]
    signs: tuple[Callable[[], bool], ...] = (
        lambda: _strange_client(case, token),
        lambda: token.first.network is not None and not reference_misses.inside_services(token) and any(
            (t.issuer, t.first.network) == (token.issuer, token.first.network)
            for t in (*others, *(u for u in case.tokens if reference_lineage.is_unrooted(case, u, rooted)))),
        lambda: token.first.session_id is not None and any(
            t.first.session_id == token.first.session_id for t in others),
        lambda: _published(token),
        lambda: reference_misses.issued_within_life(case, token) is False,
        lambda: _of_another(case, token),
        lambda: token.token_id is not None and any(
            t.token_id == token.token_id and t.first.derived == "exchange" for t in case.tokens),
    )
    return not any(sign() for sign in signs)


def _unit(token: Token) -> object:
    """Return what one lost record explains."""
    return token.token_id or token.subject or id(token)


def _strange_client(case: Case, token: Token) -> bool:
    client = token.first.client_id
    if token.first.network is not None and reference_misses.inside_services(token):
        return False
    if client is None or any(r.client_id == client and r.issuer == token.issuer for r in case.issued):
        return False
    users = {
        t.subject for t in case.tokens
        if not t.primary and (t.issuer, t.first.client_id) == (token.issuer, client)
        and reference_habits.at_home(case, t)
    }
    return len(users) < 2


def _published(token: Token) -> bool:
    return any(
        token.first.ip == a.ip and token.ends >= a.first.astimezone(UTC).replace(tzinfo=None)
        and token.begins < a.last.astimezone(UTC).replace(tzinfo=None) + timedelta(days=1)
        for a in ADDRESSES
    )


def _of_another(case: Case, token: Token) -> bool:
    proven = case.names.get(token.first.subject_name or "")
    owner = next((r.subject_id for r in token.acceptances if r.subject_id is not None), None)
    return proven is not None and owner is not None and proven != owner


