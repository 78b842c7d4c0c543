"""Rule 2.1: tokens are claim tuples; what a token looked like is taken from its first acceptance."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.known import CONSUMER_TENANT
from counterfoil.model.verdict import CLAIM_TUPLE
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.families import APART
from counterfoil.reconcile.literals import number
from counterfoil.reconcile.shapes import FIRST, VARIED

_UNKNOWN = "\x1e"  # stands for NULL inside a key; no log holds it


def with_key(acceptances: ir.Table) -> ir.Table:
    """Return acceptances with `token_key`: a hash of the claim tuple, and of the record where there is no id."""
    tuple_parts = [_text(acceptances[name]) for name in CLAIM_TUPLE]
    bare = acceptances.token_id.isnull() & acceptances.signing_input_digest.isnull()
    record = acceptances.source + APART + acceptances.record_id + APART + acceptances.derived
    parts = [*tuple_parts, ibis.cases((bare, record), else_=ibis.literal(""))]
    return acceptances.mutate(token_key=ibis.literal(APART).join(parts).hexdigest("md5"))


def _text(value: ir.Value) -> ir.StringValue:
    return value.cast("string").fill_null(_UNKNOWN)


def consumer_realm(acceptances: ir.Table) -> ir.BooleanValue:
    """Rule 3.3: a token of the consumer realm in any operation on an organisation's mailbox, its settings too."""
    return (
        (acceptances.token_tenant == CONSUMER_TENANT)
        & (acceptances.resource_tenant != CONSUMER_TENANT)
        & acceptances.object_kind.isin(["mailbox", "configuration"])
    ).fill_null(False)


def seen_again(engine: Engine, acceptances: ir.Table) -> ir.Table:
    """Return the tokens that were accepted more than once, with what is true of all their acceptances.

    Counted by a hash of the key first, as records are (`duplicates`): what a hash throws together is told apart by the
    key itself.
    """
    hashed = acceptances.select(h=acceptances.token_key.hash())
    often = hashed.group_by("h").agg(n=hashed.count()).filter(lambda t: t.n > 1)
    often = engine.keep("tokens_hashes", often.select("h"))
    several = acceptances.mutate(h=acceptances.token_key.hash()).semi_join(often, "h")
    spans = several.group_by("token_key").agg(
        first_seen=several.event_time.min(),
        last_seen=several.event_time.max(),
        acceptances=several.count(),
        subject_id=several.subject_id.max(),
        consumer_realm=consumer_realm(several).any(),
    )
    return engine.keep("tokens_seen_again", spans.filter(spans.acceptances > 1))


def shared(engine: Engine, several: ir.Table, *acceptances: ir.Table) -> ir.Table:
    """Return (h): hashes of families of which more than one of these acceptances is, and of those named in `several`.

    No other's token is used again: what lies alone in its family need not be kept beside the token that it becomes.
    """
    families = ibis.union(*(told.select(h=told.family.hash()) for told in acceptances))
    often = families.group_by("h").agg(n=families.count()).filter(lambda t: t.n > 1)
    return engine.keep("tokens_shared", ibis.union(often.select("h"), several.select(h=several.family.hash())))


def tokens(acceptances: ir.Table, again: ir.Table) -> ir.Table:
    """Return one row per `token_key`: the claim tuple, first and last acceptance, the count, and FIRST.

    `again`: of `seen_again`. Many tokens are seen once: only the others need their first acceptance found.
    """
    once = used_once(acceptances.anti_join(again, "token_key"))
    early = acceptances.drop("subject_id").join(
        again, [acceptances.token_key == again.token_key, acceptances.event_time == again.first_seen]
    )
    # different records may share an id: of several first ones it is always the same that counts
    order = [early[name] for name in ("source", "record_id", "raw_file", "raw_position", "derived", "child_id")]
    place = ibis.row_number().over(group_by=early.token_key, order_by=order)
    first = early.mutate(place=place).filter(lambda t: t.place == 0)
    return ibis.union(once, _timed(first).select(*once.columns))


def used_once(acceptances: ir.Table) -> ir.Table:
    """Return the tokens of these acceptances, each of which is the only one of its token."""
    return _timed(acceptances.select(
        "token_key", "family", *CLAIM_TUPLE, *FIRST, first_seen=acceptances.event_time,
        last_seen=acceptances.event_time, acceptances=number(1), subject_id=acceptances.subject_id,
        consumer_realm=consumer_realm(acceptances),
    ))


def _timed(tokens: ir.Table) -> ir.Table:
    return tokens.mutate(
        has_id=tokens.token_id.notnull(),
        t_first=whole_seconds(tokens.first_seen),
        t_last=whole_seconds(tokens.last_seen),
        t_issued=whole_seconds(tokens.issued_at),
    )


def variants(acceptances: ir.Table, again: ir.Table) -> ir.Table:
    """Return (token_key, family, subject, identified, VARIED, event_time): how tokens seen again were used."""
    uses = acceptances.semi_join(again, "token_key")
    return uses.group_by("token_key", "family", "subject", "identified", *VARIED).agg(event_time=uses.event_time.min())
