"""Rule 5.5: a declaration that evidence contradicts is refuted, for the kinds that its misses could have come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from counterfoil.expressions import ibis, ir
from counterfoil.model.coverage import CoverageRow
from counterfoil.reconcile.covered import REQUIRED, Required
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.literals import number
from counterfoil.reconcile.measured import key
from counterfoil.reconcile.policy import Policy

_PART = ("issuer", "source", "kind")


def missing(open_: ir.Table) -> ir.BooleanValue:
    """Tell which tokens are missing from a log that is relied on for their time, and not proven to have been in it.

    None of an agent identity's (rule 5.11).
    """
    bare = ~open_.has_id & ~open_.sound & (open_.derived == "") & ~open_.candidate
    assertion = (open_.derived == "assertion") & (open_.served == 0) & ~open_.unknown_presentation
    gone = open_.relied & (open_.missed | bare | assertion) & (open_.proven < open_.needed)
    return gone & ~open_.never & ~open_.agentic


def refuting(open_: ir.Table) -> ir.BooleanValue:
    """Tell which misses are people's own, through programs of which other sign-ins are in evidence."""
    return missing(open_) & ~open_.silent & open_.ordinary & ~open_.route & ~open_.fresh


def refuted_parts(
    engine: Engine, open_: ir.Table, parts: Sequence[Required], linking: Callable[[], ir.Table],
    policy: Policy,
) -> ir.Table:
    """Return (issuer, source, kind, people, misses, links) of the parts of logs that misses refute.

    `parts`: of `covered.required`; `linking` returns (issuer, needs, links): how many tokens link. `links` is NULL
    where it was people's own misses that refute.
    """
    required = engine.given("required_parts", REQUIRED, parts)
    own = open_.filter(refuting(open_)).select("issuer", "needs", "subject")
    of_part = own.join(required, ["issuer", "needs"])
    counted = of_part.group_by(*_PART).agg(
        people=of_part.subject.nunique(), misses=of_part.count(), links=ibis.null("int64")
    )
    counted = counted.filter(counted.people >= policy.refuting_subjects)
    whole = _as_a_whole(engine, open_, required, linking, policy).anti_join(counted, _PART)
    return engine.keep("refuted_parts", ibis.union(counted, whole.select(*counted.columns)))


def with_refutation(
    engine: Engine, open_: ir.Table, found: ir.Table, parts: Sequence[Required], policy: Policy
) -> ir.Table:
    """Add `refuted`: some part that the token needs is refuted, or its client's sign-ins are missing throughout.

    `found`: of `refuted_parts`.
    """
    required = engine.given("required_parts", REQUIRED, parts)
    doubted = required.semi_join(found, _PART).select("issuer", "needs", doubted=ibis.literal(True)).distinct()
    bare = ~open_.has_id & ~open_.sound & (open_.derived == "") & ~open_.candidate & open_.relied
    told = open_.filter(open_.route & (open_.missed | bare) & ~open_.never & ~open_.agentic & (
        (open_.proven < open_.needed) | (open_.needed == 0)
    ))
    routes = told.group_by("issuer", client=key(told.client_id)).agg(people=told.subject.nunique())
    routes = routes.filter(routes.people >= policy.refuting_subjects)
    routes = routes.select("issuer", "client", its_route=ibis.literal(True))
    keyed = open_.mutate(client=key(open_.client_id))
    joined = keyed.left_join(doubted, ["issuer", "needs"], rname="{name}_d")
    joined = joined.left_join(routes, ["issuer", "client"], rname="{name}_r")
    return joined.select(*open_.columns, refuted=joined.doubted.fill_null(False) | joined.its_route.fill_null(False))


def _as_a_whole(
    engine: Engine, open_: ir.Table, required: ir.Table, linking: Callable[[], ir.Table], policy: Policy
) -> ir.Table:
    """Return the parts of which more tokens are missing than link, spread over many people, networks and clients."""
    gone = open_.filter(missing(open_) & ~open_.silent, open_.derived != "assertion")
    gone = engine.keep("refuted_missing", gone.select("issuer", "needs", "subject", "network", "client_id"))
    whole = gone.group_by("issuer", "needs").agg(misses=gone.count(), people=gone.subject.nunique())
    for trait in ("subject", "network", "client_id"):
        named = gone.filter(gone[trait].notnull())
        each = named.group_by("issuer", "needs", trait).agg(n=named.count())
        spread = each.group_by("issuer", "needs").agg(many=each.count(), most=each.n.max())
        joined = whole.join(spread, ["issuer", "needs"])
        whole = joined.filter(
            joined.many >= policy.spread, joined.most <= policy.spread_share * joined.misses
        ).select(*whole.columns)
    whole = engine.keep("refuted_spread", whole)
    links = linking() if engine.rows(whole.limit(1)) else whole.select("issuer", "needs", links=number(0))
    joined = whole.left_join(engine.keep("refuted_linking", links), ["issuer", "needs"], rname="{name}_l")
    joined = joined.mutate(links=joined.links.fill_null(number(0)))
    broken = joined.filter(joined.misses > joined.links)
    of_part = required.join(broken.select("issuer", "needs", "people", "misses", "links"), ["issuer", "needs"])
    return of_part.group_by(*_PART).agg(
        people=of_part.people.max(), misses=of_part.misses.max(), links=of_part.links.min()
    )


def refuted_rows(engine: Engine, rows: tuple[CoverageRow, ...], found: ir.Table) -> tuple[CoverageRow, ...]:
    """Return the coverage rows with the accepted ones of refuted parts marked so, and why."""
    broken = {(row["issuer"], row["source"], row["kind"]): row for row in engine.rows(found)}
    return tuple(
        replace(row, status="refuted", reason=_why(broken[row.issuer, row.source, row.kind]))
        if row.status == "accepted" and (row.issuer, row.source, row.kind) in broken
        else row
        for row in rows
    )


def _why(row: Mapping[str, Any]) -> str:
    if row["links"] is None:
        return f"{row['misses']:,} ordinary uses by {row['people']:,} people are missing from it"
    return (f"more tokens are missing from it ({row['misses']:,}, of {row['people']:,} people) than are in it"
            f" ({row['links']:,}): it is a part of the log")
