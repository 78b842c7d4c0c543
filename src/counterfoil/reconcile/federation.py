"""Rule 4.3: assertions have no id, so they are counted: n accepted against m issued in the time they live.

All windows have the same length, so a set of assertions that exceeds its issuances can be taken as a run of
consecutive ones (Hall's theorem for intervals), and a run exceeds exactly when
(j - A(end of j)) > (i - 1 - A(before start of i)) with A(t) the issuances up to t: two running extremes find every
assertion that lies in such a run.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.acceptances import domain_of, federations
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.literals import summed
from counterfoil.reconcile.policy import Policy

# Two sign-ins this near each other, from one address and agent, may be one assertion that was posted twice: seconds.
TWICE = 60


def assertion_counts(
    engine: Engine, assertions: ir.Table, issued: ir.Table, logs: Logs, policy: Policy
) -> ir.Table:
    """Return (token_key, served, surplus, at_least, twice, chain).

    Issuances that could serve the assertion; whether it lies in a run with too few of them, one that was posted twice
    counted once, and, on the last assertion of a chain, by how many the chain's worst run exceeds; whether it lies in
    such a run only if each post counts (`twice`); and the number of its chain, which is its subject's.
    """
    life = policy.life.get("assertion", policy.default_life)
    upstream = issued.filter(
        issued.leg == Leg.ISSUANCE,
        issued.outcome == Outcome.SUCCESS,
        issued.resource.isnull() | issued.resource.isin(federations(logs)),
        issued.event_time.notnull(),
    )
    known = engine.keep("federation_upstream", upstream.mutate(t=whole_seconds(upstream.event_time)).select(
        "issuer", "subject", "identified", "t", "kind", upn_domain=domain_of(upstream.subject_name),
    ))
    # an assertion for somebody whom nothing identifies may be any that was issued
    mine = assertions.filter(~assertions.unknown_presentation, assertions.identified)
    mine = engine.keep("federation_assertions", mine.select(
        "token_key", "issuer", "subject", "ip", "user_agent", t=mine.t_first, domain=domain_of(mine.subject_name),
    ))
    counted = engine.keep("federation_counts", _posted(_cumulated(engine, mine, known, life, policy.skew)))
    once = _runs(counted.filter(~counted.again), life + 2 * policy.skew)
    each = _runs(counted, life + 2 * policy.skew)
    told = counted.join(each.select("token_key", "served", in_each=each.surplus), "token_key").left_join(
        once.select("surplus", "at_least", "chain", leader=once.token_key), "leader"
    )
    surplus = told.surplus.fill_null(False) & (told.served > 0)
    return told.select(
        "token_key", "served", surplus=surplus,
        at_least=ibis.ifelse(told.again, 0, told.at_least).fill_null(0),
        twice=told.in_each & ~surplus, chain=told.chain.fill_null(0),
    )


def _posted(counted: ir.Table) -> ir.Table:
    """Add `again`: it may be one of those before it, posted once more; and `leader`: the first that it may be."""
    alike = [counted.issuer, counted.subject, counted.ip, counted.user_agent]
    order = [counted.t, counted.token_key]
    near = counted.t - counted.t.lag().over(group_by=alike, order_by=order) <= TWICE
    known = counted.ip.notnull() & counted.user_agent.notnull()
    marked = counted.mutate(again=near.fill_null(False) & known)
    whose, when = ["issuer", "subject", "ip", "user_agent"], [marked.t, marked.token_key]
    up = ibis.window(group_by=[marked[name] for name in whose], order_by=when, preceding=None, following=0)
    posts = marked.mutate(post=(~marked.again).cast("int64").sum().over(up))
    same = ibis.window(group_by=[posts[name] for name in (*whose, "post")], order_by=[posts.t, posts.token_key])
    return posts.mutate(leader=posts.token_key.first().over(same)).drop("post")


def _cumulated(engine: Engine, mine: ir.Table, known: ir.Table, life: int, skew: int) -> ir.Table:
    """Return the assertions with `upto` = issuances up to the window's end, `before` = those before its start."""
    # of people whose own UPN this server writes, another's full UPN is another's, also where nobody knows whose
    named = known.filter(known.upn_domain.notnull()).select("issuer", "subject", "kind").distinct()
    others = engine.keep("federation_others", mine.join(named, ["issuer", "subject"]))
    ends = _count(mine, known, others, skew, "upto")
    starts = _count(mine, known, others, -life - skew - 1, "before")
    return mine.join(ends, "token_key").join(starts, "token_key")


def _count(mine: ir.Table, known: ir.Table, others: ir.Table, offset: int, name: str) -> ir.Table:
    """Return (token_key, name): issuances until `offset` after it that could be the assertion's.

    Those of this subject or of nobody in particular, but not those that name another by UPN: `others` are the
    assertions with each server that writes their subject's own UPN. Running counts over both kinds of row replace
    range joins.
    """
    asked = {"at": mine.t + offset, "weight": ibis.literal(0), "asks": ibis.literal(1)}
    given = {"token_key": ibis.null("string"), "at": known.t, "weight": ibis.literal(1), "asks": ibis.literal(0)}
    anyone = known.filter(~known.identified)
    personal = _running(
        mine.select("issuer", "subject", "token_key", **asked), known.select("issuer", "subject", **given),
        ["issuer", "subject"],
    )
    general = _running(
        mine.select("issuer", "token_key", **asked), anyone.select("issuer", **given), ["issuer"]
    )
    theirs = _running(
        others.select("issuer", "kind", "token_key", upn_domain=others.domain, at=others.t + offset,
                      weight=ibis.literal(0), asks=ibis.literal(1)),
        anyone.select("issuer", "kind", **given, upn_domain=anyone.upn_domain),
        ["issuer", "kind", "upn_domain"],
    )
    named = theirs.group_by("token_key").agg(total=summed(theirs.total))
    both = personal.join(general, "token_key").left_join(named, "token_key", rname="{name}_named")
    return both.select("token_key", **{name: both.total + both.total_right - both.total_named.fill_null(0)})


def _running(asked: ir.Table, given: ir.Table, by: list[str]) -> ir.Table:
    """Return (token_key, total): the weight of all rows of the group up to and at the row's time."""
    columns = [*by, "token_key", "at", "weight", "asks"]
    rows = ibis.union(asked.select(*columns), given.select(*columns))
    window = ibis.window(
        group_by=[rows[name] for name in by], order_by=[rows["at"], rows.asks], preceding=None, following=0
    )
    return rows.select("token_key", total=rows.weight.sum().over(window))


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
        chain=joined.chain,
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
