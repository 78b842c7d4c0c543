"""Rule 4.6: the second sign, which no lost record explains, without which one miss convicts nobody.

A log that somebody else keeps may lose a record now and then, and the person whose record it is may have a new
telephone in a new network. What then remains strange is looked for here.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.schema import Outcome
from counterfoil.model.storm_0558 import ADDRESSES
from counterfoil.reconcile.engine import Engine
from counterfoil.reconcile.habits import claimed
from counterfoil.reconcile.judge import unrooted

_DAY = 86_400


def lone(engine: Engine, foreign: ir.Table, open_: ir.Table, issued: ir.Table, records: ir.Table,
         names: ir.Table) -> ir.Table:
    """Return (token_key) of the foreign misses that show no second sign.

    `foreign`: misses that nothing excuses; `open_`: every token without primary issuance, with `at_home`; `names`:
    (subject_name, proven_id).
    """
    # what one lost record explains: all uses of one token, and the uses without id of one person
    foreign = engine.keep("signs_foreign", foreign.mutate(
        unit=ibis.coalesce(foreign.token_id, foreign.subject, foreign.token_key)
    ))
    alone = engine.keep("signs_none", foreign.anti_join(_signed(foreign, open_, issued, names), "token_key"))
    if not engine.rows(alone.limit(1)):
        return alone.select("token_key")
    sessions = claimed(foreign, records)
    sessions = engine.keep("signs_sessions", sessions.select("token_key", "session_id", "unit"))
    several = _several(sessions, "session_id")
    return alone.anti_join(sessions.semi_join(several, "session_id"), "token_key").select("token_key")


def _signed(foreign: ir.Table, open_: ir.Table, issued: ir.Table, names: ir.Table) -> ir.Table:
    """Return (token_key) of the foreign misses that show a second sign, but for their sessions."""
    proven = names.select("subject_name", "proven_id")
    named = foreign.join(proven, "subject_name")
    exchanged = open_.filter(open_.derived == "exchange").select("token_id").distinct()
    placed = foreign.filter(~foreign.inside)  # none of them without a network
    renewed = open_.filter(unrooted(open_)).select("issuer", "network").distinct()
    # what comes from a service's own network comes through a service, which may be one that nobody knows yet
    elsewhere = foreign.filter(foreign.network.isnull() | ~foreign.inside)
    found = (
        elsewhere.semi_join(_strange_clients(foreign, open_, issued), ["issuer", "client_id"]),
        placed.semi_join(_several(placed, "issuer", "network"), ["issuer", "network"]),
        placed.semi_join(renewed, ["issuer", "network"]),
        foreign.filter(_published(foreign)),
        foreign.filter(foreign.outside_life),
        foreign.semi_join(named.filter(named.subject_id != named.proven_id), "token_key"),  # another's object id
        foreign.semi_join(exchanged, "token_id"),
    )
    return ibis.union(*(table.select("token_key") for table in found), distinct=True)


def _several(misses: ir.Table, *keys: str) -> ir.Table:
    """Return the keys under which there are misses that no single lost record explains."""
    counted = misses.group_by(*keys).agg(units=misses.unit.nunique())
    return counted.filter(counted.units > 1).select(*keys)


def _strange_clients(foreign: ir.Table, open_: ir.Table, issued: ir.Table) -> ir.Table:
    """Return (issuer, client_id) of which no sign-in of anybody is in evidence.

    One that several people use from their own networks is a roll-out whose sign-ins were not exported.
    """
    asked = foreign.select("issuer", "client_id").distinct()
    known = issued.filter(issued.outcome == Outcome.SUCCESS).semi_join(asked, ["issuer", "client_id"])
    known = known.select("issuer", "client_id").distinct()  # few of what is most of the evidence
    at_home = open_.filter(open_.at_home)
    users = at_home.group_by("issuer", "client_id").agg(people=at_home.subject.nunique())
    rolled_out = users.filter(users.people > 1)
    return asked.anti_join(known, ["issuer", "client_id"]).anti_join(rolled_out, ["issuer", "client_id"])


def _published(tokens: ir.Table) -> ir.BooleanValue:
    """Tell which tokens came from an address that was published, within its dates."""
    return ibis.or_(*(
        (tokens.ip == a.ip) & (tokens.t_last >= int(a.first.timestamp()))
        & (tokens.t_first < int(a.last.timestamp()) + _DAY) for a in ADDRESSES
    )).fill_null(False)
