"""The token names another tenant than the one whose resource accepted it."""

from __future__ import annotations

from counterfoil.detect.rule import Rule, Tables
from counterfoil.expressions import ir
from counterfoil.model.known import SERVICE_TENANTS


def _find(tables: Tables) -> ir.Table:
    suspects = tables.suspects
    foreign = (suspects.token_tenant != suspects.resource_tenant) & ~suspects.token_tenant.isin(sorted(SERVICE_TENANTS))
    return suspects.filter(foreign.fill_null(False)).select("token_key")


RULE = Rule(
    id="token-tenant-differs",
    title="a token of another tenant was accepted here",
    weight=3.0,
    severity="high",
    confidence="medium",
    audience="tenant",
    attack=("T1550.001",),
    references=("Microsoft, Analysis of Storm-0558 techniques for unauthorized email access, 2023-07-14",),
    why="The forged tokens of 2023 were of another realm than the mailboxes they opened.",
    innocent="Direct connect and partner access are the lawful cases.",
    needs="records that name the token's tenant",
    blind="forged tokens that name the right one",
    next_step="Check cross-tenant access settings and partner relations for that tenant.",
    find=_find,
)
