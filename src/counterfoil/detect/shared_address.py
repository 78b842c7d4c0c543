"""One address opened many people's mailboxes, and none of them ever signed in from it."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ibis, ir
from counterfoil.model.schema import Leg

# So many people's, at least: families and shared desks have fewer.
PEOPLE = 5
# Services read for many from addresses of their own, year in, year out: an address is odd that is new.
BASELINE_SECONDS = 7 * 86_400


def _find(tables: Tables) -> ir.Table:
    known = tables.issued.filter(tables.issued.subject.notnull())
    people = known.select("subject").distinct()
    places = known.filter(known.ip.notnull()).select("ip").distinct()
    suspects = tables.suspects.filter(
        tables.suspects.object_kind == "mailbox", tables.suspects.ip.notnull(), tables.suspects.derived == ""
    )
    strange = suspects.semi_join(people, "subject").anti_join(places, "ip")
    uses = tables.records.filter(
        tables.records.leg == str(Leg.ACCEPTANCE), tables.records.ip.notnull(), tables.records.event_time.notnull()
    )
    since = uses.group_by("ip").agg(since=uses.event_time.min().epoch_seconds())
    begun = since.agg(begin=since.since.min()).mutate(one=ibis.literal(1))
    new = since.mutate(one=ibis.literal(1)).join(begun, "one")
    new = new.filter(new.since - new.begin >= BASELINE_SECONDS)
    strange = strange.semi_join(new, "ip")
    counted = strange.group_by("ip").agg(people=strange.subject.nunique(), boxes=strange.object_id.nunique())
    many = counted.filter(counted.people >= PEOPLE, counted.boxes >= PEOPLE)
    return strange.semi_join(many, "ip").select("token_key")


RULE = Rule(
    id="address-on-many-mailboxes",
    title="one address on many people's mailboxes, from which none of them ever signed in",
    weight=1.5,
    severity="medium",
    confidence="medium",
    audience="tenant",
    attack=("T1114.002", "T1090"),
    references=(
        "Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14: proxies shared among"
        " mailboxes",
    ),
    why="An intruder has a few proxies and many mailboxes. People who share an address, at work or behind a "
    "provider's, sign in from it, too. Services of the provider are known by their addresses after a week.",
    innocent="A new service that reads mail on behalf of many, from an address of its own, looks the same.",
    needs="sign-ins of these people, with addresses, and mail access of a week before",
    blind="a proxy for each mailbox; addresses from which somebody signed in as well, or that were there from the "
    "first week on",
    next_step="Look up who owns the address, and what else it reached.",
    find=_find,
)
