"""Rules 2.2 and 3: which issuances carry a token's id or digest, and on which facts they disagree with it."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.ids import IdKind
from counterfoil.model.known import CROSS_TENANT_EXCEPTIONS, SERVICE_TENANTS
from counterfoil.model.logs import Logs
from counterfoil.model.reason import Reason
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.identity import guest
from counterfoil.reconcile.log_parts import in_logs
from counterfoil.reconcile.own_logs import in_own_log
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.sides import app_only, issued_to_application, may_be_persons, of_application
from counterfoil.tokens.pseudonym import KEY_OF_PSEUDONYM

ISSUANCE = (
    "leg", "source", "kind", "record_id", "event_time", "outcome", "issuer", "token_id", "token_id_kind", "subject_id",
    "subject_name", "resource", "client_id", "ip", "user_agent", "device_id", "session_id", "resource_tenant",
    "home_tenant", "cross_tenant", "key_id",
    "signing_input_digest", "issued_at", "ingested_at",
    "operation", "token_class", "parent_token_ids", "incoming_token", "sequence",
)


def issuances(records: ir.Table) -> ir.Table:
    """Return the issuance records, primary and secondary, of every outcome."""
    return records.filter(records.leg.isin([Leg.ISSUANCE, Leg.SECONDARY_ISSUANCE])).select(*ISSUANCE)


# What is compared, in the order in which a fact that differs gives the reason.
_FACTS = ("digest", "key", "tenant", "class", "subject", "client", "issued")
# What issuances say of a token, by pairs that say together what any of them says.
_SAID = (
    "primary", "secondary", "interrupted", "failed", "by_digest", "law_known", "law_obeyed", "tenant_exempt", "crossed",
    "guest", "app_issued", *(f"{fact}_{how}" for fact in _FACTS for how in ("known", "same")),
)
_KEPT = ("primary", "secondary", "interrupted", "failed", "by_digest", "law_known", "law_obeyed", "guest")
_ID = ("token_id", "token_id_kind")
_MINE = (
    "token_key", *_ID, "signing_input_digest", "subject", "token_tenant", "key_id", "t_issued", "subject_counts",
    "shown", "application", "app_only", "client_id", "identified", "issuer", "derived",
)
_THEIRS = (
    "leg", "outcome", "good", "visitor", "excepted", "lawful", "i_tenant", "i_subject", "i_identified", "i_key",
    "i_digest", "i_issued", "i_time", "i_issuer", "i_client", "i_application",
)


def several_issuances(engine: Engine, issued: ir.Table) -> ir.Table:
    """Return (token_id, token_id_kind) of ids that are known to more than one of these issuances."""
    named = issued.filter(issued.token_id.notnull())
    counted = named.group_by(*_ID).agg(n=named.count())
    return engine.keep("links_several", counted.filter(counted.n > 1).select(*_ID))


def linked(
    engine: Engine, tokens: ir.Table, alone: ir.Table, issued: ir.Table, several: ir.Table, digests: ir.Table | None,
    policy: Policy, logs: Logs, *, hidden: bool,
) -> ir.Table:
    """Return the tokens with what their issuances say of them.

    That is _KEPT; `<fact>_differs` for each of _FACTS; `subject_open` (it differs: `doubts` decides what that means);
    `elsewhere` (it names another tenant than its issuances and the resource); `uncompared` (facts apart by spaces).

    `alone`: tokens whose id has one issuance at most, and that no digest can link. `issued`: the issuances of the
    tokens' families; `several`: of `several_issuances`; `digests`: all issuances with a digest, None if there are none;
    `hidden`: subjects may be pseudonyms.
    Most ids are known to one issuance: one join settles them. The others are compared pair by pair and summed up.
    """
    mine = _compared_by(tokens, logs)
    theirs = _facts(issued.filter(issued.token_id.notnull()), logs)
    pairs = _pairs(mine, theirs.semi_join(several, _ID))
    if digests is not None:
        with_digest = mine.filter(mine.signing_input_digest.notnull())
        same = _facts(digests, logs).drop(*_ID)
        by_digest = with_digest.select(*_MINE).join(same, with_digest.signing_input_digest == same.i_digest)
        pairs = ibis.union(pairs, _pairs(with_digest, theirs), by_digest.select(*_MINE, *_THEIRS))
    compared = _compared(pairs, policy, hidden=hidden)
    summed = compared.group_by("token_key").agg(**{name: flag.any() for name, flag in _said(compared).items()})
    summed = engine.keep("links_summed", summed)
    every = ibis.union(mine, _compared_by(alone, logs))
    single = _compared(every.left_join(theirs.anti_join(several, _ID), _ID), policy, hidden=hidden)
    single = single.select(*every.columns, **_said(single))
    whole = single.left_join(summed, "token_key", rname="{name}_sum")
    said = {name: ibis.coalesce(whole[f"{name}_sum"], whole[name], ibis.literal(False)) for name in _SAID}
    told = whole.select(*every.columns, **said)
    return told.select(*tokens.columns, *_KEPT, **_told(told))


def _compared_by(tokens: ir.Table, logs: Logs) -> ir.Table:
    """Return the tokens with what they are compared by."""
    return tokens.mutate(
        subject_counts=tokens.identified & may_be_persons(tokens), shown=subject_shown(tokens, logs),
        application=of_application(tokens), app_only=app_only(tokens),
    )


def _facts(issued: ir.Table, logs: Logs) -> ir.Table:
    """Return the issuances with what tokens are compared with."""
    return issued.select(
        *_ID, "leg", "outcome", i_issuer=issued.issuer,
        i_tenant=issued.resource_tenant, i_subject=issued.subject, i_identified=issued.identified, i_key=issued.key_id,
        i_digest=issued.signing_input_digest, i_issued=whole_seconds(issued.issued_at),
        i_time=whole_seconds(issued.event_time), i_client=issued.client_id,
        i_application=issued_to_application(issued, logs),
        good=issued.outcome == Outcome.SUCCESS,
        visitor=guest(issued),
        excepted=issued.cross_tenant.lower().isin(sorted(map(str.lower, CROSS_TENANT_EXCEPTIONS))).fill_null(False),
        # a sign-in whose time is unknown, or that of its arrival, obeys no law and breaks none
        lawful=in_logs(issued, "lawful logs", logs.lawful) & issued.event_time.notnull()
        & (issued.ingested_at != issued.event_time).fill_null(True),
    )


def _pairs(mine: ir.Table, theirs: ir.Table) -> ir.Table:
    return mine.select(*_MINE).join(theirs, _ID).select(*_MINE, *_THEIRS)


def _said(pairs: ir.Table) -> dict[str, ir.BooleanValue]:
    """Return what a pair says: _SAID."""
    by_success = {
        "primary": pairs.leg == Leg.ISSUANCE,
        "secondary": pairs.leg == Leg.SECONDARY_ISSUANCE,
        "by_digest": pairs.digest_same,
        "law_known": pairs.law_known,
        "law_obeyed": pairs.law_obeyed,
        "tenant_exempt": pairs.excepted | pairs.provider,
        "crossed": pairs.excepted,
        "guest": pairs.visitor,
        "app_issued": pairs.i_application.fill_null(False),
        **{f"{fact}_{how}": pairs[f"{fact}_{how}"] for fact in _FACTS for how in ("known", "same")},
    }
    return {
        "interrupted": pairs.outcome == Outcome.INTERRUPTED,
        "failed": pairs.outcome == Outcome.FAILED,
        **{name: pairs.good & told for name, told in by_success.items()},
    }


def _told(said: ir.Table) -> dict[str, ir.Value]:
    """Return what the pairs of a token say of it together."""
    differs = {fact: said[f"{fact}_known"] & ~said[f"{fact}_same"] for fact in _FACTS}
    differs["tenant"] &= ~said.tenant_exempt
    subject = differs.pop("subject")
    unsure = ~said.shown | said.guest | (said.token_class.isnull() & said.app_issued)
    foreign = (said.token_tenant != said.resource_tenant).fill_null(False)
    return {
        **{f"{fact}_differs": held for fact, held in differs.items()},
        "subject_differs": subject & ~unsure,
        "subject_open": subject & unsure,
        "elsewhere": foreign & ~said.app_only & said.subject_id.notnull() & ~said.tenant_same & ~said.crossed,
        "uncompared": _uncompared(said),
    }


def _uncompared(said: ir.Table) -> ir.StringValue:
    """Return the facts that were not compared, apart by spaces; NULL where no id links. Clients: of app-only tokens."""
    named = {
        "subject": ~said.subject_known | (said.guest & ~said.subject_same),
        "tenant": ~said.tenant_known | (said.tenant_exempt & ~said.tenant_same),
        "class": ~said.class_known,
        "client": said.app_only & ~said.client_known,
        "key": ~said.key_known,
        "issued-at": ~(said.issued_known | said.law_known),
    }
    words = [ibis.ifelse(lacking, name, ibis.null("string")) for name, lacking in named.items()]
    text = ibis.literal(" ").join(words)
    return ibis.ifelse((said.primary | said.secondary) & ~said.by_digest, text, ibis.null("string"))


def _compared(pairs: ir.Table, policy: Policy, *, hidden: bool) -> ir.Table:
    """Return pairs of token and issuance with each fact compared: (known on both sides, same).

    NULL on either side is neither. `hidden`: subjects may be pseudonyms, which compare only under one key; and ids are
    those that issuers choose, each for himself: another issuer's record of that id is none of this token. Whose token
    was exchanged is a guess.
    """
    subject_known = pairs.subject_counts & pairs.i_identified
    # a name in a record of an application's may be that of the mailbox's owner
    subject_known &= pairs.shown | ~pairs.i_application.fill_null(False)
    if hidden:
        subject_known &= pseudonym_key(pairs.subject) == pseudonym_key(pairs.i_subject)
        others = (pairs.token_id_kind == str(IdKind.JTI)) & (pairs.issuer != pairs.i_issuer)
        others &= (pairs.derived != "exchange") & ~_same(pairs.signing_input_digest, pairs.i_digest)
        mine = ~others.fill_null(False)
        pairs = pairs.mutate(good=pairs.good & mine, outcome=ibis.ifelse(mine, pairs.outcome, ibis.null("string")))
    # a principal's object id differs between logs: only where the client differs too, it is another application
    principals = pairs.app_only & pairs.i_application.fill_null(False) & pairs.identified & pairs.i_identified
    return pairs.mutate(
        digest_known=_known(pairs.signing_input_digest, pairs.i_digest),
        digest_same=_same(pairs.signing_input_digest, pairs.i_digest),
        issued_known=_known(pairs.t_issued, pairs.i_issued),
        issued_same=((pairs.t_issued - pairs.i_issued).abs() <= policy.law_tolerance).fill_null(False),
        key_known=_known(pairs.key_id, pairs.i_key),
        key_same=_same(pairs.key_id, pairs.i_key),
        tenant_known=_known(pairs.token_tenant, pairs.i_tenant),
        tenant_same=_same(pairs.token_tenant, pairs.i_tenant),
        provider=pairs.token_tenant.isin(sorted(SERVICE_TENANTS)).fill_null(False)
        | pairs.i_tenant.isin(sorted(SERVICE_TENANTS)).fill_null(False),
        class_known=_known(pairs.application, pairs.i_application),
        class_same=_same(pairs.application, pairs.i_application),
        subject_known=subject_known,
        subject_same=_same(pairs.subject, pairs.i_subject),
        client_known=principals & _known(pairs.client_id, pairs.i_client),
        client_same=_same(pairs.client_id, pairs.i_client) | _same(pairs.subject, pairs.i_subject),
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


def subject_shown(tokens: ir.Table, logs: Logs) -> ir.BooleanValue:
    """Tell whether the record itself names the token's subject by id.

    Of an exchange it names whom it was made for: in the provider's logs, whose token was shown there is a conclusion.
    """
    concluded = (tokens.derived == "exchange") & ~in_own_log(tokens, logs)
    return tokens.subject_id.notnull() & ~concluded


def sound_subject(tokens: ir.Table) -> ir.BooleanValue:
    """Rule 4.2 a, b, d: the record shows the acting user's own delegated token; `subject` is that user."""
    owner = (tokens.logon_type == "owner") | (tokens.object_kind != "mailbox")
    personal = (tokens.token_class == TokenClass.USER) | (tokens.token_class.isnull() & tokens.subject_id.notnull())
    return owner.fill_null(False) & personal.fill_null(False)


def contradiction(tokens: ir.Table) -> ir.StringValue:
    """Rules 3.1-3.3: the reason why a linked token is contradicted, or NULL.

    But for what the whole evidence decides: the law of issued-at (`with_law`) and some subjects (`doubts`).
    """
    return ibis.cases(
        (tokens.digest_differs, str(Reason.DIGEST_DIFFERS)),
        (tokens.key_differs, str(Reason.KEY_DIFFERS)),
        (tokens.tenant_differs, str(Reason.TENANT_DIFFERS)),
        (tokens.class_differs, str(Reason.CLASS_DIFFERS)),
        (tokens.subject_differs, str(Reason.SUBJECT_DIFFERS)),
        (tokens.client_differs, str(Reason.CLIENT_DIFFERS)),
        (tokens.issued_differs, str(Reason.ISSUED_AT_DIFFERS)),
        (tokens.consumer_realm, str(Reason.CONSUMER_REALM)),
        else_=ibis.null("string"),
    )
