"""Rule 3.2, class: whether a person or an application stands behind a token, and behind an issuance."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Logs
from counterfoil.model.schema import Leg, TokenClass
from counterfoil.reconcile.log_parts import in_logs

# What only an application's sign-in issues. An app-acts-as token is a statement around the token of an application.
_APP_ONLY = (TokenClass.APPLICATION, TokenClass.MANAGED_IDENTITY)
_OF_APPLICATIONS = (*_APP_ONLY, TokenClass.ACT_AS)
_OF_PERSONS = (TokenClass.USER, TokenClass.DELEGATED)


def issued_to_application(issued: ir.Table, logs: Logs) -> ir.BooleanValue:
    """Tell whether an application or managed identity signed in, or a person (False); NULL where that is not told."""
    people = in_logs(issued, "of people alone", logs.of_people_alone) & issued.token_class.isnull()
    told = ibis.ifelse(people, str(TokenClass.USER), issued.token_class)
    return _side(ibis.ifelse(issued.leg == Leg.ISSUANCE, told, ibis.null("string")), _APP_ONLY)


def of_application(tokens: ir.Table) -> ir.BooleanValue:
    """Tell whether a token is an application's or a person's own (False); NULL where its class may be either's."""
    return _side(tokens.token_class, _OF_APPLICATIONS)


def app_only(tokens: ir.Table) -> ir.BooleanValue:
    """Tell whether an application acts as itself with the token."""
    return tokens.token_class.isin(list(map(str, _APP_ONLY))).fill_null(False)


def may_be_persons(tokens: ir.Table) -> ir.BooleanValue:
    """Tell whether the token is a person's own, by its class or because that is not shown."""
    return tokens.token_class.isin(list(map(str, _OF_PERSONS))).fill_null(True)


def _side(token_class: ir.StringValue, applications: tuple[TokenClass, ...]) -> ir.BooleanValue:
    return ibis.cases(
        (token_class.isin(list(map(str, applications))), True), (token_class.isin(list(map(str, _OF_PERSONS))), False),
        else_=ibis.null("boolean"),
    )
