"""Entra sign-ins as Azure Monitor delivers them: diagnostic settings to a storage account or an event hub."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.times import MONTH_FIRST
from counterfoil.sources import mapping
from counterfoil.sources.entra import signin
from counterfoil.sources.entra.signin_docs import signin_explain
from counterfoil.sources.source import TEXT, Source

_FIDELITY = 1  # every field, as the service wrote it


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map envelopes {time, category, tenantId, resultType, properties} to issuances."""
    properties = raw.properties
    flat = signin.from_resource(lambda name: properties[name], code=signin.result_code(raw.resultType))
    flat["kind"] = ibis.coalesce(signin.choice(raw.category, signin.CATEGORIES), signin.INTERACTIVE)
    flat["received"] = raw.time
    flat["tenant"] = ibis.coalesce(mapping.text(raw.tenantId), properties["tenantId"])
    # Some failures have no address in their properties, only in the envelope.
    flat["ipAddress"] = mapping.address(properties["ipAddress"], raw.callerIpAddress)
    return signin.signin_rows(raw, flat, fidelity=_FIDELITY, dates=MONTH_FIRST)


SOURCE = Source(
    name="entra-signin-azure-monitor",
    log=signin.LOG,
    title="Entra sign-in logs, Azure Monitor envelope (storage account, event hub)",
    fidelity=_FIDELITY,
    required=frozenset({"category", "properties.id"}),
    markers={"category": frozenset(signin.CATEGORIES)},
    raw={
        **dict.fromkeys(("time", "category", "tenantId", "resultType", "callerIpAddress"), TEXT),
        "properties": {**signin.RESOURCE, "tenantId": TEXT},
    },
    to_evidence=to_evidence,
    explain=signin_explain(
        "Entra admin center > Monitoring & health > Diagnostic settings > Add: tick SignInLogs,"
        " NonInteractiveUserSignInLogs, ServicePrincipalSignInLogs, ManagedIdentitySignInLogs, ADFSSignInLogs and"
        " MicrosoftServicePrincipalSignInLogs; send to a storage account",
        "azcopy copy 'https://ACCOUNT.blob.core.windows.net/insights-logs-signinlogs/*' DIR --recursive"
        " (and the same for insights-logs-noninteractiveusersigninlogs, -serviceprincipalsigninlogs,"
        " -managedidentitysigninlogs, -adfssigninlogs, -microsoftserviceprincipalsigninlogs)",
        caps="none: one blob for each hour. A blob may grow for hours after its hour has passed.",
    ),
)
