"""The token's issued-at claim does not fit: outside the life of its class, or off the issuer's own law."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir


def _find(tables: Tables) -> ir.Table:
    return tables.suspects.filter(tables.suspects.outside_life | tables.suspects.law_broken).select("token_key")


RULE = Rule(
    id="issued-at-odd",
    title="an issued-at time that no genuine token has",
    weight=2.0,
    severity="medium",
    confidence="medium",
    audience="tenant",
    attack=("T1606",),
    references=("learn.microsoft.com, linkable token identifiers in Microsoft Entra",),
    why="Whoever forges a token chooses its issued-at. Entra's own lies 300 s before the sign-in and within the "
    "token's life.",
    innocent="Clocks of services that are far off look the same.",
    needs="records that hold the token's issued-at",
    blind="a forger who keeps to the issuer's law",
    next_step="Compare the issued-at of all tokens of this client: scripted minting shows a constant offset.",
    find=_find,
)
