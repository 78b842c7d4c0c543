"""The address appears in no sign-in of that user, although the user's sign-ins are in evidence."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir


def _find(tables: Tables) -> ir.Table:
    known = tables.issued.filter(tables.issued.subject.notnull())
    people = known.select("subject").distinct()
    places = known.filter(known.ip.notnull()).select("subject", "ip").distinct()
    suspects = tables.suspects.filter(tables.suspects.ip.notnull(), tables.suspects.derived == "")
    seen = suspects.semi_join(people, "subject")
    return seen.anti_join(places, ["subject", "ip"]).select("token_key")


RULE = Rule(
    id="address-in-no-sign-in",
    title="an address from which the user never signed in",
    weight=1.5,
    severity="medium",
    confidence="low",
    audience="tenant",
    attack=("T1078.004",),
    references=("CISA, AA23-193A, 2023-07-12",),
    why="Who holds a user's session signed in from somewhere, and the sign-in log names the address.",
    innocent="Mobile networks, service-side calls and addresses that change within a session look the same.",
    needs="sign-ins of the user, with addresses",
    blind="addresses that the user had as well",
    next_step="Look up who owns the address, and which other mailboxes it reached.",
    find=_find,
)
