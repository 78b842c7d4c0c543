"""Rule 4.5: assertions of identity providers of which nothing is in evidence, and what the coverage says of them.

A domain that nobody named may be the tenant's second one, or one that an intruder converted. It accuses only where its
people have another identity provider, or where it comes up out of nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from counterfoil.expressions import ibis, ir
from counterfoil.model.coverage import CoverageRow
from counterfoil.model.logs import Logs
from counterfoil.model.reason import Probable
from counterfoil.model.schema import Outcome
from counterfoil.reconcile.acceptances import SAML, UNNAMED, domain_of, network
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.covered import personal_stretches
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.log_parts import by_log, in_logs, in_parts
from counterfoil.reconcile.policy import HOUR

DAY = 24 * HOUR
ASSERTIONS = "assertions"  # the source that rows of the coverage name
MAX_DOMAINS = 50  # that the coverage names, those with most sign-ins first
NO_LOG = "no log of its identity provider"
UNTOLD = "these sign-ins do not say whether an assertion was presented (incomingTokenType)"


def suspected(
    engine: Engine, judged: ir.Table, issued: ir.Table, rows: Sequence[CoverageRow], logs: Logs
) -> ir.Table:
    """Return the judged tokens with `probable` where an unknown identity provider is no second one of the tenant."""
    given = judged.filter(judged.derived == "assertion")
    strange = engine.keep("unnamed_given", given.filter(_is_unnamed(given)))
    if not engine.rows(strange.limit(1)):
        return judged
    known = given.filter(~_is_unnamed(given), ~given.unknown_presentation)
    elsewhere = strange.semi_join(known, "subject").select("token_key")  # who is a mere name is so under one domain
    found = ibis.union(elsewhere, _out_of_nowhere(engine, strange, issued, rows, logs), distinct=True)
    joined = judged.left_join(
        engine.keep("unnamed_found", found.mutate(found=ibis.literal(True))), "token_key", rname="{name}_u"
    )
    told = ibis.ifelse(joined.found.fill_null(False), str(Probable.UNKNOWN_IDENTITY_PROVIDER), ibis.null("string"))
    columns = [name for name in judged.columns if name != "probable"]
    return engine.keep("unnamed_judged", joined.select(*columns, probable=ibis.coalesce(joined.probable, told)))


def _is_unnamed(assertions: ir.Table) -> ir.BooleanValue:
    return assertions.issuer.startswith(UNNAMED).fill_null(False)


def _out_of_nowhere(
    engine: Engine, strange: ir.Table, issued: ir.Table, rows: Sequence[CoverageRow], logs: Logs
) -> ir.Table:
    """Return (token_key) of domains that first come up inside relied time, and from networks not of their people.

    A day of relied time without the domain must lie before. Networks are its people's if they signed in from there
    before the domain came up. A domain by which at least half of its people sign in on most of their days is theirs.
    """
    domain = ["issuer", "tenant"]
    tenants = strange.mutate(tenant=by_log(strange, logs.tenants) + strange.resource_tenant)
    first = tenants.group_by(*domain).agg(first=tenants.t_first.min())
    stretches = engine.given("unnamed_relied", {"tenant": "string", "lo": "int64", "hi": "int64"},
                             personal_stretches(rows, logs))
    late = first.join(stretches, "tenant")
    new = engine.keep("unnamed_new", late.filter(late["first"] >= late.lo + DAY, late["first"] <= late.hi).select(
        *domain, "first"
    ).distinct())
    mine = engine.keep("unnamed_late", tenants.join(new, domain))
    people = mine.select("subject", *domain, "first").distinct()
    good = issued.filter(
        in_logs(issued, "federated logs", sorted(logs.federations)), issued.outcome == str(Outcome.SUCCESS)
    )
    fresh = good.filter(in_parts(good, "parts where somebody was there", logs.interactive))
    new = new.anti_join(_established(engine, mine, fresh, people, domain), domain)
    mine = mine.semi_join(new, domain)
    seen = good.select("subject", t=whole_seconds(good.event_time), network=network(good.ip)).join(people, "subject")
    own = seen.filter(seen.t < seen["first"]).select(*domain, "network").distinct()
    foreign = mine.filter(mine.network.notnull()).anti_join(own, [*domain, "network"])
    began = foreign.filter(foreign.t_first == foreign["first"]).select(*domain).distinct()
    return foreign.semi_join(began, domain).select("token_key")


def _established(
    engine: Engine, mine: ir.Table, interactive: ir.Table, people: ir.Table, domain: list[str]
) -> ir.Table:
    """Return the domains by which at least half of their people sign in on more days than otherwise."""
    whose = [*domain, "subject"]
    under = mine.filter(mine.identified).group_by(*whose).agg(days=mine.first_seen.date().nunique())
    fresh = interactive.select(
        "subject", day=interactive.event_time.date(), by=ibis.ifelse(
            interactive.incoming_token.isin(SAML), ibis.literal(UNNAMED) + domain_of(interactive.subject_name),
            ibis.null("string"),
        ),
    )
    met = fresh.join(people.drop("first"), "subject")
    others = met.filter((met.by != met.issuer).fill_null(True)).group_by(*whose).agg(days=met.day.nunique())
    both = under.left_join(others, whose, rname="{name}_other")
    most = (both.days > both.days_other.fill_null(0)).cast("int64")
    counted = both.group_by(*domain).agg(most=most.sum(), every=both.count())
    return engine.keep("unnamed_established", counted.filter(counted.most * 2 >= counted.every).select(*domain))


def assertion_rows(engine: Engine, judged: ir.Table) -> list[CoverageRow]:
    """Return rows for domains of whose identity provider there is no log, or whose sign-ins tell no presentation."""
    told = judged.filter(_is_unnamed(judged) | judged.unknown_presentation)
    counted = told.group_by("issuer", "unknown_presentation", domain=domain_of(told.subject_name)).agg(
        records=told.count(), first=told.first_seen.min(), last=told.last_seen.max()
    )
    most = counted.order_by([counted.records.desc(), counted.issuer, counted.domain]).limit(MAX_DOMAINS)
    return [
        CoverageRow(row["issuer"], ASSERTIONS, row["domain"], "seen", row["first"], row["last"],
                    int(row["records"]), UNTOLD if row["unknown_presentation"] else NO_LOG)
        for row in engine.rows(most)
    ]
