"""Rules 6.2 and 6.3: whether a sign-in stands behind an exchange, and whether one must."""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.lineage import exchanges, reached
from counterfoil.reconcile.policy import Policy
from counterfoil.reconcile.shapes import EDGES


def with_roots(
    engine: Engine, open_: ir.Table, issued: ir.Table, stretches: Sequence[tuple[str, int, int]], policy: Policy
) -> ir.Table:
    """Add `rooted` and `roots` (the stratum of its secondary issuance normally roots).

    `stretches`: (issuer, from, to) in which people's sign-ins are relied on: elsewhere no root can be expected.
    """
    good = issued.filter(issued.outcome == Outcome.SUCCESS, issued.token_id.notnull())
    second = good.filter(good.leg == Leg.SECONDARY_ISSUANCE)
    first = good.filter(good.leg == Leg.ISSUANCE)
    relied = engine.given("personal", {"issuer": "string", "lo": "int64", "hi": "int64"}, stretches)
    at = whole_seconds(second.event_time)
    inside = second.semi_join(
        relied, [second.issuer == relied.issuer, at - policy.skew >= relied.lo, at + policy.skew <= relied.hi]
    )
    ids = engine.keep("roots_ids", second.select("token_id", "issuer", "source", "operation").distinct())
    if not engine.rows(ids.limit(1)):
        return open_.mutate(rooted=ibis.literal(False), roots=ibis.literal(False))
    watched = engine.keep("roots_watched", inside.select("token_id").distinct())
    edges = EDGES.kept(engine, exchanges(issued))
    nodes = ibis.union(ids.select(id=ids.token_id), edges.select(id=edges.parent), distinct=True)
    seeds = engine.keep("roots_seeds", nodes.semi_join(first, nodes.id == first.token_id))
    rooted = reached(engine, "rooted", edges, seeds).mutate(is_rooted=ibis.literal(True))
    marked = ids.left_join(rooted, ids.token_id == rooted.id).left_join(_networks(open_), "token_id", rname="{name}_n")
    marked = marked.semi_join(watched, "token_id")
    is_rooted = marked.is_rooted.fill_null(False)
    # what is used from one network outside the service's own counts once: more renewals make nobody usual
    unit = ibis.ifelse(is_rooted | marked.elsewhere.isnull(), marked.token_id, marked.elsewhere)
    strata = marked.mutate(rooted_=is_rooted, unit=unit).group_by("issuer", "source", "operation").agg(
        good=lambda t: t.unit.nunique(where=t.rooted_), all=lambda t: t.unit.nunique()
    )
    normal = strata.filter(strata.good >= policy.rooted_pairs, strata.good >= policy.rooted_share * strata["all"])
    failing = ids.anti_join(normal, ["issuer", "source", "operation"]).select("token_id").distinct()
    roots = ids.select("token_id").distinct().anti_join(failing, "token_id")
    joined = open_.left_join(rooted, open_.token_id == rooted.id).left_join(
        roots.mutate(normal=ibis.literal(True)), "token_id", rname="{name}_n"
    )
    return joined.select(*open_.columns, rooted=joined.is_rooted.fill_null(False), roots=joined.normal.fill_null(False))


def _networks(open_: ir.Table) -> ir.Table:
    """Return (token_id, elsewhere): a network outside the service's own, not the person's, from which it was used."""
    away = open_.filter(open_.secondary, ~open_.ordinary, ~open_.inside, open_.token_id.notnull())
    return away.group_by("token_id").agg(elsewhere=away.network.min())
