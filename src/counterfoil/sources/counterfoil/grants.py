"""What a grant says of an issuance: whether it is a secondary one, and the class of its token."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.counterfoil import SECONDARY, Grant
from counterfoil.model.schema import Leg, TokenClass
from counterfoil.sources import mapping


def leg(grant: ir.StringValue) -> ir.StringValue:
    """Return the leg of an issuance: a refresh or an exchange makes a secondary one."""
    return ibis.ifelse(mapping.among(grant, map(str, SECONDARY)), str(Leg.SECONDARY_ISSUANCE), str(Leg.ISSUANCE))


def token_class(grant: ir.StringValue) -> ir.StringValue:
    """Return the class of the token where the grant tells it, else NULL."""
    return ibis.cases((grant == str(Grant.CLIENT), str(TokenClass.APPLICATION)),
                      (grant == str(Grant.CODE), str(TokenClass.USER)), else_=ibis.null("string"))
