"""Rule 8.6: the balance of a key whose log only counts: no more tokens than signatures, in all and in any minute."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.model.coverage import CoverageRow
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.custody import counting_spans
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.literals import summed
from counterfoil.reconcile.policy import Policy

MINUTE = 60
_SPAN = {"key_id": "string", "lo": "int64", "hi": "int64"}


def overdrawn(
    engine: Engine, records: ir.Table, every: ir.Table, rows: Sequence[CoverageRow], policy: Policy
) -> ir.Table | None:
    """Return (key_id, issuer, accepted, signed, at_least, first_seen, last_seen) of keys with more tokens than uses.

    `every`: accepted tokens. `at_least`: so many of them the key store cannot have signed. None: no log only counts.
    """
    spans = counting_spans(engine, records, rows)
    if not spans:
        return None
    keys = engine.given("counting", _SPAN, spans)
    uses = records.filter(records.leg == str(Leg.KEY_USE), records.outcome == str(Outcome.SUCCESS))
    uses = uses.select("key_id", at=whole_seconds(uses.event_time)).join(keys, "key_id")
    signed = uses.filter(uses.at >= uses.lo, uses.at <= uses.hi)
    tokens = every.join(keys, "key_id")
    # what was issued near the edges may have been signed beyond them
    lag = policy.mint_lag
    tokens = tokens.filter(tokens.t_issued >= tokens.lo + lag, tokens.t_issued <= tokens.hi - lag)
    named = ibis.coalesce(tokens.signing_input_digest, tokens.token_id)
    accepted = tokens.group_by("key_id", minute=tokens.t_issued // MINUTE).agg(
        accepted=named.nunique(), first_seen=tokens.first_seen.min(), last_seen=tokens.last_seen.max(),
        issuer=tokens.issuer.min(),
    )
    accepted = engine.keep("balance_accepted", accepted)
    made = engine.keep(
        "balance_signed", signed.group_by("key_id", minute=signed["at"] // MINUTE).agg(signed=signed.count())
    )
    # a signature may be stamped a minute before or after the issued-at that it signs
    near = accepted.join(made, [accepted.key_id == made.key_id, (accepted.minute - made.minute).abs() <= 1],
                         rname="{name}_m")
    around = near.group_by("key_id", "minute").agg(around=summed(near.signed))
    beside = accepted.left_join(around, ["key_id", "minute"], rname="{name}_a")
    excess = beside.mutate(excess=beside.accepted - beside.around.fill_null(0))
    totals = made.group_by("key_id").agg(signed=summed(made.signed))
    summary = excess.group_by("key_id").agg(
        accepted=summed(excess.accepted), worst=excess.excess.max(), first_seen=excess.first_seen.min(),
        last_seen=excess.last_seen.max(), issuer=excess.issuer.min(),
    )
    whole = summary.left_join(totals, "key_id", rname="{name}_t")
    made_in_all = whole.signed.fill_null(0)
    told = whole.select(
        "key_id", "issuer", "accepted", "first_seen", "last_seen", signed=made_in_all,
        at_least=ibis.greatest(whole.worst, whole.accepted - made_in_all),
    )
    return told.filter(told.at_least > 0)
