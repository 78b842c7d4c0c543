"""Rules 2.2 and 3: which issuances carry a token's id or digest, and on which facts they disagree with it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.model.known import CROSS_TENANT_EXCEPTIONS, SERVICE_TENANTS
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.model.verdict import Reason
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.policy import Policy

ISSUANCE = (
    "leg", "source", "kind", "record_id", "event_time", "outcome", "issuer", "token_id", "token_id_kind", "subject_id",
    "subject_name", "resource", "client_id", "ip", "resource_tenant", "home_tenant", "cross_tenant", "key_id",
    "signing_input_digest",
    "operation", "token_class", "parent_token_ids", "incoming_token", "sequence",
)  # fmt: skip


def issuances(records: ir.Table) -> ir.Table:
    """Return the issuance records, primary and secondary, of every outcome."""
    return records.filter(records.leg.isin([Leg.ISSUANCE, Leg.SECONDARY_ISSUANCE])).select(*ISSUANCE)


def links(tokens: ir.Table, issued: ir.Table, policy: Policy) -> ir.Table:
    """Return one row per token with an id or digest that is known to some issuance.

    Columns: `token_key`; `primary`, `secondary`, `interrupted`, `failed` (booleans); `by_digest`; and per fact
    of rule 3.2 `<fact>_differs`; `law_known`, `law_obeyed`.
    """
    pairs = _pairs(tokens, issued, policy)
    good = pairs.good
    primary = good & (pairs.leg == Leg.ISSUANCE)
    grouped = pairs.group_by("token_key").agg(
        primary=primary.any(),
        secondary=(good & (pairs.leg == Leg.SECONDARY_ISSUANCE)).any(),
        interrupted=(pairs.outcome == Outcome.INTERRUPTED).any(),
        failed=(pairs.outcome == Outcome.FAILED).any(),
        by_digest=(good & pairs.digest_same).any(),
        skip_tenant=(good & pairs.tenant_exempt).any(),
        skip_subject=(good & pairs.guest).any(),
        law_known=(primary & pairs.law_known).any(),
        law_obeyed=(primary & pairs.law_obeyed).any(),
        **{f"{fact}_known": (good & pairs[f"{fact}_known"]).any() for fact in _FACTS},
        **{f"{fact}_same": (good & pairs[f"{fact}_same"]).any() for fact in _FACTS},
    )
    return grouped.mutate(
        digest_differs=grouped.digest_known & ~grouped.digest_same,
        key_differs=grouped.key_known & ~grouped.key_same,
        tenant_differs=grouped.tenant_known & ~grouped.tenant_same & ~grouped.skip_tenant,
        subject_differs=grouped.subject_known & ~grouped.subject_same & ~grouped.skip_subject,
    ).select(
        "token_key", "primary", "secondary", "interrupted", "failed", "by_digest", "law_known", "law_obeyed",
        *(f"{fact}_differs" for fact in _FACTS),
    )  # fmt: skip


_FACTS = ("digest", "key", "tenant", "subject")


def _pairs(tokens: ir.Table, issued: ir.Table, policy: Policy) -> ir.Table:
    """Return token x issuance pairs that share an id, or a digest, with each fact compared.

    A comparison is (known on both sides, same); NULL on either side is neither.
    """
    facts = issued.mutate(
        i_tenant=issued.resource_tenant, i_subject=issued.subject, i_identified=issued.identified, i_key=issued.key_id,
        i_digest=issued.signing_input_digest, i_time=whole_seconds(issued.event_time),
        good=issued.outcome == Outcome.SUCCESS,
        guest=(issued.home_tenant != issued.resource_tenant).fill_null(False),
        excepted=issued.cross_tenant.lower().isin(sorted(map(str.lower, CROSS_TENANT_EXCEPTIONS))).fill_null(False),
        lawful=(issued.leg == Leg.ISSUANCE) & (issued.source == "entra-signin"),
    )  # fmt: skip
    kept = ["leg", "outcome", "good", "guest", "excepted", "lawful", "i_tenant", "i_subject", "i_identified", "i_key",
            "i_digest", "i_time"]  # fmt: skip
    mine = tokens.select(
        "token_key", "token_id", "token_id_kind", "signing_input_digest", "subject", "token_tenant", "key_id",
        "t_issued", subject_counts=_subject_counts(tokens),
    )  # fmt: skip
    by_id = mine.filter(mine.token_id.notnull()).join(
        facts.select("token_id", "token_id_kind", *kept), ["token_id", "token_id_kind"]
    )
    by_digest = mine.filter(mine.signing_input_digest.notnull()).join(
        facts.filter(facts.signing_input_digest.notnull()).select("signing_input_digest", *kept), "signing_input_digest"
    )
    columns = [*mine.columns, *kept]
    pairs = ibis.union(by_id.select(*columns), by_digest.select(*columns), distinct=False)
    subject_known = pairs.subject_counts & pairs.i_identified & pairs.i_subject.notnull()
    return pairs.mutate(
        digest_known=_known(pairs.signing_input_digest, pairs.i_digest),
        digest_same=_same(pairs.signing_input_digest, pairs.i_digest),
        key_known=_known(pairs.key_id, pairs.i_key),
        key_same=_same(pairs.key_id, pairs.i_key),
        tenant_known=_known(pairs.token_tenant, pairs.i_tenant),
        tenant_same=_same(pairs.token_tenant, pairs.i_tenant),
        tenant_exempt=pairs.excepted
        | pairs.token_tenant.isin(sorted(SERVICE_TENANTS)).fill_null(False)
        | pairs.i_tenant.isin(sorted(SERVICE_TENANTS)).fill_null(False),
        subject_known=subject_known,
        subject_same=subject_known & _same(pairs.subject, pairs.i_subject),
        law_known=pairs.lawful & pairs.t_issued.notnull(),
        law_obeyed=pairs.lawful
        & ((pairs.t_issued - pairs.i_time + policy.backdate).abs() <= policy.law_tolerance).fill_null(False),
    )


def _known(mine: ir.Value, theirs: ir.Value) -> ir.BooleanValue:
    return mine.notnull() & theirs.notnull()


def _same(mine: ir.Value, theirs: ir.Value) -> ir.BooleanValue:
    return (mine == theirs).fill_null(False)


def _subject_counts(tokens: ir.Table) -> ir.BooleanValue:
    """Tell whether the token's subject may be held against an issuance's (rule 3.2)."""
    shown = tokens.subject_id.notnull() | (sound_subject(tokens) & tokens.is_user)
    theirs = tokens.token_class.isin([TokenClass.USER.value, TokenClass.DELEGATED.value]).fill_null(True)
    return tokens.identified & shown & theirs


def sound_subject(tokens: ir.Table) -> ir.BooleanValue:
    """Rule 4.2 a, b, d: the record shows the acting user's own delegated token."""
    owner = (tokens.logon_type == "owner") | (tokens.object_kind != "mailbox")
    personal = (tokens.token_class == TokenClass.USER) | (tokens.token_class.isnull() & tokens.subject_id.notnull())
    return tokens.identified & owner.fill_null(False) & personal.fill_null(False)


def contradiction(judged: ir.Table, policy: Policy) -> ir.StringValue:
    """Rules 3.1-3.3: the reason why the token is contradicted, or NULL. `judged`: tokens left-joined with links."""
    held = (judged.law_obeying >= policy.law_pairs) & (judged.law_obeying >= policy.law_share * judged.law_pairs)
    return ibis.cases(
        (judged.digest_differs.fill_null(False), str(Reason.DIGEST_DIFFERS)),
        (judged.key_differs.fill_null(False), str(Reason.KEY_DIFFERS)),
        (judged.tenant_differs.fill_null(False), str(Reason.TENANT_DIFFERS)),
        (judged.subject_differs.fill_null(False), str(Reason.SUBJECT_DIFFERS)),
        ((judged.law_known & ~judged.law_obeyed & held).fill_null(False), str(Reason.ISSUED_AT_DIFFERS)),
        (judged.consumer_realm, str(Reason.CONSUMER_REALM)),
        else_=ibis.null("string"),
    )
