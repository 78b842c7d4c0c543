"""Rule 5.4: whether a use that has no issuance is the person's own, by what the issuer recorded of that person.

Whoever holds a token writes its client and its agent, and copies its session and device. What a forger cannot write is
the issuer's record of where a person signed in.
"""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, Outcome
from counterfoil.reconcile.acceptances import network
from counterfoil.reconcile.clock import whole_seconds
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.literals import whole
from counterfoil.reconcile.log_parts import in_logs, in_parts
from counterfoil.reconcile.measured import key
from counterfoil.reconcile.policy import Policy

DAY = 86_400


def product(agent: ir.StringValue) -> ir.StringValue:
    """Return the agent without its version numbers: an update is no new program."""
    return agent.re_replace(r"[0-9]+([._][0-9]+)*", "#")


def sign_ins(issued: ir.Table, logs: Logs) -> ir.Table:
    """Return the successful primary issuances, with `t` (seconds).

    `addressed`: of a log that writes down where people sign in; `placeless`: of a part that has no addresses.
    """
    good = issued.filter(issued.leg == Leg.ISSUANCE, issued.outcome == Outcome.SUCCESS)
    return good.select("subject", "ip", "client_id", "user_agent", "device_id", "session_id",
                       addressed=in_logs(good, "addressed logs", logs.addressed),
                       placeless=in_parts(good, "placeless parts", logs.placeless).fill_null(False),
                       t=whole(whole_seconds(good.event_time)))


@dataclass(frozen=True)
class Habits:
    """What is surely people's own, each by `subject`.

    `places`: (network, often: on enough days, or with a device that is known long enough); `clients`, `agents`: of
    sign-ins, and of uses of linked tokens from the places of sign-ins; `claimed`: sessions and devices of sign-ins.
    """

    places: ir.Table
    clients: ir.Table
    agents: ir.Table
    claimed: ir.Table


def habits(engine: Engine, name: str, signed: ir.Table, uses: ir.Table, policy: Policy) -> Habits:
    """Return what sign-ins, and uses of linked tokens, show of people.

    `signed`: of `sign_ins`; `uses`: subject, client_id, network, user_agent, t. Of people whose issuer writes down no
    address at all, uses of linked tokens stand in for sign-ins.
    """
    # where no address is ever written down, to be used from nowhere is one's own, too
    told = signed.mutate(network=ibis.ifelse(signed.placeless, key(network(signed.ip)), network(signed.ip)))
    told = engine.keep(f"habits_{name}_signed", told.select(
        "subject", "network", "device_id", "session_id", "t", client=key(told.client_id),
        agent=key(product(told.user_agent)), addressed=told.addressed,
    ))
    used = engine.keep(f"habits_{name}_used", uses.select(
        "subject", "network", "t", client=key(uses.client_id), agent=key(product(uses.user_agent))
    ))
    addressed = told.filter(told.network.notnull() | told.addressed).select("subject").distinct()
    blind = used.anti_join(addressed, "subject")
    seen = ibis.union(told.select("subject", "network", "t"), blind.select("subject", "network", "t"))
    days = seen.group_by("subject", "network").agg(days=(seen.t // DAY).nunique())
    placed = told.filter(told.network.notnull())
    ages = placed.group_by("subject", "device_id").agg(age=placed.t.max() - placed.t.min())
    settled = placed.semi_join(ages.filter(ages.age >= policy.device_days * DAY), ["subject", "device_id"])
    often = ibis.union(
        days.filter(days.days >= policy.habit_days).select("subject", "network"), settled.select("subject", "network"),
        distinct=True,
    )
    joined = days.left_join(often.mutate(often=ibis.literal(True)), ["subject", "network"], rname="{name}_o")
    places = joined.select("subject", "network", often=joined.often.fill_null(False))
    places = engine.keep(f"habits_{name}_places", places)
    at_home = used.semi_join(places, ["subject", "network"])
    claims = ibis.union(
        told.select("subject", claim=told.session_id), told.select("subject", claim=told.device_id), distinct=True,
    )
    own = {
        trait: engine.keep(f"habits_{name}_{trait}s", ibis.union(
            told.select("subject", trait), at_home.select("subject", trait), distinct=True
        ))
        for trait in ("client", "agent")
    }
    return Habits(places, own["client"], own["agent"], engine.keep(f"habits_{name}_claimed", claims))


def graded(engine: Engine, name: str, tokens: ir.Table, known: Habits, records: ir.Table | None) -> ir.Table:
    """Return (token_key, at_home, own, explained); what is own is explained, too, and what is neither is foreign.

    `at_home`: the network is one of hers. `own`: so it is, and client or agent is hers. `explained`: a new program at
    home; or client and agent are hers, at a place of few sign-ins, or under a session or device of hers.
    `records`: where sessions and devices of uses stand; None: they are not looked at.
    """
    mine = engine.keep(f"habits_{name}_asked", tokens.select(
        "token_key", "subject", "source", "record_id", "first_seen", network=key(tokens.network),
        client=key(tokens.client_id), agent=key(product(tokens.user_agent)),
    ))
    yes = ibis.literal(True)
    joined = mine.left_join(known.places.mutate(known=yes), ["subject", "network"], rname="{name}_p")
    for trait in ("client", "agent"):
        held = (known.clients if trait == "client" else known.agents).mutate(**{f"her_{trait}": yes})
        joined = joined.left_join(held, ["subject", trait], rname=f"{{name}}_{trait}")
    told = engine.keep(f"habits_{name}_traits", joined.select(
        "token_key", "subject", "source", "record_id", "first_seen", often=joined.often.fill_null(False),
        known=joined.known.fill_null(False), her_client=joined.her_client.fill_null(False),
        her_agent=joined.her_agent.fill_null(False),
    ))
    both = told.her_client & told.her_agent
    own = told.often & (told.her_client | told.her_agent)
    grades = told.select("token_key", at_home=told.often, own=own, explained=told.often | (both & told.known))
    open_ = engine.keep(f"habits_{name}_claims", told.filter(both & ~told.known))
    if records is None or not engine.rows(open_.limit(1)):
        return engine.keep(f"habits_{name}_grades", grades)
    claims = claimed(open_, records)
    claims = ibis.union(*(claims.select("token_key", "subject", claim=claims[n]) for n in ("session_id", "device_id")))
    hers = claims.semi_join(known.claimed, ["subject", "claim"]).select("token_key", hers=yes).distinct()
    whole = grades.left_join(hers, "token_key", rname="{name}_h")
    return engine.keep(f"habits_{name}_grades", whole.select(
        "token_key", "at_home", "own", explained=whole.explained | whole.hers.fill_null(False)
    ))


def claimed(tokens: ir.Table, records: ir.Table) -> ir.Table:
    """Return the tokens with `session_id` and `device_id` of their first acceptance: what its holder wrote."""
    theirs = records.filter(records.session_id.notnull() | records.device_id.notnull())
    theirs = theirs.select("source", "record_id", "event_time", "session_id", "device_id")
    at = [tokens.source == theirs.source, tokens.record_id == theirs.record_id, tokens.first_seen == theirs.event_time]
    return tokens.join(theirs, at, rname="{name}_r").select(*tokens.columns, "session_id", "device_id")
