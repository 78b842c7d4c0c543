"""Rule 5.11: tokens of agent identities, of which nothing says what they leave in which log."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.reconcile.acceptances import network
from counterfoil.reconcile.engine import Engine


def with_agents(engine: Engine, open_: ir.Table, issued: ir.Table, linked: ir.Table, records: ir.Table) -> ir.Table:
    """Add `agentic` (its client or subject is an agent's), and `stray`: it came from where none of an agent's did.

    `issued`: issuances; `linked`: linked tokens (client_id, network); `records`: evidence, each once.
    """
    told = engine.keep("agents_sign_ins", _signed(issued).select("client_id", "ip").distinct())
    if not engine.rows(told.limit(1)):
        return open_.mutate(agentic=ibis.literal(False), stray=ibis.literal(False))
    clients = told.select("client_id").distinct()
    # an agent that acts for a person signs in under that person's id
    named = _signed(records).filter(lambda t: t.extra.replace(" ", "").contains('"agentSubjectType":"agent'))
    subjects = named.select(subject=named.subject_id).distinct()
    used = linked.select("client_id", "network")
    places = ibis.union(told.select("client_id", network=network(told.ip)), used, distinct=True)
    yes = ibis.literal(True)
    joined = open_.left_join(clients.mutate(client=yes), "client_id", rname="{name}_c")
    joined = joined.left_join(subjects.mutate(principal=yes), "subject", rname="{name}_p")
    joined = joined.left_join(places.mutate(known_there=yes), ["client_id", "network"], rname="{name}_n")
    agentic = (joined.client.fill_null(False) | joined.principal.fill_null(False)) & (joined.derived != "assertion")
    return joined.select(
        *open_.columns, agentic=agentic, stray=~joined.inside & ~joined.known_there.fill_null(False)
    )


def _signed(records: ir.Table) -> ir.Table:
    return records.filter(
        records.leg == Leg.ISSUANCE, records.outcome == Outcome.SUCCESS, records.token_class == TokenClass.AGENT
    )
