"""Rules 6.1, 6.2, 6.4: what descends from what, at any depth, with cycles.

Reachability is computed by doubling: after step k every id knows its ancestors exactly 2^k hops away, so that
log2(ids) steps settle chains of any length and cycles cannot hold them up.
"""

from __future__ import annotations

import math

import ibis.expr.types as ir

from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.engine import Engine


def exchanges(issued: ir.Table) -> ir.Table:
    """Rule 6.1: return (parent, child): which token ids were presented to obtain which."""
    done = issued.filter(
        issued.leg == Leg.SECONDARY_ISSUANCE,
        issued.outcome == Outcome.SUCCESS,
        issued.token_id.notnull(),
        issued.parent_token_ids.length() > 0,
    )
    return done.select(parent=done.parent_token_ids.unnest(), child=done.token_id)


def reached(engine: Engine, name: str, edges: ir.Table, seeds: ir.Table, *kept: str) -> ir.Table:
    """Return (id): the seeds and everything that descends from them. `kept`: what a seed hands down.

    `edges`: (parent, child), both token ids; `seeds`: (id, and `kept`). Both are small next to the evidence: only
    tokens that were exchanged have edges.
    """
    marked = engine.keep(f"{name}_0", seeds.select("id", *kept).distinct())
    hops = engine.keep(f"{name}_hops_0", edges.select("parent", "child").distinct())
    nodes = _count(engine, edges.select(id=edges.parent).union(edges.select(id=edges.child), distinct=True))
    steps = math.ceil(math.log2(nodes + 1)) + 1 if nodes else 0
    for step in range(1, steps + 1):
        more = hops.join(marked, hops.parent == marked.id).select(id=hops.child, **{n: marked[n] for n in kept})
        marked = engine.keep(f"{name}_{step % 2}", marked.union(more.select(*marked.columns), distinct=True))
        left, right = hops, hops.view()
        doubled = left.join(right, left.child == right.parent).select(parent=left.parent, child=right.child)
        hops = engine.keep(f"{name}_hops_{step % 2}", doubled.distinct())
    return marked


def _count(engine: Engine, table: ir.Table) -> int:
    (row,) = engine.rows(table.aggregate(n=table.count()))
    return int(row["n"])
