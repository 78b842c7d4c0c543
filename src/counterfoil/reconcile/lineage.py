"""Rules 6.1, 6.2, 6.4: what descends from what, at any depth, with cycles.

Reachability is computed by doubling: after step k every id knows its ancestors exactly 2^k hops away, so that
log2(ids) steps settle chains of any length and cycles cannot hold them up.
"""

from __future__ import annotations

import math

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.links import pseudonym_key
from counterfoil.reconcile.own_logs import in_own_log


def exchanges(issued: ir.Table) -> ir.Table:
    """Rule 6.1: return (parent, child, kind): which token ids were presented to obtain which, of which kind."""
    done = issued.filter(issued.leg == Leg.SECONDARY_ISSUANCE, issued.outcome == Outcome.SUCCESS)
    return done.select(parent=done.parent_token_ids.unnest(), child=done.token_id, kind=done.token_id_kind)


def with_issued_id(tokens: ir.Table, issued: ir.Table) -> ir.Table:
    """Return tokens with `issued_id`: its id, or that of the issuance of its bytes where it shows none."""
    hashed = issued.filter(issued.outcome == Outcome.SUCCESS)
    known = hashed.group_by("signing_input_digest").agg(id_of_bytes=hashed.token_id.min())
    bare = tokens.mutate(bare=ibis.ifelse(tokens.token_id.isnull(), tokens.signing_input_digest, ibis.null("string")))
    told = bare.left_join(known, bare.bare == known.signing_input_digest, rname="{name}_b")
    return told.select(*tokens.columns, issued_id=ibis.coalesce(told.token_id, told.id_of_bytes))


def swapped(issued: ir.Table, logs: Logs) -> ir.Table:
    """Rule 6.4: return (id): what an own issuer gave one person in exchange for a token that it had issued to another.

    Persons are those to whom it issued tokens as to users. What was obtained with several tokens is left out: one of
    them may be a service's. Pseudonyms compare under one key alone.
    """
    good = issued.filter(in_own_log(issued, logs), issued.outcome == Outcome.SUCCESS, issued.identified)
    users = good.filter(good.leg == Leg.ISSUANCE, good.token_class == TokenClass.USER)
    person = ["issuer", "subject"]
    persons = good.semi_join(users.select(*person).distinct(), person)
    got = persons.filter(persons.leg == Leg.SECONDARY_ISSUANCE, persons.parent_token_ids.unique().length() == 1)
    got = got.select("issuer", "subject", id=got.token_id, parent=got.parent_token_ids.unique().unnest())
    held = persons.select("issuer", parent=persons.token_id, holder=persons.subject)
    both = got.join(held, ["issuer", "parent"])
    both = both.filter(pseudonym_key(both.subject) == pseudonym_key(both.holder))
    told = both.group_by("issuer", "id").agg(same=(both.subject == both.holder).any())
    return told.filter(~told.same).select("id")


def reached(engine: Engine, name: str, edges: ir.Table, seeds: ir.Table, *kept: str) -> ir.Table:
    """Return (id): the seeds and everything that descends from them. `kept`: what a seed hands down.

    `edges`: (parent, child), both token ids; `seeds`: (id, and `kept`). Both are small next to the evidence: only
    tokens that were exchanged have edges.
    """
    marked = engine.keep(f"lineage_{name}_0", seeds.select("id", *kept).distinct())
    hops = engine.keep(f"lineage_{name}_hops_0", edges.select("parent", "child").distinct())
    nodes = _count(engine, ibis.union(edges.select(id=edges.parent), edges.select(id=edges.child), distinct=True))
    steps = math.ceil(math.log2(nodes + 1)) + 1 if nodes else 0
    for step in range(1, steps + 1):
        more = hops.join(marked, hops.parent == marked.id).select(id=hops.child, **{n: marked[n] for n in kept})
        both = ibis.union(marked, more.select(*marked.columns), distinct=True)
        marked = engine.keep(f"lineage_{name}_{step % 2}", both)
        left, right = hops, hops.view()
        doubled = left.join(right, left.child == right.parent).select(parent=left.parent, child=right.child)
        hops = engine.keep(f"lineage_{name}_hops_{step % 2}", doubled.distinct())
    return marked


def _count(engine: Engine, table: ir.Table) -> int:
    (row,) = engine.rows(table.agg(n=table.count()))
    return int(row["n"])
