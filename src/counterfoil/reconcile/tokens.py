"""Rule 2.1: tokens are claim tuples; what a token looked like is taken from its first acceptance."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.model.known import CONSUMER_TENANT
from counterfoil.model.verdict import CLAIM_TUPLE
from counterfoil.reconcile.clock import whole_seconds

_UNKNOWN = "\x1e"  # stands for NULL inside a key; no log holds it
_APART = "\x1f"

# Facts of the first acceptance that a token keeps.
FIRST = (
    "source", "kind", "record_id", "raw_file", "raw_position", "token_class", "token_id_kind", "subject_name",
    "identified", "client_id", "resource", "resource_tenant", "network", "ip", "user_agent", "logon_type",
    "object_kind", "object_id", "object_parent", "operation", "derived", "unknown_presentation",
)  # fmt: skip


def with_key(acceptances: ir.Table) -> ir.Table:
    """Return acceptances with `token_key`: a hash of the claim tuple, and of the record where there is no id."""
    tuple_parts = [_text(acceptances[name]) for name in CLAIM_TUPLE]
    bare = acceptances.token_id.isnull() & acceptances.signing_input_digest.isnull()
    record = acceptances.source + _APART + acceptances.record_id + _APART + acceptances.derived
    parts = [*tuple_parts, ibis.cases((bare, record), else_=ibis.literal(""))]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + _APART + part
    return acceptances.mutate(token_key=joined.hexdigest("md5"))


def _text(value: ir.Value) -> ir.StringValue:
    return value.cast("string").fill_null(_UNKNOWN)


def consumer_realm(acceptances: ir.Table) -> ir.BooleanValue:
    """Rule 3.3: a token of the consumer realm at an organisation's mailbox."""
    return (
        (acceptances.token_tenant == CONSUMER_TENANT)
        & (acceptances.resource_tenant != CONSUMER_TENANT)
        & (acceptances.object_kind == "mailbox")
    ).fill_null(False)


def tokens(acceptances: ir.Table) -> ir.Table:
    """Return one row per `token_key`: the claim tuple, first and last acceptance, the count, and FIRST."""
    order = [acceptances.event_time, acceptances.source, acceptances.record_id]
    ranked = acceptances.mutate(place=ibis.row_number().over(group_by=acceptances.token_key, order_by=order))
    first = ranked.filter(ranked.place == 0).select("token_key", *CLAIM_TUPLE, *FIRST)
    spans = acceptances.group_by("token_key").agg(
        first_seen=acceptances.event_time.min(),
        last_seen=acceptances.event_time.max(),
        acceptances=acceptances.count(),
        subject_id=acceptances.subject_id.max(),
        consumer_realm=consumer_realm(acceptances).any(),
    )
    whole = first.join(spans, "token_key")
    return whole.mutate(
        has_id=whole.token_id.notnull(),
        t_first=whole_seconds(whole.first_seen),
        t_last=whole_seconds(whole.last_seen),
        t_issued=whole_seconds(whole.issued_at),
    )
