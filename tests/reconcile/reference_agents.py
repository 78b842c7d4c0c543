"""Rule 5.11: agent identities."""

from __future__ import annotations

from counterfoil.model.schema import TokenClass

from . import reference_misses
from .reference_case import Case, Token


def told(case: Case, token: Token) -> tuple[bool, bool]:
    """Return whether it is of an agent, and whether it came from where none of that agent's tokens came."""
    signed = [r for r in case.issued if r.leg == "issuance" and r.token_class == TokenClass.AGENT]
    clients = {r.client_id for r in signed} - {None}
    subjects = {r.subject for r in signed if '"agentSubjectType":"agent' in (r.extra or "")} - {None}
    client = token.first.client_id
    if token.is_assertion or not (client in clients or token.subject in subjects):
        return False, False
    places = {r.network for r in signed if r.client_id == client}
    places |= {t.first.network for t in case.tokens if t.cleared and t.first.client_id == client}
    away = not reference_misses.inside_services(token) and token.first.network not in places
    return True, away
