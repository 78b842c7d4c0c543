"""Rules 2.2 and 3: which issuances carry a token's id or digest, and on which facts they disagree with it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.model.ids import IdKind
from counterfoil.model.known import CROSS_TENANT_EXCEPTIONS, SERVICE_TENANTS
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.model.verdict import Reason
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.policy import Policy
from counterfoil.tokens.pseudonym import KEY_OF_PSEUDONYM

ISSUANCE = (
    "leg", "source", "kind", "record_id", "event_time", "outcome", "issuer", "token_id", "token_id_kind", "subject_id",
    "subject_name", "resource", "client_id", "ip", "user_agent", "device_id", "session_id", "resource_tenant",
    "home_tenant", "cross_tenant", "key_id",
    "signing_input_digest", "issued_at",
    "operation", "token_class", "parent_token_ids", "incoming_token", "sequence",
)  # fmt: skip


def issuances(records: ir.Table) -> ir.Table:
    """Return the issuance records, primary and secondary, of every outcome."""
    return records.filter(records.leg.isin([Leg.ISSUANCE, Leg.SECONDARY_ISSUANCE])).select(*ISSUANCE)


_DIFFERING = ("digest", "key", "tenant", "subject", "issued")
# What issuances say of a token: which kinds know it, by what, and where they disagree with it.
FLAGS = (
    "primary", "secondary", "interrupted", "failed", "by_digest", "law_known", "law_obeyed",
    *(f"{fact}_differs" for fact in _DIFFERING),
)  # fmt: skip
_ID = ("token_id", "token_id_kind")
_MINE = (
    "token_key", *_ID, "signing_input_digest", "subject", "token_tenant", "key_id", "t_issued", "subject_counts",
    "issuer", "derived",
)  # fmt: skip
_THEIRS = ("leg", "outcome", "good", "guest", "excepted", "lawful", "i_tenant", "i_subject", "i_identified", "i_key",
           "i_digest", "i_issued", "i_time", "i_issuer")  # fmt: skip


def linked(
    engine: Engine, tokens: ir.Table, issued: ir.Table, digests: ir.Table | None, policy: Policy, *, hidden: bool
) -> ir.Table:  # fmt: skip
    """Return the tokens with FLAGS (booleans).

    `issued`: the issuances of the tokens' families; `digests`: all issuances with a digest, None if there are none;
    `hidden`: subjects may be pseudonyms.
    Most ids are known to one issuance: one join settles them. The others are compared pair by pair and summed up.
    """
    mine = tokens.mutate(subject_counts=_subject_counts(tokens))
    theirs = _facts(issued.filter(issued.token_id.notnull()))
    counted = theirs.group_by(*_ID).agg(n=theirs.count())
    several = engine.keep("several_issuances", counted.filter(counted.n > 1).select(*_ID))
    pairs = _pairs(mine, theirs.semi_join(several, _ID))
    if digests is not None:
        with_digest = mine.filter(mine.signing_input_digest.notnull())
        same = _facts(digests).drop(*_ID)
        by_digest = with_digest.select(*_MINE).join(same, with_digest.signing_input_digest == same.i_digest)
        pairs = ibis.union(pairs, _pairs(with_digest, theirs), by_digest.select(*_MINE, *_THEIRS))
    compared = _compared(pairs, policy, hidden=hidden)
    summed = compared.group_by("token_key").agg(**{name: flag.any() for name, flag in _said(compared).items()})
    summed = engine.keep("summed_links", summed.select("token_key", **_told(summed)))
    single = _compared(mine.left_join(theirs.anti_join(several, _ID), _ID), policy, hidden=hidden)
    single = single.mutate(**_said(single))
    whole = single.mutate(**_told(single)).left_join(summed, "token_key", rname="{name}_sum")
    flags = {name: ibis.coalesce(whole[f"{name}_sum"], whole[name], ibis.literal(False)) for name in FLAGS}
    return whole.select(*tokens.columns, **flags)


def _facts(issued: ir.Table) -> ir.Table:
    """Return the issuances with what tokens are compared with."""
    return issued.select(
        *_ID, "leg", "outcome", i_issuer=issued.issuer,
        i_tenant=issued.resource_tenant, i_subject=issued.subject, i_identified=issued.identified, i_key=issued.key_id,
        i_digest=issued.signing_input_digest, i_issued=whole_seconds(issued.issued_at),
        i_time=whole_seconds(issued.event_time),
        good=issued.outcome == Outcome.SUCCESS,
        guest=(issued.home_tenant != issued.resource_tenant).fill_null(False),
        excepted=issued.cross_tenant.lower().isin(sorted(map(str.lower, CROSS_TENANT_EXCEPTIONS))).fill_null(False),
        lawful=(issued.leg == Leg.ISSUANCE) & (issued.source == "entra-signin"),
    )  # fmt: skip


def _pairs(mine: ir.Table, theirs: ir.Table) -> ir.Table:
    return mine.select(*_MINE).join(theirs, _ID).select(*_MINE, *_THEIRS)


def _said(pairs: ir.Table) -> dict[str, ir.BooleanValue]:
    """Return what a pair says, by name. Several pairs say together what any of them says."""
    good = pairs.good
    primary = good & (pairs.leg == Leg.ISSUANCE)
    return {
        "primary": primary,
        "secondary": good & (pairs.leg == Leg.SECONDARY_ISSUANCE),
        "interrupted": pairs.outcome == Outcome.INTERRUPTED,
        "failed": pairs.outcome == Outcome.FAILED,
        "by_digest": good & pairs.digest_same,
        "skip_tenant": good & pairs.tenant_exempt,
        "skip_subject": good & pairs.guest,
        "law_known": primary & pairs.law_known,
        "law_obeyed": primary & pairs.law_obeyed,
        **{f"{fact}_known": good & pairs[f"{fact}_known"] for fact in _DIFFERING},
        **{f"{fact}_same": good & pairs[f"{fact}_same"] for fact in _DIFFERING},
    }


def _told(said: ir.Table) -> dict[str, ir.BooleanValue]:
    """Return FLAGS from what the pairs of a token said."""
    skipped = {"tenant": said.skip_tenant, "subject": said.skip_subject}
    differ = {fact: said[f"{fact}_known"] & ~said[f"{fact}_same"] for fact in _DIFFERING}
    return {
        **{name: said[name] for name in FLAGS if not name.endswith("_differs")},
        **{f"{f}_differs": differs & ~skipped[f] if f in skipped else differs for f, differs in differ.items()},
    }


def _compared(pairs: ir.Table, policy: Policy, *, hidden: bool) -> ir.Table:
    """Return pairs of token and issuance with each fact compared: (known on both sides, same).

    NULL on either side is neither. `hidden`: subjects may be pseudonyms, which compare only under one key; and ids are
    those that issuers choose, each for himself: another issuer's record of that id is none of this token. Whose token
    was exchanged is a guess.
    """
    subject_known = pairs.subject_counts & pairs.i_identified & pairs.i_subject.notnull()
    if hidden:
        subject_known &= pseudonym_key(pairs.subject) == pseudonym_key(pairs.i_subject)
        others = (pairs.token_id_kind == str(IdKind.JTI)) & (pairs.issuer != pairs.i_issuer)
        others &= (pairs.derived != "exchange") & ~_same(pairs.signing_input_digest, pairs.i_digest)
        mine = ~others.fill_null(False)
        pairs = pairs.mutate(good=pairs.good & mine, outcome=ibis.ifelse(mine, pairs.outcome, ibis.null("string")))
    return pairs.mutate(
        digest_known=_known(pairs.signing_input_digest, pairs.i_digest),
        digest_same=_same(pairs.signing_input_digest, pairs.i_digest),
        issued_known=_known(pairs.t_issued, pairs.i_issued),
        issued_same=((pairs.t_issued - pairs.i_issued).abs() <= policy.law_tolerance).fill_null(False),
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


def pseudonym_key(subject: ir.StringValue) -> ir.StringValue:
    """Return the part of a pseudonym (`tokens.pseudonym`) that names its key; an empty text for any other subject."""
    return subject.re_extract(KEY_OF_PSEUDONYM, 1)


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


def contradiction(tokens: ir.Table) -> ir.StringValue:
    """Rules 3.1-3.3 but for the law of issued-at: the reason why a linked token is contradicted, or NULL."""
    return ibis.cases(
        (tokens.digest_differs, str(Reason.DIGEST_DIFFERS)),
        (tokens.key_differs, str(Reason.KEY_DIFFERS)),
        (tokens.tenant_differs, str(Reason.TENANT_DIFFERS)),
        (tokens.subject_differs, str(Reason.SUBJECT_DIFFERS)),
        (tokens.issued_differs, str(Reason.ISSUED_AT_DIFFERS)),
        (tokens.consumer_realm, str(Reason.CONSUMER_REALM)),
        else_=ibis.null("string"),
    )
