"""Rule 5.4: whether a use is the person's own, by what the issuer recorded of that person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from . import reference_assertions
from .reference_case import Case, Grade, Token
from .reference_policy import ENTRA_LOGS
from .reference_records import Record, identified

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # evidence is UTC without zone


def program(agent: str | None) -> str | None:
    """Return an agent without its version numbers."""
    return None if agent is None else re.sub(r"[0-9]+([._][0-9]+)*", "#", agent)


def sign_ins(case: Case, subject: str | None) -> list[Record]:
    """Return the successful primary issuances of this person."""
    return [r for r in case.issued if r.leg == "issuance" and r.subject == subject and identified(subject)]


def _uses(subject: str | None, tokens: Iterable[Token]) -> list[Record]:
    return [r for t in tokens if t.subject == subject for r in t.acceptances]


def _from_nowhere(record: Record) -> bool:
    """Whether the issuer writes down no address where such a principal signs in."""
    return record.source in ENTRA_LOGS and record.kind == "managed-identity" and record.network is None


class Known:
    """What is known of a person: by sign-ins and linked tokens, or, for assertions, by those that were served."""

    def __init__(self, case: Case, subject: str | None, linked: Iterable[Token], *, assertions: bool) -> None:
        """Gather it."""
        self.case = case
        uses = _uses(subject, linked)
        signed = [] if assertions else sign_ins(case, subject)
        told = [r for r in signed if r.network is not None or _from_nowhere(r)]
        blind = not any(r.network is not None or r.source in ENTRA_LOGS for r in signed)
        places = [*told, *(r for r in uses if blind and r.network is not None)]
        self.places = {r.network for r in places}
        self.often = {n for n in self.places if len(self._days(r for r in places if r.network == n)) >= self._enough}
        self.often |= {r.network for r in told if r.device_id is not None and self._is_old(r.device_id, told)}
        own = [*signed, *(r for r in uses if r.network is not None and r.network in self.places)]
        self.clients = {r.client_id for r in own}
        self.agents = {program(r.user_agent) for r in own}
        self.claims = {c for r in signed for c in (r.session_id, r.device_id)} - {None}

    @property
    def _enough(self) -> int:
        return self.case.policy.habit_days

    @staticmethod
    def _days(records: Iterable[Record]) -> set[int]:
        return {(r.event_time - EPOCH).days for r in records}

    def _is_old(self, device: str, told: Iterable[Record]) -> bool:
        times = [r.second for r in told if r.device_id == device]
        return max(times) - min(times) >= timedelta(days=self.case.policy.device_days)

    def at_home(self, token: Token) -> bool:
        """Whether it came from a network of hers."""
        return token.first.network in self.often

    def grade(self, token: Token) -> Grade:
        """Return the grade of a use, by its own first acceptance."""
        first = token.first
        client, agent = first.client_id in self.clients, program(first.user_agent) in self.agents
        if self.at_home(token) and (client or agent):
            return Grade.OWN
        seen = first.network in self.places or not self.claims.isdisjoint({first.session_id, first.device_id} - {None})
        if (self.at_home(token) and not client and not agent) or (client and agent and seen):
            return Grade.EXPLAINED
        return Grade.FOREIGN


def known_of(case: Case, token: Token, linked: Iterable[Token] | None = None) -> Known | None:
    """Return what is known of the token's subject; None if it is not identified."""
    if not identified(token.subject):
        return None
    if token.is_assertion:
        served = [t for t in case.tokens if reference_assertions.stands_for_linked(t)]
        return Known(case, token.subject, served, assertions=True)
    if linked is None:
        linked = [t for t in case.tokens if t.cleared]
    return Known(case, token.subject, linked, assertions=False)


def grade(case: Case, token: Token) -> Grade:
    """Rule 5.4. An exchange shows the address and client of who exchanged: the token's best grade elsewhere counts."""
    same = [token]
    if any(r.derived == "exchange" for r in token.acceptances):
        same += [t for t in case.tokens
                 if (t.token_id, t.subject) == (token.token_id, token.subject) and t.first.derived == ""]
    grades = {known.grade(t) for t in same if (known := known_of(case, t)) is not None}
    return next((g for g in Grade if g in grades), Grade.FOREIGN)


def at_home(case: Case, token: Token) -> bool:
    """Whether its first acceptance came from a network of its subject's."""
    known = known_of(case, token)
    return known is not None and known.at_home(token)


def _is_mute(case: Case, token: Token) -> bool:
    """Whether nothing of its issuer links through its client."""
    mine = (token.issuer, token.first.client_id)
    return not token.is_assertion and not any(t.cleared and (t.issuer, t.first.client_id) == mine for t in case.tokens)


def is_new(case: Case, token: Token) -> bool:
    """Of a mute client that first comes some time after relied time of its issuer begins."""
    begins = [begin for d in case.declared if d.issuer == token.issuer for begin, _ in d.pieces]
    if not _is_mute(case, token) or token.first.client_id is None or not begins:
        return False
    peers = [t for t in case.tokens if (t.issuer, t.first.client_id) == (token.issuer, token.first.client_id)]
    first = min(t.begins for t in peers)
    return first >= min(begins).replace(microsecond=0) + timedelta(hours=case.policy.new_client_hours)


def is_route(case: Case, token: Token) -> bool:
    """From a network of hers, by a mute client that is not new."""
    return at_home(case, token) and _is_mute(case, token) and not is_new(case, token)
