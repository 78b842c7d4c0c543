"""Tokens were renewed again and again from an address from which their user never signed in."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.model.schema import Leg

RENEWALS = 2


def _find(tables: Tables) -> ir.Table:
    known = tables.issued.filter(tables.issued.subject.notnull())
    people = known.select("subject").distinct()
    places = known.filter(known.ip.notnull()).select("subject", "ip").distinct()
    records = tables.records
    renewed = records.filter(
        records.leg == str(Leg.SECONDARY_ISSUANCE), records.ip.notnull(), records.subject_name.notnull()
    )
    often = renewed.group_by("subject_name", "ip").agg(n=renewed.count())
    often = often.filter(often.n >= RENEWALS)
    suspects = tables.suspects.filter(tables.suspects.ip.notnull(), tables.suspects.derived == "")
    strange = suspects.semi_join(people, "subject").anti_join(places, ["subject", "ip"])
    return strange.semi_join(often, ["subject_name", "ip"]).select("token_key")


RULE = Rule(
    id="renewed-without-sign-in",
    title="tokens were renewed repeatedly from an address from which the user never signed in",
    weight=2.0,
    severity="medium",
    confidence="medium",
    audience="tenant",
    attack=("T1550.001", "T1606"),
    references=(
        "Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14:"
        " GetAccessTokenForResource",
        "learn.microsoft.com: owaGetAccessTokenForResourceAuditRecord",
    ),
    why="In 2023 forged tokens were turned into genuine ones at an endpoint that renews, over and over. Who renews "
    "from a place signed in there once.",
    innocent="A telephone that moved between networks after it signed in looks the same.",
    needs="records of renewals with addresses, and sign-ins of the user",
    blind="renewals that the service does not log",
    next_step="Follow the renewed tokens: SELECT * FROM evidence WHERE leg = 'secondary_issuance' AND ip = '...'.",
    find=_find,
)
