"""Rules 4 and 5: everything that the verdict of a token without primary issuance depends on, column by column."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.expressions import ibis, ir
from counterfoil.model.coverage import RELIED, CoverageRow
from counterfoil.model.logs import Logs
from counterfoil.model.reason import Probable
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile import judge, measured, shapes
from counterfoil.reconcile.agents import with_agents
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.covered import needs, personal_stretches, required, windowed, with_coverage
from counterfoil.reconcile.declared import LogFacts, seconds
from counterfoil.reconcile.early import with_early
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.federation import assertion_counts
from counterfoil.reconcile.habits import Habits, graded, habits, product, sign_ins
from counterfoil.reconcile.identity import with_people
from counterfoil.reconcile.literals import number, whole
from counterfoil.reconcile.log_parts import in_logs
from counterfoil.reconcile.policy import HOUR, Policy
from counterfoil.reconcile.quiet import with_quiet_holes
from counterfoil.reconcile.refuted import refuted_parts, with_refutation
from counterfoil.reconcile.roots import with_roots
from counterfoil.reconcile.services import service_client, with_service, without_token
from counterfoil.reconcile.signs import lone
from counterfoil.reconcile.unpublished import with_unpublished


@dataclass(frozen=True)
class Seen:
    """What all tokens together show.

    `cells` of `measured`; `every` token with its link flags; `linked` (every linked token: token_key, subject,
    identified, client_id, network, user_agent, t) and `variants` (the further ways in which tokens were used);
    `issued`: issuances of every outcome; `records`: evidence, each once; `names`: aliases; `people`: who signs in;
    `logs`: what logs mean.
    """

    cells: ir.Table
    every: ir.Table
    linked: ir.Table
    variants: ir.Table
    issued: ir.Table
    records: ir.Table
    names: ir.Table
    people: ir.Table
    logs: Logs


@dataclass(frozen=True)
class Unsettled:
    """The open `tokens`, and the parts of logs that they refute (of `refuted_parts`)."""

    tokens: ir.Table
    refuted: ir.Table


def unsettled(
    engine: Engine, open_: ir.Table, seen: Seen, rows: tuple[CoverageRow, ...], facts: LogFacts, policy: Policy
) -> Unsettled:
    """Return the tokens that no primary issuance settles, with everything that their verdict depends on.

    `open_` has `never` (rule 4.4).
    """
    open_ = shapes.PLACED.kept(engine, with_service(engine, _with_sessions(engine, open_, seen), seen.records))
    covered = with_coverage(engine, windowed(open_, policy, facts), rows, facts)
    open_ = shapes.TIMED.kept(engine, with_early(engine, shapes.COVERED.kept(engine, covered), rows, facts.logs))
    told = with_agents(engine, _with_silence(open_, seen, policy), seen.issued, seen.linked, seen.records)
    open_ = shapes.VOICED.kept(engine, told)
    open_ = shapes.ASSERTED.kept(engine, _with_assertions(engine, open_, seen, policy))
    open_ = shapes.GRADED.kept(engine, _with_own_runs(engine, _with_grades(engine, open_, seen, rows, policy)))
    open_ = shapes.MATCHED.kept(engine, _with_candidates(engine, open_, seen))

    good = with_people(seen.every.filter(seen.every.primary, seen.every.contradiction.isnull()), seen.people)
    good = good.mutate(own_application=ibis.literal(False))
    good = good.mutate(needs=needs(good, facts.keepers))

    def linking() -> ir.Table:
        return good.group_by("issuer", "needs").agg(links=good.count())

    parts = required(facts, rows)
    refuted = refuted_parts(engine, open_, parts, linking, policy)
    open_ = with_refutation(engine, open_, refuted, parts, policy)
    open_ = with_quiet_holes(engine, open_, rows, parts, facts.keepers)
    open_ = with_unpublished(engine, open_, good, seen.issued, parts, facts, policy)
    stretches = personal_stretches(rows, facts.logs)
    open_ = shapes.ROOTED.kept(engine, with_roots(engine, open_, seen.issued, stretches, policy))
    open_ = shapes.SIGNED.kept(engine, _with_signs(engine, open_, seen, facts))
    return Unsettled(shapes.OPEN.kept(engine, open_.mutate(open_reason=judge.open_reason(open_))), refuted)


def _with_sessions(engine: Engine, open_: ir.Table, seen: Seen) -> ir.Table:
    """Rule 4.2, sessions: add `began` (seconds): the first use of the session that a use without id belongs to.

    A session of such a service ends a life after its last use, so that uses without so long a pause are one.
    """
    began = open_.mutate(began=open_.t_first)
    for (source, kind), life in seen.logs.sessions.items():
        bare = began.filter(~began.has_id, began.source == source, began.kind == kind)
        bare = engine.keep("unsettled_uses", bare.select(*_session(bare), "token_key"))
        if not engine.rows(bare.limit(1)):
            continue
        theirs = seen.every.filter(seen.every.source == source, seen.every.kind == kind)
        theirs = theirs.semi_join(bare.select("subject").distinct(), "subject")
        uses = theirs.select(*_session(theirs)).distinct()
        by = {"group_by": [uses.subject, uses.client, uses.agent], "order_by": uses.t}
        paused = uses.mutate(fresh=(uses.t - uses.t.lag().over(**by) > life).fill_null(True).cast("int64"))
        window = ibis.window(group_by=[paused.subject, paused.client, paused.agent], order_by=paused.t, following=0)
        numbered = paused.mutate(session=paused.fresh.sum().over(window))
        first = numbered.group_by("subject", "client", "agent", "session").agg(began=numbered.t.min())
        told = numbered.join(first, ["subject", "client", "agent", "session"]).select(
            "subject", "client", "agent", "t", "began"
        )
        mine = bare.join(told, ["subject", "client", "agent", "t"]).group_by("token_key").agg(began=told.began.min())
        joined = began.left_join(mine, "token_key", rname="{name}_s")
        began = joined.select(*open_.columns, began=ibis.coalesce(joined.began_s, joined.began))
    return began


def _session(tokens: ir.Table) -> list[ir.Value]:
    return [tokens.subject, measured.key(tokens.client_id).name("client"),
            measured.key(product(tokens.user_agent)).name("agent"), whole(tokens.t_first).name("t")]


def _with_silence(open_: ir.Table, seen: Seen, policy: Policy) -> ir.Table:
    """Rule 5.6: add `silent`, and `of_service`: such a client, but from elsewhere."""
    told = open_.filter(open_.has_id, open_.relied, open_.inside)
    quiet = measured.silent(told, seen.cells, policy).mutate(quiet=ibis.literal(True))
    joined = open_.left_join(quiet, measured.same(open_, quiet, measured.STRATUM), rname="{name}_q")
    of_service = joined.quiet.fill_null(False) | service_client(open_)
    return joined.select(
        *open_.columns, silent=(of_service & open_.inside) | without_token(open_).fill_null(False),
        of_service=of_service & ~open_.inside,
    )


def _with_assertions(engine: Engine, open_: ir.Table, seen: Seen, policy: Policy) -> ir.Table:
    """Rule 4.3: add `served`, `surplus`, `at_least`, `chain` of assertions; `probable` of those posted twice."""
    assertions = engine.keep("unsettled_assertions", open_.filter(open_.derived == "assertion", open_.relied))
    if not engine.rows(assertions.limit(1)):
        none = {"served": number(0), "at_least": number(0), "chain": number(0)}
        return open_.mutate(**none, surplus=ibis.literal(False))
    counts = assertion_counts(engine, assertions, seen.issued, seen.logs, policy)
    joined = open_.left_join(counts, "token_key", rname="{name}_f")
    return joined.select(
        *(name for name in open_.columns if name != "probable"),
        served=joined.served.fill_null(0),
        surplus=joined.surplus.fill_null(False),
        at_least=joined.at_least.fill_null(0),
        chain=joined.chain.fill_null(0).cast("int64"),
        probable=ibis.ifelse(joined.twice.fill_null(False), str(Probable.POSTED_TWICE), joined.probable),
    )


def _with_grades(
    engine: Engine, open_: ir.Table, seen: Seen, rows: tuple[CoverageRow, ...], policy: Policy
) -> ir.Table:
    """Rule 5.4: add `ordinary` (the person's own), `explained`, `at_home`, `route` and `fresh`."""
    assertions = open_.filter(open_.derived == "assertion")
    tokens = open_.filter(open_.derived != "assertion")
    told = graded(engine, "own", tokens, known_habits(engine, "known", open_, seen, policy), seen.records)
    grades = told
    if engine.rows(assertions.limit(1)):
        surely = assertions.filter(assertions.served > 0, ~assertions.surplus, assertions.probable.isnull())
        served = surely.mutate(t=whole(surely.t_first))
        given = habits(engine, "served", sign_ins(seen.issued, seen.logs).limit(0), served, policy)
        grades = ibis.union(told, graded(engine, "own_assertions", assertions, given, None))
    joined = open_.left_join(grades, "token_key", rname="{name}_g")
    told = joined.select(*open_.columns, **{n: joined[n].fill_null(False) for n in ("at_home", "own", "explained")})
    told = engine.keep("unsettled_graded", _with_routes(engine, told, seen, rows, policy))
    # who exchanged a token logged its own address and client: it is as ordinary as the same token is elsewhere
    elsewhere = told.group_by("token_id", "subject").agg(
        own_there=told.own.any(), explained_there=told.explained.any()
    )
    again = told.left_join(elsewhere, ["token_id", "subject"], rname="{name}_u")
    exchanged = again.derived == "exchange"
    own = again.own | (exchanged & again.own_there.fill_null(False))
    explained = again.explained | (exchanged & again.explained_there.fill_null(False))
    return again.select(*open_.columns, "at_home", "route", "fresh", ordinary=own, explained=explained & ~own)


def _with_own_runs(engine: Engine, open_: ir.Table) -> ir.Table:
    """Rule 4.3 e: take `surplus` and `at_least` from runs of which every assertion is the person's own."""
    short = open_.filter(open_.surplus)
    if not engine.rows(short.limit(1)):
        return open_
    run = ["issuer", "subject", "chain"]
    strange = short.filter(~short.ordinary).select(*run).distinct().mutate(strange=ibis.literal(True))
    joined = open_.left_join(strange, run, rname="{name}_s")
    counts = joined.strange.fill_null(False)
    return joined.select(
        *(name for name in open_.columns if name not in ("surplus", "at_least")),
        surplus=joined.surplus & counts, at_least=ibis.ifelse(counts, joined.at_least, 0),
    )


def known_habits(engine: Engine, name: str, tokens: ir.Table, seen: Seen, policy: Policy) -> Habits:
    """Return what is surely the own of the people of these tokens."""
    concerned = engine.keep(f"unsettled_{name}_people", tokens.filter(tokens.identified).select("subject").distinct())
    signed = sign_ins(seen.issued, seen.logs).semi_join(concerned, "subject")
    theirs = seen.linked.filter(seen.linked.identified).semi_join(concerned, "subject")
    theirs = engine.keep(f"unsettled_{name}_linked", theirs)
    further = seen.variants.filter(seen.variants.identified).semi_join(concerned, "subject")
    further = further.semi_join(theirs, "token_key").mutate(t=lambda table: whole(whole_seconds(table.event_time)))
    columns = ("subject", "client_id", "network", "user_agent", "t")
    return habits(engine, name, signed, ibis.union(theirs.select(*columns), further.select(*columns)), policy)


def _with_routes(
    engine: Engine, open_: ir.Table, seen: Seen, rows: tuple[CoverageRow, ...], policy: Policy
) -> ir.Table:
    """Add `route` and `fresh`: of a client of which nothing links, used from people's own networks.

    `fresh`: of such a client that first comes a day or more after relied time begins, wherever it is used.
    """
    begins: dict[str, int] = {}
    for row in rows:
        if row.status in RELIED and row.issuer and row.start:
            begins[row.issuer] = min(begins.get(row.issuer, seconds(row.start)), seconds(row.start))
    relied = engine.given("relied_from", {"issuer": "string", "begins": "int64"}, sorted(begins.items()))
    cells = seen.cells.mutate(client_key=measured.key(seen.cells.client_id))
    clients = cells.group_by("issuer", "client_key").agg(links=cells.linked.any(), first_use=cells.first_seen.min())
    keyed = open_.mutate(client_key=measured.key(open_.client_id))
    joined = keyed.left_join(clients, ["issuer", "client_key"], rname="{name}_c")
    joined = joined.left_join(relied, "issuer", rname="{name}_b")
    mute = ~joined.links.fill_null(False) & (joined.derived != "assertion")
    late = whole_seconds(joined.first_use) >= joined.begins + policy.new_client_hours * HOUR
    fresh = mute & joined.client_id.notnull() & late.fill_null(False)
    return joined.select(*open_.columns, fresh=fresh, route=joined.at_home & mute & ~fresh)


def _with_candidates(engine: Engine, open_: ir.Table, seen: Seen) -> ir.Table:
    """Rule 4.2: add `candidate`: an issuance that could be this one's."""
    bare = engine.keep("unsettled_bare", open_.filter(~open_.has_id, open_.derived != "assertion", open_.relied))
    if not engine.rows(bare.limit(1)):
        return open_.mutate(candidate=ibis.literal(False))
    issued = seen.issued
    good = issued.filter(issued.leg == Leg.ISSUANCE, issued.outcome == Outcome.SUCCESS)
    good = good.mutate(t=whole_seconds(good.event_time))
    signins = good.filter(in_logs(good, "logs of sign-ins", seen.logs.sign_ins))
    own = signins.select("subject", "t")
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


def _with_signs(engine: Engine, open_: ir.Table, seen: Seen, facts: LogFacts) -> ir.Table:
    """Rule 4.6: add `lone`: a foreign miss of a log that somebody else keeps, without a second sign.

    Add `raisable`, too: rule 5.7 counts it as a miss.
    """
    told = open_.mutate(
        raisable=open_.sound & ~open_.secondary & ~open_.route & ~open_.late & (~open_.agentic | open_.stray)
    )
    bare = ~told.has_id & ~told.candidate & judge.sound_person(told)
    foreign = told.filter(
        told.missed | bare, told.relied, ~told.silent, ~told.agentic, ~told.ordinary, ~told.explained,
        ~told.issuer.isin(facts.keepers.named).fill_null(False),
    )
    foreign = engine.keep("unsettled_foreign", foreign)
    if not engine.rows(foreign.limit(1)):
        return told.mutate(lone=ibis.literal(False))
    alone = lone(engine, foreign, told, seen.issued, seen.records, seen.names)
    alone = engine.keep("unsettled_lone", alone.mutate(alone=ibis.literal(True)))
    joined = told.left_join(alone, "token_key", rname="{name}_a")
    return joined.select(*told.columns, lone=joined.alone.fill_null(False))
