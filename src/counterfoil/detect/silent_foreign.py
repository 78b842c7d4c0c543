"""A call in the name of a service that never signs in, from a network in which that service does not live."""

from __future__ import annotations

import ibis.expr.types as ir

from counterfoil.detect.rule import Rule, Tables

# A provider's services live in few wide ranges: /16 of IPv4, /32 of IPv6.
WIDE = r"^([0-9a-f]+[.:][0-9a-f]+)[.:]"
RARE_SHARE = 0.02
ENOUGH = 50


def _find(tables: Tables) -> ir.Table:
    silent = tables.tokens.filter(tables.tokens.silent, tables.tokens.ip.notnull())
    silent = silent.mutate(range=silent.ip.re_extract(WIDE, 1))
    whole = silent.aggregate(whole=silent.count())
    ranges = silent.group_by("range").agg(here=silent.count())
    rare = ranges.cross_join(whole).filter(lambda t: (t.whole >= ENOUGH) & (t.here < RARE_SHARE * t.whole))
    return silent.semi_join(rare, "range").select("token_key")


RULE = Rule(
    id="silent-service-from-elsewhere",
    title="a service that never signs in, called from a network that is not its own",
    weight=4.0,
    attack=("T1550.001", "T1036"),
    why="Calls that services make for themselves have no sign-in record, so nothing about them can be judged: the "
    "place to hide. But they come from the provider's own few networks.",
    next_step="Check who owns the network. If it is not the provider's, treat the token as forged.",
    find=_find,
)
