"""Rules 2 and 3: tokens, links and contradictions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from counterfoil.model.ids import IdKind
from counterfoil.model.reason import Reason

from . import reference_habits
from .reference_case import Case, Grade, Token
from .reference_doubts import client_differs, is_abroad, is_misspelt, is_whose, issued_to, subject_says
from .reference_policy import CONSUMER_TENANT
from .reference_records import Record


def tokens_of(acceptances: Sequence[Record]) -> list[Token]:
    """Rule 2.1: one token per claim tuple; a record without id and digest is a tuple of its own."""
    groups: dict[tuple[object, ...], list[Record]] = {}
    for r in acceptances:
        key: tuple[object, ...]
        if r.token_id is None and r.signing_input_digest is None:
            key = ("record", r.source, r.record_id, r.derived)
        else:
            claims = (r.issuer, r.token_id, r.subject, r.token_tenant, r.issued_at, r.key_id, r.signing_input_digest)
            key = ("claims", *claims)
        groups.setdefault(key, []).append(r)
    return [Token(sorted(group, key=lambda r: r.order)) for group in groups.values()]


def link(case: Case, token: Token) -> None:
    """Rules 2.2 and 3.1: by digest, else by id."""
    digest = token.first.signing_input_digest
    same_digest = [r for r in case.issued if digest is not None and r.signing_input_digest == digest]
    same_id = [r for r in case.issued if token.token_id is not None and _may_be_its(token, r)]
    token.known_as = _known_as(case, token)
    token.namesakes = [*same_digest, *same_id]  # "that id" of 3.2 may be the token's, or that of its digest
    if same_digest:
        token.issuances, token.by_digest = same_digest, True
        return
    token.issuances = same_id
    if digest is not None and any(r.signing_input_digest is not None for r in same_id):
        token.contradiction = Reason.DIGEST_DIFFERS


def _may_be_its(token: Token, record: Record) -> bool:
    """Rule 2.2: ids of kind jti are their issuers' own, but whose token was exchanged is a guess."""
    if record.id_key != token.first.id_key:
        return False
    guessed = record.token_id_kind != IdKind.JTI or any(r.derived == "exchange" for r in token.acceptances[:1])
    return guessed or None in (token.issuer, record.issuer) or token.issuer == record.issuer


def _known_as(case: Case, token: Token) -> str:
    """Rule 2.2: issued if any version succeeded, else interrupted if any was, else failed."""
    outcomes = {
        r.outcome
        for r in case.records
        if r.leg in ("issuance", "secondary_issuance") and r.id_key is not None and _may_be_its(token, r)
    }
    if "success" in outcomes:
        return "issued"
    if "interrupted" in outcomes:
        return "interrupted"
    return "failed" if outcomes else "nothing"


def contradict(case: Case) -> None:
    """Rules 3.2 and 3.3, for every token; the first fact that differs gives the reason."""
    for token in case.tokens:
        token.breaks_law = _obeys(case, token) is False
    for token in case.tokens:
        token.contradiction = _differs(case, token)
    lawless = [t for t in case.tokens if t.breaks_law and t.contradiction in (None, Reason.CONSUMER_REALM)]
    caught = [t for t in lawless if _law_holds(case, t)]
    for token in caught:
        token.contradiction = Reason.ISSUED_AT_DIFFERS


def _differs(case: Case, token: Token) -> Reason | None:
    """Rules 3.2 and 3.3, in their order, but for the law of issued-at: return the first fact that differs."""
    told = {
        token.contradiction: token.contradiction is not None,  # the digest is the first in the order
        Reason.KEY_DIFFERS: _key_differs(token),
        Reason.TENANT_DIFFERS: _tenant_differs(case, token),
        Reason.CLASS_DIFFERS: _class_differs(token),
        Reason.SUBJECT_DIFFERS: subject_says(case, token) is Reason.SUBJECT_DIFFERS,
        Reason.CLIENT_DIFFERS: client_differs(token),
        Reason.ISSUED_AT_DIFFERS: _issued_at_differs(case, token),
        Reason.CONSUMER_REALM: _consumer_at_organisation(token),
    }
    return next((reason for reason, holds in told.items() if holds), None)


def doubt(case: Case) -> None:
    """Rules 3.2, 3.7 and 3.8: what is probably forged, though nothing contradicts it."""
    for token in case.tokens:
        if is_misspelt(case, token):
            token.doubt = Reason.ISSUER_MISSPELT
        elif subject_says(case, token) is Reason.NAME_DIFFERS:
            token.doubt = Reason.NAME_DIFFERS
        elif is_abroad(case, token):
            token.doubt = Reason.OBJECT_ID_ABROAD


def _key_differs(token: Token) -> bool:
    known = {r.key_id for r in token.namesakes} - {None}
    return token.first.key_id is not None and bool(known) and token.first.key_id not in known


def _issued_at_differs(case: Case, token: Token) -> bool:
    known = {r.issued_at.replace(microsecond=0) for r in token.namesakes if r.issued_at is not None}
    if token.issued_at is None or not known:
        return False
    tolerance = timedelta(seconds=case.policy.law_tolerance)
    return not any(abs(token.issued_at - at) <= tolerance for at in known)


def _tenant_differs(case: Case, token: Token) -> bool:
    tenant = token.first.token_tenant
    known = {r.resource_tenant for r in token.namesakes} - {None}
    if tenant is None or not known or tenant in known:
        return False
    if tenant in case.known.service_tenants or known & case.known.service_tenants:
        return False
    crossings = {(r.cross_tenant or "").lower() for r in token.namesakes}
    return not crossings & case.known.cross_tenant_exceptions


def _class_differs(token: Token) -> bool:
    known = {issued_to(r) for r in token.namesakes} - {None}
    return is_whose(token) is not None and bool(known) and is_whose(token) not in known


def _obeys(case: Case, token: Token) -> bool | None:
    """Whether issued-at obeys the law of rule 3.2; None where there is nothing to hold it against."""
    sign_ins = [r for r in token.namesakes if r.leg == "issuance" and r.source == "entra-signin"]
    issued_at = token.issued_at
    if issued_at is None or not sign_ins:
        return None
    back, tolerance = timedelta(seconds=case.policy.backdate), timedelta(seconds=case.policy.law_tolerance)
    expected = [r.second - back for r in sign_ins]
    return any(abs(issued_at - at) <= tolerance for at in expected)


def _law_holds(case: Case, token: Token) -> bool:
    """Whether enough tokens of the stratum, linked by id, obey the law, and no person's own use breaks it.

    Of those that break it, one network counts once.
    """
    peers = [t for t in case.tokens if t.stratum == token.stratum and t.linked and not t.by_digest]
    obeying = sum(_obeys(case, t) is True for t in peers)
    breaking = [t for t in peers if t.breaks_law]
    plain = [t for t in case.tokens if t.primary and not t.breaks_law and not _differs(case, t)]
    for t in breaking:
        known = reference_habits.known_of(case, t, plain)
        if known is not None and known.grade(t) is Grade.OWN:
            return False
    networks = {t.first.network for t in breaking}
    return obeying >= case.policy.law_pairs and obeying >= case.policy.law_share * (obeying + len(networks))


def _consumer_at_organisation(token: Token) -> bool:
    """Rule 3.3: any acceptance of the tuple shows it, linked or not."""
    return token.first.token_tenant == CONSUMER_TENANT and any(
        r.object_kind in ("mailbox", "configuration") and r.resource_tenant not in (None, CONSUMER_TENANT)
        for r in token.acceptances
    )
