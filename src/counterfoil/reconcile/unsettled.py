"""Rules 4 and 5: everything that the verdict of a token without primary issuance depends on, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from counterfoil.model.coverage import RELIED, CoverageRow
from counterfoil.model.schema import Leg, Outcome
from counterfoil.model.verdict import Probable
from counterfoil.reconcile import judge, measured
from counterfoil.reconcile.asked import Asked
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.covered import ENTRA, personal_stretches, windowed, with_coverage
from counterfoil.reconcile.declared import LogFacts
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.federation import assertion_counts
from counterfoil.reconcile.lineage import exchanges, reached
from counterfoil.reconcile.literals import number
from counterfoil.reconcile.policy import Policy


@dataclass(frozen=True)
class Seen:
    """What all tokens together show.

    `cells` and `days` of `measured`, `linked` (every linked token: token_key, subject, identified, client_id,
    network, user_agent) and `variants` (the further ways in which tokens were used).
    """

    cells: ir.Table
    days: ir.Table
    linked: ir.Table
    variants: ir.Table


def unsettled(
    engine: Engine, open_: ir.Table, seen: Seen, issued: ir.Table, rows: tuple[CoverageRow, ...],
    facts: LogFacts, asked: Asked, policy: Policy,
) -> ir.Table:  # fmt: skip
    """Return the tokens that no primary issuance settles, with everything that their verdict depends on.

    `open_` has `never` (rule 4.4).
    """
    open_ = engine.keep("open_1", windowed(open_, policy, facts.keepers))
    open_ = engine.keep("open_2", _with_silence(with_coverage(engine, open_, rows, facts), seen, rows, asked, policy))
    open_ = engine.keep("open_3", _with_assertions(engine, open_, issued, policy))
    open_ = engine.keep("open_4", _with_habits(engine, open_, seen))
    open_ = engine.keep("open_5", _with_candidates(engine, open_, issued))
    open_ = engine.keep("open_6", _with_refutation(open_, policy))
    open_ = engine.keep("open_7", _with_roots(engine, open_, issued, personal_stretches(rows), policy))
    return engine.keep("open_8", open_.mutate(open_reason=judge.open_reason(open_)))


def _with_silence(
    open_: ir.Table, seen: Seen, rows: tuple[CoverageRow, ...], asked: Asked, policy: Policy
) -> ir.Table:
    """Rule 5.6: add `silent`; and `relied`: all log parts that the token needs are relied on for its time."""
    start = asked.since or min((r.start for r in rows if r.status in RELIED and r.start and r.issuer), default=None)
    quiet = measured.silent(seen.cells, seen.days, start, policy).mutate(quiet=ibis.literal(True))
    joined = open_.left_join(quiet, measured.same(open_, quiet, measured.STRATUM), rname="{name}_q")
    return joined.select(
        *open_.columns,
        silent=joined.quiet.fill_null(False) | measured.silent_by_data(open_),
        relied=(open_.needed > 0) & (open_.contained >= open_.needed),
    )


def _with_assertions(engine: Engine, open_: ir.Table, issued: ir.Table, policy: Policy) -> ir.Table:
    """Rule 4.3: add `served`, `surplus` and `at_least` of assertions; `probable` of those that may be one twice."""
    assertions = engine.keep("assertions_open", open_.filter(open_.derived == "assertion", open_.relied))
    if not engine.rows(assertions.limit(1)):
        none = {"served": number(0), "at_least": number(0)}
        return open_.mutate(**none, surplus=ibis.literal(False))
    counts = assertion_counts(engine, assertions, issued, policy)
    joined = open_.left_join(counts, "token_key", rname="{name}_f")
    return joined.select(
        *(name for name in open_.columns if name != "probable"),
        served=joined.served.fill_null(0),
        surplus=joined.surplus.fill_null(False),
        at_least=joined.at_least.fill_null(0),
        probable=ibis.ifelse(joined.twice.fill_null(False), str(Probable.POSTED_TWICE), joined.probable),
    )


def _with_habits(engine: Engine, open_: ir.Table, seen: Seen) -> ir.Table:
    """Rule 5.4: add `ordinary` and `route`."""
    assertions = open_.filter(open_.derived == "assertion")
    tokens = measured.habits(engine, "habits", open_.filter(open_.derived != "assertion"), _own(engine, open_, seen))
    served = measured.traits(_surely_served(assertions), "subject")
    given = measured.habits(engine, "habits_assertions", assertions, served)
    habits = engine.keep("habits_all", ibis.union(tokens, given))
    settled = seen.cells.filter(seen.cells.linked)
    clients = settled.select("issuer", client_key=measured.key(settled.client_id)).distinct()
    joined = open_.mutate(client_key=measured.key(open_.client_id)).left_join(habits, "token_key", rname="{name}_h")
    joined = joined.left_join(clients.mutate(familiar=ibis.literal(True)), ["issuer", "client_key"], rname="{name}_c")
    at_home = (joined.network_h & joined.agent).fill_null(False)
    told = joined.select(
        *open_.columns,
        own_habit=at_home & joined.client.fill_null(False),
        # the agent goes with the client: where all of a client's sign-ins are lost, no linked agent is left
        route=joined.network_h.fill_null(False) & ~joined.familiar.fill_null(False) & (open_.derived != "assertion"),
    )
    # who exchanged a token logged its own address and client: ordinary if the same token is so elsewhere
    usual = told.filter(told.own_habit, told.has_id).select("token_id", "subject").distinct()
    again = told.left_join(usual.mutate(again=ibis.literal(True)), ["token_id", "subject"], rname="{name}_u")
    return again.select(
        *open_.columns,
        "route",
        ordinary=again.own_habit | ((again.derived == "exchange") & again.again.fill_null(False)),
    )


def _surely_served(assertions: ir.Table) -> ir.Table:
    return assertions.filter(assertions.served > 0, ~assertions.surplus, assertions.probable.isnull())


def _own(engine: Engine, open_: ir.Table, seen: Seen) -> ir.Table:
    """Return subject and traits of all uses of the linked tokens of the people of open tokens."""
    concerned = engine.keep("concerned", open_.filter(open_.identified).select("subject").distinct())
    theirs = engine.keep("concerned_linked", seen.linked.filter(seen.linked.identified).semi_join(concerned, "subject"))
    further = seen.variants.filter(seen.variants.identified).semi_join(concerned, "subject")
    further = further.semi_join(theirs, "token_key")
    return ibis.union(measured.traits(theirs, "subject"), measured.traits(further, "subject"))


def _with_candidates(engine: Engine, open_: ir.Table, issued: ir.Table) -> ir.Table:
    """Rule 4.2: add `candidate`: an issuance that could be this one's."""
    bare = engine.keep("bare", open_.filter(~open_.has_id, open_.derived != "assertion", open_.relied))
    if not engine.rows(bare.limit(1)):
        return open_.mutate(candidate=ibis.literal(False))
    good = issued.filter(issued.leg == Leg.ISSUANCE, issued.outcome == Outcome.SUCCESS)
    good = good.mutate(t=whole_seconds(good.event_time))
    signins = good.filter(good.source.isin([ENTRA, "m365-ual"]))
    own = signins.filter(signins.identified).select("subject", "t")
    anyone = signins.filter(~signins.identified).select("t").distinct()
    nobody = bare.filter(bare.subject.isnull())
    every = signins.select("t").distinct()
    hits = ibis.union(
        bare.semi_join(own, [bare.subject == own.subject, own.t >= bare.w_lo, own.t <= bare.w_hi]).select("token_key"),
        bare.semi_join(anyone, [anyone.t >= bare.w_lo, anyone.t <= bare.w_hi]).select("token_key"),
        nobody.semi_join(every, [every.t >= nobody.w_lo, every.t <= nobody.w_hi]).select("token_key"),
        distinct=True,
    )
    joined = open_.left_join(hits.mutate(hit=ibis.literal(True)), "token_key", rname="{name}_c")
    return joined.select(*open_.columns, candidate=joined.hit.fill_null(False))


def _with_refutation(open_: ir.Table, policy: Policy) -> ir.Table:
    """Rule 5.5: add `refuted`: for the issuer by ordinary misses, or for its client by route misses.

    What a verified log lacks refutes nothing; neither does what was never signed (rule 4.4).
    """
    doubtful = (open_.proven < open_.needed) & ~open_.never
    bare = ~open_.has_id & ~open_.sound & (open_.derived == "") & ~open_.candidate & open_.relied
    assertion = (open_.derived == "assertion") & (open_.served == 0) & open_.relied & ~open_.unknown_presentation
    missed = open_.missed & open_.relied
    ordinary = open_.filter(doubtful & ~open_.silent & open_.ordinary & (missed | bare | assertion))
    issuers = ordinary.group_by("issuer").agg(subjects=ordinary.subject.nunique())
    issuers = issuers.filter(issuers.subjects >= policy.refuting_subjects).select(
        "issuer", all_of_it=ibis.literal(True)
    )
    routes = open_.filter(open_.route & (open_.missed | bare) & (doubtful | ((open_.needed == 0) & ~open_.never)))
    clients = routes.group_by("issuer", client=measured.key(routes.client_id)).agg(subjects=routes.subject.nunique())
    clients = clients.filter(clients.subjects >= policy.refuting_subjects).select(
        "issuer", "client", its_route=ibis.literal(True)
    )
    keyed = open_.mutate(client=measured.key(open_.client_id))
    joined = keyed.left_join(issuers, "issuer", rname="{name}_i").left_join(
        clients, ["issuer", "client"], rname="{name}_r"
    )
    return joined.select(*open_.columns, refuted=joined.all_of_it.fill_null(False) | joined.its_route.fill_null(False))


def _with_roots(
    engine: Engine, open_: ir.Table, issued: ir.Table, stretches: Sequence[tuple[str, int, int]], policy: Policy
) -> ir.Table:
    """Rules 6.2, 6.3: add `rooted` and `roots` (the stratum of its secondary issuance normally roots).

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
    ids = engine.keep("secondary_ids", second.select("token_id", "issuer", "source", "operation").distinct())
    if not engine.rows(ids.limit(1)):
        return open_.mutate(rooted=ibis.literal(False), roots=ibis.literal(False))
    watched = engine.keep("secondary_watched", inside.select("token_id").distinct())
    edges = engine.keep("edges", exchanges(issued))
    nodes = ibis.union(ids.select(id=ids.token_id), edges.select(id=edges.parent), distinct=True)
    seeds = engine.keep("root_seeds", nodes.semi_join(first, nodes.id == first.token_id))
    rooted = reached(engine, "rooted", edges, seeds).mutate(is_rooted=ibis.literal(True))
    strange = open_.filter(open_.secondary, ~open_.ordinary).select("token_id").distinct()
    marked = ids.left_join(rooted, ids.token_id == rooted.id).left_join(
        strange.mutate(strange=ibis.literal(True)), "token_id", rname="{name}_s"
    )
    marked = marked.semi_join(watched, "token_id")
    counted = marked.filter(marked.is_rooted.fill_null(False) | ~marked.strange.fill_null(False))
    strata = counted.group_by("issuer", "source", "operation").agg(
        good=counted.token_id.nunique(where=counted.is_rooted.fill_null(False)), all=counted.token_id.nunique()
    )
    normal = strata.filter(strata.good >= policy.rooted_pairs, strata.good >= policy.rooted_share * strata["all"])
    failing = ids.anti_join(normal, ["issuer", "source", "operation"]).select("token_id").distinct()
    roots = ids.select("token_id").distinct().anti_join(failing, "token_id")
    joined = open_.left_join(rooted, open_.token_id == rooted.id).left_join(
        roots.mutate(normal=ibis.literal(True)), "token_id", rname="{name}_n"
    )
    return joined.select(*open_.columns, rooted=joined.is_rooted.fill_null(False), roots=joined.normal.fill_null(False))
