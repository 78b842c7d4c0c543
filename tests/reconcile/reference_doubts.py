"""Rules 3.2 (subjects), 3.7 and 3.8: what a subject, a tenant or an issuer that differs means."""

from __future__ import annotations

import re

from counterfoil.model.reason import Reason
from counterfoil.model.receipt import RECEIPTS_LOG
from counterfoil.model.schema import TokenClass

from .reference_case import Case, Token
from .reference_policy import ENTRA_LOGS, OWN_LOGS
from .reference_records import SIGN_IN_KINDS, Record, identified

PERSONAL = (TokenClass.USER, TokenClass.DELEGATED)
APP_ONLY = (TokenClass.APPLICATION, TokenClass.MANAGED_IDENTITY)


def issued_to(record: Record) -> str | None:
    """Rule 3.2: person or application, as far as a sign-in tells it."""
    told = record.token_class if record.leg == "issuance" else None
    if record.leg == "issuance" and record.source == "m365-ual" and told is None:
        return "person"
    return "person" if told in PERSONAL else "application" if told in APP_ONLY else None


def is_whose(token: Token) -> str | None:
    """Rule 3.2: an app-acts-as token is an application's."""
    told = token.first.token_class
    return "person" if told in PERSONAL else "application" if told in (*APP_ONLY, TokenClass.ACT_AS) else None


def shows_subject(token: Token) -> bool:
    """Rule 3.2: by id, and not as a conclusion from an exchange in the provider's log."""
    concluded = token.first.derived == "exchange" and token.first.source not in OWN_LOGS
    return token.has_subject_id and not concluded


def subject_says(case: Case, token: Token) -> Reason | None:
    """Rule 3.2: subject-differs where it is certain, name-differs where it is not."""
    shown, is_app = shows_subject(token), any(issued_to(r) == "application" for r in token.namesakes)
    known = known_subjects(token)
    if not known or any(token.subject == r.subject for r in token.namesakes):
        return None
    if any(r.is_guest for r in token.namesakes) and not is_member(case, token):
        return None
    person = is_user(case, token.subject) or is_member(case, token)
    if shown and not (token.first.token_class is None and is_app and not person):
        return Reason.SUBJECT_DIFFERS
    if shown:
        return None  # perhaps an application whose principal has another id in another log
    return _by_name(case, token)


def known_subjects(token: Token) -> set[str | None]:
    """Rule 3.2: with whom the token's subject is compared."""
    if not identified(token.subject) or token.first.token_class not in (None, *PERSONAL):
        return set()
    return {
        r.subject for r in token.namesakes
        if identified(r.subject) and comparable(token.subject, r.subject)
        and (shows_subject(token) or issued_to(r) != "application")
    }


def _by_name(case: Case, token: Token) -> Reason | None:
    if not is_user(case, token.subject) and not is_member(case, token):
        return None
    holders = {r.subject for r in case.issued if r.token_id == token.token_id and r.subject is not None}
    delegates = any(_opens(case, a, b) for h in holders for a, b in ((h, token.subject), (token.subject, h)))
    if token.first.derived == "exchange":
        if not delegates and any(is_user(case, h) for h in holders):
            return Reason.SUBJECT_DIFFERS
    elif shows_own_token(case, token) or token.first.object_kind in ("configuration", "directory"):
        return Reason.SUBJECT_DIFFERS
    visited = token.first.object_parent in (None, token.first.subject_name)
    return None if delegates or (token.first.logon_type in ("delegate", "admin") and visited) else Reason.NAME_DIFFERS


def _opens(case: Case, opener: str | None, owner: str | None) -> bool:
    """Whether a delegate's record shows the one at the other's mailbox."""
    return any(
        r.outcome == "success" and r.logon_type == "delegate"
        and r.subject == opener and r.object_parent is not None and case.names.get(r.object_parent) == owner
        for r in case.records
    )


def comparable(one: str | None, other: str | None) -> bool:
    """Rule 3.2: pseudonyms compare under one key alone, and never with anything else."""
    keys = [(subject or "").split(":")[1] if (subject or "").startswith("ps1:") else None for subject in (one, other)]
    return keys[0] == keys[1]


def shows_own_token(case: Case, token: Token) -> bool:
    """Rule 4.2 a-d: the record positively shows the acting user's own delegated token."""
    record = token.first
    owner = record.logon_type == "owner" or record.object_kind not in (None, "mailbox")  # a; unknown shows nothing
    user = record.token_class == TokenClass.USER or (record.token_class is None and token.has_subject_id)  # b, d
    return owner and user and is_user(case, token.subject)


def is_user(case: Case, subject: str | None) -> bool:
    """Rule 4.2 c: somebody who signs in, whatever came of it."""
    signs_in = any(r.subject == subject for r in _sign_ins(case))
    named = any(subject == identity for identity, _ in case.settings.identities)
    return identified(subject) and (signs_in or named)


def is_member(case: Case, token: Token) -> bool:
    """Rule 3.2: who signed in at home in the tenant whose resource accepted the token."""
    tenant = token.first.resource_tenant or token.first.token_tenant
    return any(
        r.subject == token.subject and identified(r.subject) and r.home_tenant == r.resource_tenant == tenant
        for r in [*_sign_ins(case), *(r for r in case.issuances if r.source == "m365-ual" and r.leg == "issuance")]
        if tenant is not None
    )


def _sign_ins(case: Case) -> list[Record]:
    return [r for r in case.issuances if r.source in ENTRA_LOGS and r.kind in SIGN_IN_KINDS]


def client_differs(token: Token) -> bool:
    """Rule 3.2: another application's, where neither client nor principal is that of the issuance."""
    first = token.first
    same = any(first.client_id == r.client_id or token.subject == r.subject for r in token.namesakes)
    return knows_client(token) and not same


def knows_client(token: Token) -> bool:
    """Rule 3.2: whether client and principal of an app-only token are told on both sides."""
    first = token.first
    if first.token_class not in APP_ONLY or first.client_id is None or not identified(token.subject):
        return False
    return any(
        issued_to(r) == "application" and r.client_id is not None and identified(r.subject) for r in token.namesakes
    )


def is_abroad(case: Case, token: Token) -> bool:
    """Rule 3.7: a member's object id under another tenant's name."""
    tenant, here, told = token.first.token_tenant, token.first.resource_tenant, token.first.token_class
    if None in (tenant, here) or tenant == here or told in APP_ONLY or not token.has_subject_id:
        return False
    crossings = {(r.cross_tenant or "").lower() for r in token.namesakes}
    if tenant in {r.resource_tenant for r in token.namesakes} or crossings & case.known.cross_tenant_exceptions:
        return False
    lawful = told in (None, TokenClass.ACT_AS, TokenClass.SERVICE) and tenant in case.known.service_tenants
    return is_member(case, token) and not lawful


def is_misspelt(case: Case, token: Token) -> bool:
    """Rule 3.8: verified under an own issuer's key, and not named as that issuer is."""
    first = token.first
    if first.source != RECEIPTS_LOG or first.derived or first.key_id is None or token.by_digest:
        return False
    own = [r for r in case.issued if r.source in OWN_LOGS]
    used = [t.issuer for t in case.tokens if t.primary and t.first.source == RECEIPTS_LOG and not t.first.derived
            and t.first.key_id == first.key_id and t.issuer in {r.issuer for r in own}]
    owners = {*used, *(r.issuer for r in own if r.key_id == first.key_id)} - {None}
    if not owners or token.issuer in owners or not _verified(case, first):
        return False
    if token.issuer is None:
        tells = [t.first.kind for t in case.tokens if t.first.source == RECEIPTS_LOG and t.issuer is not None]
        return first.kind in tells
    return _bare(token.issuer) in {_bare(owner) for owner in owners if owner is not None}


def _verified(case: Case, record: Record) -> bool:
    name = record.signing_input_digest or record.token_id
    return any(
        r.leg == "acceptance" and r.source == RECEIPTS_LOG and r.signature == "verified" and r.key_id == record.key_id
        and name is not None and (r.signing_input_digest or r.token_id) == name
        for r in case.records
    )


def _bare(issuer: str) -> str:
    return re.sub(r"[/.\s]+", "", re.sub(r"^[a-z][a-z0-9+.-]*:/*", "", issuer.strip().lower()))
