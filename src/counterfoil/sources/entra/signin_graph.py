"""Entra sign-ins as Microsoft Graph lists them: `auditLogs/signIns`, v1.0 and beta."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources.entra import signin
from counterfoil.sources.entra.signin_docs import signin_explain
from counterfoil.sources.source import Source

_FIDELITY = 2  # v1.0 has no token id and no tenants

def to_evidence(raw: ir.Table) -> ir.Table:
    """Map signIn resources to issuances."""
    flat = signin.from_resource(lambda name: raw[name], code=ibis.null("string"))
    flat["kind"] = signin.event_kind(raw.signInEventTypes, raw.userId, raw.servicePrincipalId, raw.isInteractive)
    flat["received"] = ibis.null("string")
    flat["tenant"] = ibis.null("string")
    return signin.signin_rows(raw, flat, fidelity=_FIDELITY)


SOURCE = Source(
    name="entra-signin-graph",
    log=signin.LOG,
    title="Entra sign-in logs, Microsoft Graph signIn resources",
    fidelity=_FIDELITY,
    required=frozenset({"id", "createdDateTime", "appId", "ipAddress"}),
    absent=frozenset({"properties", "requestId", "activityDisplayName"}),
    raw=dict(signin.RESOURCE),
    to_evidence=to_evidence,
    explain=signin_explain(
        "Connect-MgGraph -Scopes AuditLog.Read.All, Directory.Read.All",
        "foreach ($kind in 'interactiveUser','nonInteractiveUser','servicePrincipal','managedIdentity') { $page = 0;"
        " $next = \"https://graph.microsoft.com/beta/auditLogs/signIns?`$filter=createdDateTime ge"
        " 2026-01-01T00:00:00Z and createdDateTime lt 2026-02-01T00:00:00Z and signInEventTypes/any(t: t eq '$kind')\";"
        " while ($next) { $text = Invoke-MgGraphRequest -Uri $next -OutputType Json; $page++;"
        " Set-Content -Encoding utf8 \"signins-$kind-$page.json\" $text;"
        " $next = ($text | ConvertFrom-Json).'@odata.nextLink' } }",
        caps="1,000 sign-ins a page; every @odata.nextLink must be followed, as the lines above do.",
    ),
)
