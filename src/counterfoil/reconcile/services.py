"""Rules 4.1 and 5.6: calls of the provider's services, which leave no record that a customer has.

A client id is a claim. It excuses a call only from the services' own networks, or where the record names no address.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model import first_party
from counterfoil.model.known import ALSO_BY_SERVICES, SERVICE_TENANTS, SILENT_CLIENTS, WRITTEN_BY_SERVICES
from counterfoil.model.networks import is_microsoft_365
from counterfoil.model.schema import TokenClass
from counterfoil.reconcile.engine import Engine


def microsoft_applications(engine: Engine, tokens: ir.Table, records: ir.Table) -> ir.Table:
    """Return (client_id) of the tokens' application-class clients that are Microsoft's own.

    By data, or by the owner's tenant that a sign-in of the application names.
    """
    asked = tokens.filter(_app_only(tokens)).select("client_id").distinct()
    asked = engine.keep("services_clients", asked)
    if not engine.rows(asked.limit(1)):
        return asked
    owned = [f'"appOwnerTenantId":"{tenant}"' for tenant in sorted(SERVICE_TENANTS)]
    told = records.semi_join(asked, "client_id")
    told = told.filter(ibis.or_(*(told.extra.replace(" ", "").contains(words) for words in owned)))
    named = asked.filter(asked.client_id.isin(sorted(first_party.names())))
    return engine.keep("services_applications", ibis.union(named, told.select("client_id"), distinct=True))


def _app_only(tokens: ir.Table) -> ir.BooleanValue:
    """Tell which tokens speak for an application; of a certificate's, Graph's log names neither class nor person."""
    shown = tokens.token_class.isin([TokenClass.APPLICATION.value, TokenClass.SERVICE.value]).fill_null(False)
    return shown | (tokens.token_class.isnull() & ~tokens.is_user & tokens.subject_name.isnull())


def of_microsoft(tokens: ir.Table) -> ir.BooleanValue:
    """Tell which tokens are app-only ones of Microsoft's own applications; `tokens` has `own_application`."""
    return tokens.own_application & _app_only(tokens)


def with_service(engine: Engine, tokens: ir.Table, records: ir.Table) -> ir.Table:
    """Add `own_application` (its client is one of Microsoft's) and `inside`: it came from there, or from nowhere."""
    applications = microsoft_applications(engine, tokens, records).mutate(own_application=ibis.literal(True))
    places = tokens.filter(tokens.network.notnull()).select("network").distinct()
    own = [(row["network"],) for row in engine.rows(places) if is_microsoft_365(row["network"])]
    networks = engine.given("own_networks", {"network": "string"}, sorted(own)).mutate(theirs=ibis.literal(True))
    joined = tokens.left_join(applications, "client_id", rname="{name}_a")
    joined = joined.left_join(networks, "network", rname="{name}_n")
    return joined.select(
        *tokens.columns,
        own_application=joined.own_application.fill_null(False),
        inside=joined.network.isnull() | joined.theirs.fill_null(False),
    )


def without_token(tokens: ir.Table) -> ir.BooleanValue:
    """Tell which records a service wrote in a person's name: nobody used a token."""
    nowhere = tokens.ip.isnull() & ~tokens.has_id
    by_service = tokens.operation.isin(sorted(WRITTEN_BY_SERVICES)) & ~tokens.has_id
    return by_service | (tokens.operation.isin(sorted(ALSO_BY_SERVICES)) & nowhere)


def service_client(tokens: ir.Table) -> ir.BooleanValue:
    """Tell which tokens name a client whose calls leave no record, wherever they come from."""
    return tokens.client_id.isin(sorted(SILENT_CLIENTS)).fill_null(False) | of_microsoft(tokens)
