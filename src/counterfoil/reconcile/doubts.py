"""Rules 3.2 and 3.7: what a subject that differs, or another tenant's name, means, where the whole evidence decides it.

The links of a part (`links`) tell where a subject differs. Whether that contradicts depends on who is a person, who is
a member of which tenant, and who opens whose mailbox: few tokens are asked for, and only then is it looked up.
"""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.expressions import ibis, ir
from counterfoil.model.known import SERVICE_TENANTS
from counterfoil.model.logs import Logs
from counterfoil.model.reason import Probable, Reason
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.identity import with_people, with_subject
from counterfoil.reconcile.links import sound_subject, subject_shown
from counterfoil.reconcile.log_parts import in_logs, in_parts

# Classes of tokens that rightly name the provider's own tenants; one that is not shown may be one of them.
_PROVIDERS = (TokenClass.ACT_AS, TokenClass.SERVICE)
# Records of administration name who acted, whatever token was used.
_ADMINISTRATION = ("configuration", "directory")
# Contradictions that a subject's outranks (rule 3.2).
_LATER = (Reason.ISSUED_AT_DIFFERS, Reason.CONSUMER_REALM)


@dataclass(frozen=True)
class Known:
    """What all evidence knows: `records`, each once, `issued`, `names` (aliases), `people`, and what `logs` mean."""

    records: ir.Table
    issued: ir.Table
    names: ir.Table
    people: ir.Table
    logs: Logs


def with_doubts(engine: Engine, odd: ir.Table, known: Known) -> ir.Table:
    """Return tokens with `contradiction`, `doubt` and `probable` completed."""
    asked = odd.filter(odd.subject_open | odd.elsewhere)
    asked = engine.keep("doubts_asked", asked.mutate(shown=subject_shown(asked, known.logs)))
    if not engine.rows(asked.limit(1)):
        return odd
    told = _with_delegates(engine, _with_members(engine, with_people(asked, known.people), known), known)
    told = engine.keep("doubts_told", told.select(
        "token_key", refuted=_contradicted(told), named=_named(told), abroad=_abroad(told),
    ))
    joined = odd.left_join(told, "token_key", rname="{name}_d")
    first = joined.contradiction.isnull() | joined.contradiction.isin(list(map(str, _LATER)))
    refuted = joined.refuted.fill_null(False) & first
    doubt = ibis.cases(
        (joined.named.fill_null(False), str(Probable.NAME_DIFFERS)),
        (joined.abroad.fill_null(False), str(Probable.OBJECT_ID_ABROAD)),
        else_=ibis.null("string"),
    )
    kept = [name for name in odd.columns if name not in ("contradiction", "doubt", "probable")]
    return joined.select(
        *kept, contradiction=ibis.ifelse(refuted, str(Reason.SUBJECT_DIFFERS), joined.contradiction),
        doubt=ibis.coalesce(joined.doubt, doubt), probable=ibis.coalesce(joined.probable, doubt),
    )


def _may(tokens: ir.Table) -> ir.BooleanValue:
    """Tell whether the subject may be held against the id's.

    Only a person's; a guest has other object ids, and names, elsewhere.
    """
    return tokens.subject_open & ((tokens.is_user & ~tokens.guest) | tokens.member)


def _contradicted(tokens: ir.Table) -> ir.BooleanValue:
    acting = sound_subject(tokens) | tokens.object_kind.isin(_ADMINISTRATION).fill_null(False)
    exchange = tokens.derived == "exchange"
    told = ibis.ifelse(exchange, tokens.theirs & ~tokens.delegate, acting)
    return _may(tokens) & (tokens.shown | told)


def _named(tokens: ir.Table) -> ir.BooleanValue:
    """Tell whether it remains that a name differs, and is neither a delegate's nor that of the mailbox she opened."""
    visited = tokens.object_parent.isnull() | (tokens.object_parent == tokens.subject_name)
    mailboxes = tokens.logon_type.isin(["delegate", "admin"]).fill_null(False) & visited.fill_null(False)
    return _may(tokens) & ~_contradicted(tokens) & ~tokens.delegate & ~mailboxes


def _abroad(tokens: ir.Table) -> ir.BooleanValue:
    """Rule 3.7: a member's object id under another tenant's name, in a token that is no service's."""
    services = tokens.token_class.isin(list(map(str, _PROVIDERS))).fill_null(True)
    lawful = services & tokens.token_tenant.isin(sorted(SERVICE_TENANTS)).fill_null(False)
    return tokens.elsewhere & tokens.member & ~lawful


def _with_members(engine: Engine, asked: ir.Table, known: Known) -> ir.Table:
    """Add `member`: the subject signed in at home in the tenant whose resource accepted the token."""
    issued = known.issued
    people = in_parts(issued, "people", known.logs.people) | in_logs(
        issued, "of people alone", known.logs.of_people_alone)
    here = issued.filter(
        people, issued.leg == Leg.ISSUANCE, issued.home_tenant == issued.resource_tenant
    ).semi_join(asked.select("subject").distinct(), "subject")
    members = here.select("subject", tenant=here.resource_tenant, member=ibis.literal(True)).distinct()
    at = asked.mutate(tenant=ibis.coalesce(asked.resource_tenant, asked.token_tenant))
    joined = at.left_join(members, ["subject", "tenant"], rname="{name}_m")
    return engine.keep("doubts_members", joined.select(*asked.columns, member=joined.member.fill_null(False)))


def _with_delegates(engine: Engine, asked: ir.Table, known: Known) -> ir.Table:
    """Add `theirs` (its id was issued to a person) and `delegate` (one of the two opens the other's mailbox)."""
    good = known.issued.filter(known.issued.outcome == Outcome.SUCCESS)
    shown = asked.select("token_key", "token_id", "subject")
    held = shown.join(good.select("token_id", holder=good.subject), "token_id").distinct()
    held = engine.keep("doubts_held", held.select("token_key", "subject", "holder"))
    pairs = _openers(engine, known)
    either = ibis.union(
        held.semi_join(pairs, [held.subject == pairs.opener, held.holder == pairs.owner]),
        held.semi_join(pairs, [held.subject == pairs.owner, held.holder == pairs.opener]),
    )
    persons = held.semi_join(known.people, held.holder == known.people.subject)
    marks = {"delegate": either, "theirs": persons}
    for name, found in marks.items():
        hit = found.select("token_key").distinct().mutate(**{name: ibis.literal(True)})
        joined = asked.left_join(hit, "token_key", rname="{name}_x")
        asked = joined.select(*asked.columns, **{name: joined[name].fill_null(False)})
    return engine.keep("doubts_delegates", asked)


def _openers(engine: Engine, known: Known) -> ir.Table:
    """Return (opener, owner): who opened whose mailbox as its delegate, by the services that let them."""
    opened = known.records.filter(
        known.records.logon_type == "delegate", known.records.outcome == Outcome.SUCCESS
    ).select("subject_id", "subject_name", "object_parent")
    told = with_subject(opened.distinct(), known.names)
    owners = known.names.select(object_parent=known.names.subject_name, owner=known.names.proven_id)
    joined = told.join(owners, "object_parent")
    return engine.keep("doubts_openers", joined.select(opener=joined.subject, owner=joined.owner).distinct())
