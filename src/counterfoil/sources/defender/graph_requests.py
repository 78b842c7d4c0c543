"""Requests to Microsoft Graph in Defender XDR's table GraphApiAuditEvents: with the token's id, and less besides.

https://learn.microsoft.com/defender-xdr/advanced-hunting-graphapiauditevents-table. Of MicrosoftGraphActivityLogs it
lacks tenant, issued-at, session, device, agent, roles and how the client authenticated.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Log
from counterfoil.sources import mapping
from counterfoil.sources.defender import hunting
from counterfoil.sources.entra import graph_activity
from counterfoil.sources.source import TEXT, Csv, Explain, Source

# It is Microsoft's to say whether the table holds each request, and whether its id is always the token's: nobody has.
LOG = Log("defender-graph", accepts=True, events=True, unpublished=True, issuers="entra:")

_COLUMNS = {
    "requestId": "RequestId", "requestMethod": "RequestMethod", "requestUri": "RequestUri",
    "responseStatusCode": "ResponseStatusCode", "responseSizeBytes": "ResponseSize", "ipAddress": "IPAddress",
    "appId": "ApplicationId", "userId": "AccountObjectId", "servicePrincipalId": "ServicePrincipalId",
    "scopes": "Scopes", "uniqueTokenId": "UniqueTokenIdentifier", "operationId": "OperationId",
    "clientRequestId": "ClientRequestId", "apiVersion": "ApiVersion", "identityProvider": "IdentityProvider",
    "location": "Location", "durationMs": "RequestDuration", "targetWorkload": "TargetWorkload",
    "entityType": "EntityType",
}
_HEADER = frozenset({"RequestId", "RequestUri", "ResponseStatusCode", "UniqueTokenIdentifier"})


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows to acceptances."""
    flat: dict[str, ir.Value] = dict.fromkeys(graph_activity.FLAT, ibis.null("string"))
    flat |= {name: raw[column] for name, column in _COLUMNS.items()}
    flat["kind"] = ibis.literal(graph_activity.GRAPH)
    flat["happened"] = ibis.coalesce(mapping.text(raw.Timestamp), raw.TimeGenerated)
    return graph_activity.activity_rows(raw, flat, fidelity=1, log=LOG)


SOURCE = Source(
    name="defender-graphapiauditevents",
    log=LOG,
    title="Requests to Microsoft Graph in the table GraphApiAuditEvents of advanced hunting, JSON or CSV",
    fidelity=1,
    required=_HEADER,
    absent=frozenset({"SignInActivityId"}),
    tables=frozenset({"GraphApiAuditEvents", "GraphAPIAuditEvents"}),
    raw=dict.fromkeys((*_COLUMNS.values(), *sorted(hunting.DATES)), TEXT),
    csv=Csv(header=_HEADER, dates=hunting.DATES),
    row_caps=hunting.ROW_CAPS,
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "HTTP requests to Microsoft Graph, as Defender XDR keeps them without a diagnostic setting, with the id of"
            " the token that each carried (`UniqueTokenIdentifier`). It is an acceptance leg: 401 was refused, 403 was"
            " let in and denied."
        ),
        export=(hunting.by_api("GraphApiAuditEvents"), hunting.PORTAL),
        retention=hunting.RETENTION,
        caps=hunting.CAPS,
        traps=(
            "no tenant: its tokens get that of the case, where it has exactly one",
            "no issued-at: when a token was issued is told by its first use and its longest life alone",
            "nobody has published how complete the table is: its ids convict only in a case that shows it (rule 4.8)",
            "an application cannot be told from a managed identity: its class stays unknown",
        ),
    ),
)
