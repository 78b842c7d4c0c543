"""Rule 6: roots and taint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from counterfoil.model.reason import SETS, Reason
from counterfoil.model.schema import TokenClass
from counterfoil.model.verdict import Verdict

from . import reference_misses
from .reference_case import Case, Grade, Token
from .reference_doubts import comparable
from .reference_policy import ENTRA_LOGS, OWN_LOGS
from .reference_records import SIGN_IN_KINDS, IdKey, Record, identified

Edges = set[tuple[IdKey, IdKey]]  # from parent id to child id


def edges(case: Case) -> Edges:
    """Rule 6.1, between ids: an exchange's parents and the id that it issued."""
    return {
        (token.first.id_key, child)
        for token in case.tokens
        for record in token.acceptances
        for child in record.children
        if token.first.id_key is not None
    }


def _closure(start: Iterable[IdKey], ways: Edges) -> set[IdKey]:
    """Everything that descends from `start`, at any depth; cycles change nothing."""
    reached = set(start)
    while new := {child for parent, child in ways if parent in reached} - reached:
        reached |= new
    return reached


def rooted_ids(case: Case) -> set[IdKey]:
    """Rule 6.2: an id with a primary issuance, or with a parent that is rooted."""
    primary = {r.id_key for r in case.issued if r.leg == "issuance" and r.id_key is not None}
    return _closure(primary, edges(case))


def tainted_ids(case: Case, answers: Mapping[Token, tuple[Verdict, Reason]]) -> set[IdKey]:
    """Rule 6.4: what was issued with a contradicted or forged token, and what descends from that.

    An exchange names its parent's id alone: of an issuer with a ledger, an id that was never issued is so everywhere.
    """
    bad = {t for t, (verdict, _) in answers.items() if verdict in (Verdict.CONTRADICTED, Verdict.FORGED)}
    unissued = {
        (t.issuer, t.token_id)
        for t, (_, reason) in answers.items()
        if reason is Reason.ID_NOT_ISSUED and t.token_id is not None and case.own_log(t.issuer)
    }
    bad |= {t for t in case.tokens if (t.issuer, t.token_id) in unissued and t.first.derived == "exchange"}
    children = {child for token in bad for record in token.acceptances for child in record.children}
    return _closure(children | _swapped(case), edges(case))


def _swapped(case: Case) -> set[IdKey]:
    """Rule 6.4: what an own issuer gave one person for a token that it had issued to another."""
    own = [r for r in case.issued if r.source in OWN_LOGS and identified(r.subject) and r.id_key is not None]
    persons = {(r.issuer, r.subject) for r in own if r.leg == "issuance" and r.token_class == TokenClass.USER}
    own = [r for r in own if (r.issuer, r.subject) in persons]
    found = set()
    for record in own:
        parents = set(record.parent_token_ids or ())
        holders = {
            r.subject for r in own
            if r.issuer == record.issuer and {r.token_id} == parents and comparable(r.subject, record.subject)
        }
        if record.leg == "secondary_issuance" and holders and record.subject not in holders and record.id_key:
            found.add(record.id_key)
    return found


def ids_of_sets(case: Case, answers: Mapping[Token, tuple[Verdict, Reason]]) -> set[IdKey]:
    """Rule 6.5: what was issued for members of a set of which some are forged, and what descends from that."""
    members = {t for t, (_, reason) in answers.items() if reason in SETS}
    children = {child for token in members for record in token.acceptances for child in record.children}
    return _closure(children, edges(case))


def is_rooted(token: Token, rooted: set[IdKey]) -> bool:
    """Whether a linked token has a primary issuance, or one that descends from one."""
    own = {token.first.id_key} if token.first.id_key is not None else set()
    return any(r.leg == "issuance" for r in token.issuances) or bool((token.linked_ids | own) & rooted)


def normally_roots(case: Case, token: Token, rooted: set[IdKey]) -> bool:
    """Rule 6.3: whether every stratum of the token's secondary issuances normally roots."""
    strata = {_stratum(r) for r in token.issuances if r.leg == "secondary_issuance"}
    return bool(strata) and all(_roots(case, stratum, rooted) for stratum in strata)


def must_root(case: Case, token: Token) -> bool:
    """Rules 4.1 b to f, as 6.3 asks for them, and 5.4."""
    relied_on = token.covered and not token.silent and not token.agentic and not token.refuted
    return reference_misses.sound_id(case, token) and relied_on and token.grade is Grade.FOREIGN


def is_unrooted(case: Case, token: Token, rooted: set[IdKey]) -> bool:
    """Rule 6.3: whether it is of an exchange that must have a root in evidence, and has none."""
    exchanged = token.linked and not token.primary and not is_rooted(token, rooted)
    return exchanged and must_root(case, token) and normally_roots(case, token, rooted)


def _stratum(record: Record) -> tuple[str | None, str, str]:
    return (record.issuer, record.source, record.operation)


def _roots(case: Case, stratum: tuple[str | None, str, str], rooted: set[IdKey]) -> bool:
    secondary = [r for r in case.issued if r.leg == "secondary_issuance" and _stratum(r) == stratum]
    ids = {r.id_key for r in secondary if r.id_key is not None and _relied_on(case, r)}
    # used from one network outside the services' own, and not the person's own use: counted once
    away: dict[IdKey | None, str] = {}
    for t in case.tokens:
        if t.linked and not t.primary and not t.ordinary and not reference_misses.inside_services(t):
            away[t.first.id_key] = min(away.get(t.first.id_key, t.first.network or ""), t.first.network or "")
    with_root, without = len(ids & rooted), len({away.get(i, i) for i in ids - rooted})
    policy = case.policy
    return with_root >= policy.rooted_pairs and with_root / (with_root + without) >= policy.rooted_share


def _relied_on(case: Case, record: Record) -> bool:
    """Rule 6.3: whether a sign-in behind it would be in evidence, of whichever kind of people's sign-ins."""
    skew = timedelta(seconds=case.policy.skew)
    span = (record.second - skew, record.second + skew)
    return any(
        all(any(d.contains(span) for d in case.accepted(record.issuer, log, kind)) for kind in SIGN_IN_KINDS)
        for log in ENTRA_LOGS
    )


def is_rootless(case: Case, token: Token) -> bool:
    """Rule 6.3: whether no sign-in of a person of this issuer is in evidence, so that no exchange can have a root."""
    sign_ins = [r for r in case.issuances if r.source in ENTRA_LOGS and r.kind in SIGN_IN_KINDS]
    return (token.issuer or "").startswith("entra:") and all(r.issuer != token.issuer for r in sign_ins)
