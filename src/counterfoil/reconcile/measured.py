"""Rules 5.1, 5.6, 5.7: what measurement says about coverage. It refutes and it raises; it never convicts."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.literals import number, real, summed
from counterfoil.reconcile.policy import Policy

STRATUM = ("issuer", "kind", "resource", "client_id")
_NONE = "\x1e"  # stands for NULL, which agrees with nothing but NULL


def key(value: ir.Value) -> ir.StringValue:
    """Return the value as text in which NULL is a value of its own, for grouping and joining."""
    return value.cast("string").fill_null(_NONE)


_CELL = (*STRATUM, "subject", "network", "has_id", "linked")


def cells(tokens: ir.Table) -> ir.Table:
    """Return tokens counted: `n` and the first `first_seen` of those that are alike in what is measured."""
    return tokens.group_by(*_CELL).agg(n=tokens.count(), first_seen=tokens.first_seen.min())


def days(tokens: ir.Table) -> ir.Table:
    """Return (stratum, day, first_seen): on which days tokens with an id were first seen, and when that day."""
    ids = tokens.filter(tokens.has_id)
    return ids.group_by(*STRATUM, day=ids.first_seen.date()).agg(first_seen=ids.first_seen.min())


def strata(cells: ir.Table, days: ir.Table) -> ir.Table:
    """Return per stratum: tokens with an id, how many link, when it was seen, and the Beta posterior of its rate.

    Mean and standard deviation are of Beta(linked + 0.5, misses + 0.5).
    """
    ids = cells.filter(cells.has_id)
    counted = ids.group_by(*STRATUM).agg(
        ids=summed(ids.n),
        linked=summed(ids.n, ids.linked),
        subjects=ids.subject.nunique(),
        first_seen=ids.first_seen.min(),
    )
    dated = days.group_by(*STRATUM).agg(days=days.day.nunique())
    both = counted.join(dated, same(counted, dated, STRATUM), rname="{name}_d")
    grouped = both.select(*STRATUM, "ids", "linked", "subjects", "days", "first_seen")
    a, b = grouped.linked + real(0.5), grouped.ids - grouped.linked + real(0.5)
    return grouped.mutate(rate=a / (a + b), rate_sd=(a * b / ((a + b) * (a + b) * (a + b + 1))).sqrt())


def silent(misses: ir.Table, cells: ir.Table, policy: Policy) -> ir.Table:
    """Rule 5.6, by behaviour: return the strata that were seen on many days, by many people, and never linked.

    `misses`: tokens with an id whose whole window lay in relied coverage, from the services' own networks or from
    nowhere: before a log begins nothing can link.
    """
    seen = misses.group_by(*STRATUM).agg(subjects=misses.subject.nunique(), days=misses.first_seen.date().nunique())
    often = seen.filter(seen.days >= policy.silent_days, seen.subjects >= policy.silent_subjects).select(*STRATUM)
    links = cells.filter(cells.linked).select(*STRATUM).distinct()
    return often.anti_join(links, same(often, links, STRATUM)).select(*STRATUM)


def same(left: ir.Table, right: ir.Table, columns: tuple[str, ...]) -> list[ir.BooleanValue]:
    """Return join conditions under which NULL equals NULL."""
    return [key(left[name]) == key(right[name]) for name in columns]


_HEARD = ("issuer", "kind", "client_id", "network", "subject", "first_seen", "n", "links", "odd", "told", "strange")


def raised(engine: Engine, plain: ir.Table, watched: ir.Table, policy: Policy) -> ir.Table:
    """Rule 5.7: return (token_key, cluster, ids, misses, expected) of misses far beyond what is usual here.

    `plain`: cells of linked tokens; `watched`: every other token, with `linked`, `raisable`, `ordinary`, `fresh`,
    `silent`, `absent`.
    """
    linking = ibis.union(plain.select("issuer", "client_id"),
                         watched.filter(watched.linked).select("issuer", "client_id"), distinct=True)
    joined = watched.left_join(linking.mutate(links=ibis.literal(True)), ["issuer", "client_id"], rname="{name}_l")
    watched = joined.select(*watched.columns, unheard=joined.absent & ~joined.links.fill_null(False))
    odd = watched.raisable
    heard_of = odd & ~watched.unheard  # the others are usual misses, and part of the rate
    told = watched.filter(watched.has_id, ~watched.silent).select(
        "token_key", *_HEARD[:6], n=number(1), links=watched.linked.cast("int64"),
        odd=odd.cast("int64"), told=heard_of.cast("int64"),
        strange=(heard_of & (~watched.ordinary | watched.fresh)).cast("int64"),
    )
    misses = engine.keep("measured_misses", told.filter(told.odd > 0))
    if not engine.rows(misses.limit(1)):
        return engine.given("measured_raised", _RAISED, [])
    none = number(0)
    usual = plain.filter(plain.has_id)
    usual = usual.select(*_HEARD[:6], n=usual.n.cast("int64"), links=usual.n.cast("int64"), odd=none, told=none,
                         strange=none)
    heard = engine.keep("measured_heard", ibis.union(usual, told.select(*_HEARD)))
    # from one place, what names no client is told together
    placed, missed = (told.mutate(client_id=key(told.client_id)) for told in (heard, misses))
    found = [
        _clusters(placed, missed, "client and network", ("client_id", "network"), "strange", policy),
        _clusters(heard, misses, "client", ("client_id",), "strange", policy),
        _clusters(heard, misses, "subject", ("subject",), "told", policy),
    ]
    every = engine.keep("measured_raised", ibis.union(*found))
    place = ibis.row_number().over(group_by=every.token_key, order_by=[every.expected, every.cluster])
    return every.mutate(place=place).filter(lambda t: t.place == 0).drop("place")


_RAISED = {"token_key": "string", "cluster": "string", "ids": "int64", "misses": "int64", "expected": "float64"}


def _clusters(
    heard: ir.Table, missed: ir.Table, name: str, by: tuple[str, ...], miss: str, policy: Policy
) -> ir.Table:
    """Return the misses of clusters that exceed the rate of everything else of their kind."""
    keys = ["issuer", *by]  # what is not known joins with no miss
    clusters = heard.group_by(*keys).agg(
        ids=summed(heard.n),
        misses=summed(heard[miss]),
        kind=heard.kind.argmin(heard.first_seen),
        **_rate(heard),
    )
    clusters = clusters.filter(clusters.misses >= policy.raise_misses)
    inside = heard.group_by(*keys, "kind").agg(**_rate(heard))
    own = clusters.left_join(inside, [*keys, "kind"], rname="{name}_in")
    kinds = heard.group_by("issuer", "kind").agg(**_rate(heard))
    issuers = heard.group_by("issuer").agg(**_rate(heard))
    joined = own.join(kinds, ["issuer", "kind"], rname="{name}_kind").join(issuers, "issuer", rname="{name}_issuer")
    beyond = _beyond(joined, policy)
    hit = beyond.select(*keys, "ids", "misses", "expected")
    misses = missed.filter(missed[miss] > 0)
    return misses.join(hit, keys).select(
        "token_key", cluster=ibis.literal(name), ids=hit.ids, misses=hit.misses, expected=hit.expected
    )


def _rate(tokens: ir.Table) -> dict[str, ir.Value]:
    return {"odds": summed(tokens.odd), "links": summed(tokens.links)}


def _beyond(joined: ir.Table, policy: Policy) -> ir.Table:
    """Return the clusters whose share of misses is improbable, with `expected`: the rate outside, at most."""
    kind_odds, kind_links = joined.odds_kind - joined.odds_in, joined.links_kind - joined.links_in
    issuer_odds, issuer_links = joined.odds_issuer - joined.odds, joined.links_issuer - joined.links
    thin = (kind_odds + kind_links) < policy.thin
    a = ibis.ifelse(thin, issuer_odds, kind_odds) + real(0.5)
    b = ibis.ifelse(thin, issuer_links, kind_links) + real(0.5)
    mean, variance = a / (a + b), a * b / ((a + b) * (a + b) * (a + b + 1))
    expected = ibis.least(mean + 2 * variance.sqrt(), real(0.999999))
    told = joined.mutate(expected=expected, share=joined.misses / joined.ids)
    # n KL(share || expected), the exponent by which chance explains such a share
    rest = ibis.greatest(1 - told.share, 1e-12)
    tail = rest * (rest / (1 - told.expected)).ln()
    nats = told.ids * (told.share * (told.share / told.expected).ln() + tail)
    return told.filter(told.share > told.expected, nats >= policy.raise_nats)
