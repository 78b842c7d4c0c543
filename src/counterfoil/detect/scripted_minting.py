"""Tokens of several people that are all used the same time after they say that they were issued."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir

PEOPLE, TOKENS, SHARE = 3, 5, 0.8
# Entra writes the issued-at 300 s before the sign-in, and a token is used soon after it: these are ordinary.
ORDINARY_FROM, ORDINARY_TO = 290, 600


def _find(tables: Tables) -> ir.Table:
    suspects = tables.suspects.filter(
        tables.suspects.t_issued.notnull(), tables.suspects.subject.notnull(), tables.suspects.client_id.notnull(),
        tables.suspects.derived == "",
    )
    dated = suspects.mutate(after=suspects.t_first - suspects.t_issued)
    same = dated.group_by("client_id", "after").agg(tokens=dated.count(), people=dated.subject.nunique())
    every = dated.group_by("client_id").agg(every=dated.count())
    held = same.join(every, "client_id").filter(
        lambda t: (t.people >= PEOPLE) & (t.tokens >= TOKENS) & (t.tokens >= SHARE * t.every)
        & ((t.after < ORDINARY_FROM) | (t.after > ORDINARY_TO))
    )
    return dated.semi_join(held, ["client_id", "after"]).select("token_key")


RULE = Rule(
    id="issued-at-scripted",
    title="tokens of several people, each used the same seconds after its issued-at",
    weight=2.0,
    severity="medium",
    confidence="medium",
    audience="tenant",
    attack=("T1606",),
    references=("learn.microsoft.com, linkable token identifiers in Microsoft Entra: IssuedAtTime",),
    why="A script that makes a token and uses it at once leaves one offset, to the second, for everybody. People use a "
    "token at any time of its life.",
    innocent="A service that exchanges tokens for many people at once, with a clock of its own, looks the same.",
    needs="records that hold the token's issued-at",
    blind="a script that waits or draws lots; issued-at times that follow Entra's law",
    next_step="Compare with tokens of the same application that have a sign-in: their offsets differ.",
    find=_find,
)
