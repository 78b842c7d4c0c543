"""Microsoft Graph activity as Azure Monitor delivers it: storage account or event hub."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.times import MONTH_FIRST
from counterfoil.sources import mapping
from counterfoil.sources.entra import graph_activity, signin
from counterfoil.sources.source import TEXT, Source

_FIDELITY = 1
# Columns that are not a member of the properties under their own name.
_OWN = {"tokenIssuedAt", "sessionId", "deviceId", "kind", "tenant", "happened", "received"}
_MEMBERS = tuple(name for name in graph_activity.FLAT if name not in _OWN)
_ALIASES = ("tokenIssuedAt", "issuedAt", "sessionId", "c_Sid", "deviceId", "C_DeviceId", "tenantId", "timeGenerated")


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map envelopes {time, category, tenantId, properties} to acceptances."""
    properties = raw.properties
    flat = {name: properties[name] for name in _MEMBERS}
    # Azure AD Graph says issuedAt, and writes it in US style.
    flat["tokenIssuedAt"] = ibis.coalesce(mapping.text(properties["tokenIssuedAt"]), properties["issuedAt"])
    flat["kind"] = ibis.coalesce(signin.choice(raw.category, graph_activity.CATEGORIES), graph_activity.GRAPH)
    flat["ipAddress"] = mapping.address(properties["ipAddress"], raw.callerIpAddress)
    flat["sessionId"] = ibis.coalesce(mapping.text(properties["sessionId"]), properties["c_Sid"])
    flat["deviceId"] = ibis.coalesce(mapping.text(properties["deviceId"]), properties["C_DeviceId"])
    flat["tenant"] = ibis.coalesce(mapping.text(properties["tenantId"]), raw.tenantId)
    flat["happened"] = properties["timeGenerated"]
    flat["received"] = raw.time
    return graph_activity.activity_rows(raw, flat, fidelity=_FIDELITY, dates=MONTH_FIRST)


SOURCE = Source(
    name="graph-activity-azure-monitor",
    log=graph_activity.LOG,
    title="Microsoft Graph and Azure AD Graph activity logs, Azure Monitor envelope (storage account, event hub)",
    fidelity=_FIDELITY,
    required=frozenset({"category", "properties.requestId"}),
    markers={"category": frozenset(graph_activity.CATEGORIES)},
    raw={
        **dict.fromkeys(("time", "category", "tenantId", "callerIpAddress"), TEXT),
        "properties": dict.fromkeys((*_MEMBERS, *_ALIASES), TEXT),
    },
    to_evidence=to_evidence,
    explain=graph_activity.explain(
        "Entra admin center > Monitoring & health > Diagnostic settings > Add: tick MicrosoftGraphActivityLogs (and"
        " AzureADGraphActivityLogs); send to a storage account",
        "azcopy copy 'https://ACCOUNT.blob.core.windows.net/insights-logs-microsoftgraphactivitylogs/*' DIR"
        " --recursive",
        caps="none: one blob for each hour. A blob may grow for hours after its hour has passed.",
    ),
)
