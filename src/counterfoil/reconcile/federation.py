"""Rule 4.3: assertions have no id, so they are counted: n accepted against m issued in the time they live.

All windows have the same length, so a set of assertions that exceeds its issuances can be taken as a run of
consecutive ones (Hall's theorem for intervals), and a run exceeds exactly when
(j - A(end of j)) > (i - 1 - A(before start of i)) with A(t) the issuances up to t: two running extremes find every
assertion that lies in such a run.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.acceptances import FEDERATION
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.policy import Policy


def assertion_counts(engine: Engine, assertions: ir.Table, issued: ir.Table, policy: Policy) -> ir.Table:
    """Return (token_key, served, surplus, at_least).

    Issuances that could serve the assertion, whether it lies in a run with too few of them, and, on the last
    assertion of a chain, by how many the chain's worst run exceeds.
    """
    life = policy.life.get("assertion", policy.default_life)
    upstream = issued.filter(
        issued.leg == Leg.ISSUANCE,
        issued.outcome == Outcome.SUCCESS,
        issued.resource.isnull() | (issued.resource == FEDERATION),
        issued.issuer.notnull(),
    )
    known = engine.keep("upstream", upstream.mutate(t=whole_seconds(upstream.event_time)).select(
        "issuer", "subject", "identified", "t"
    ))  # fmt: skip
    mine = engine.keep("assertions", assertions.filter(~assertions.unknown_presentation).select(
        "token_key", "issuer", "subject", t=assertions.t_first
    ))  # fmt: skip
    counted = engine.keep("assertion_counts_", _cumulated(mine, known, life, policy.skew))
    return _runs(counted, life + 2 * policy.skew)


def _cumulated(mine: ir.Table, known: ir.Table, life: int, skew: int) -> ir.Table:
    """Return the assertions with `upto` = issuances up to the window's end, `before` = those before its start."""
    ends = _count(mine, known, mine.t + skew, "upto")
    starts = _count(mine, known, mine.t - life - skew - 1, "before")
    return mine.join(ends, "token_key").join(starts, "token_key")


def _count(mine: ir.Table, known: ir.Table, bound: ir.IntegerValue, name: str) -> ir.Table:
    """Return (token_key, name): issuances at or before `bound`, of this subject or of nobody in particular.

    One running count over both kinds of row replaces a range join.
    """
    asked = mine.select("issuer", "subject", "token_key", at=bound, weight=ibis.literal(0), asks=ibis.literal(1))
    own = known.filter(known.identified).select(
        "issuer", "subject", token_key=ibis.null("string"), at=known.t, weight=ibis.literal(1), asks=ibis.literal(0)
    )
    anyone = known.filter(~known.identified).select(
        "issuer", subject=ibis.null("string"), token_key=ibis.null("string"), at=known.t, weight=ibis.literal(1),
        asks=ibis.literal(0),
    )  # fmt: skip
    personal = _running(ibis.union(asked, own), ["issuer", "subject"])
    general = _running(ibis.union(asked, anyone), ["issuer"])
    both = personal.join(general, "token_key")
    return both.select("token_key", **{name: both.total + both.total_right})


def _running(rows: ir.Table, by: list[str]) -> ir.Table:
    """Return (token_key, total) of the asking rows: the weight of all rows of the group up to and at their time."""
    window = ibis.window(
        group_by=[rows[name] for name in by], order_by=[rows["at"], rows.asks], preceding=None, following=0
    )
    summed = rows.mutate(total=rows.weight.sum().over(window))
    return summed.filter(summed.asks == 1).select("token_key", "total")


def _runs(counted: ir.Table, reach: int) -> ir.Table:
    """Return for each assertion whether it lies in a run, of those that some issuance could serve, with too few."""
    served = counted.mutate(served=counted.upto - counted.before)
    open_ = _chained(served.filter(served.served > 0), reach)
    group = [open_.issuer, open_.subject, open_.chain]
    place = ibis.row_number().over(group_by=group, order_by=[open_.t, open_.token_key])
    scored = open_.mutate(f=place + 1 - open_.upto, g=place - open_.before)
    by, order = [scored.issuer, scored.subject, scored.chain], [scored.t, scored.token_key]
    up = ibis.window(group_by=by, order_by=order, preceding=None, following=0)
    down = ibis.window(group_by=by, order_by=order, preceding=0, following=None)
    excess = scored.f.max().over(down) - scored.g.min().over(up)
    last = ibis.row_number().over(group_by=by, order_by=[scored.t.desc(), scored.token_key.desc()]) == 0
    # the chain's number stands on its last assertion alone, so that sums over chains are right
    runs = scored.mutate(excess=excess, last=last).mutate(
        worst=lambda t: ibis.greatest(t.excess.max().over(group_by=[t.issuer, t.subject, t.chain]), 0)
    )
    joined = served.left_join(runs, "token_key")
    return joined.select(
        "token_key",
        "served",
        surplus=(joined.excess > 0).fill_null(False),
        at_least=ibis.ifelse(joined.last.fill_null(False), joined.worst, 0).fill_null(0),
    )


def _chained(assertions: ir.Table, reach: int) -> ir.Table:
    """Add `chain`: assertions whose windows overlap from one to the next. Across chains no issuance is shared."""
    by, order = [assertions.issuer, assertions.subject], [assertions.t, assertions.token_key]
    apart = assertions.t - assertions.t.lag().over(group_by=by, order_by=order) > reach
    marked = assertions.mutate(fresh=apart.fill_null(True).cast("int64"))
    up = ibis.window(
        group_by=[marked.issuer, marked.subject], order_by=[marked.t, marked.token_key], preceding=None, following=0
    )
    return marked.mutate(chain=marked.fresh.sum().over(up))
