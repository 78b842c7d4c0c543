"""Microsoft Graph activity as Log Analytics and Microsoft Sentinel hold it: JSON lines, or the portal's CSV."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import log_analytics, mapping
from counterfoil.sources.entra import graph_activity
from counterfoil.sources.source import TEXT, Csv, Source

_FIDELITY = 2
_OWN = {"kind", "tenant", "happened", "received", "ipAddress"}
_COLUMNS = {name: name[0].upper() + name[1:] for name in graph_activity.FLAT if name not in _OWN}
_EXPORT = (
    "az monitor log-analytics query -w WORKSPACE -t 2026-01-01T00:00:00Z/2026-01-01T01:00:00Z --analytics-query"
    " 'MicrosoftGraphActivityLogs' -o json | jq -c '.[]' > graph-activity.jsonl, hour by hour"
    " (and the same for AADGraphActivityLogs)"
)
_DATES = frozenset({"TimeGenerated", "TokenIssuedAt"})


def from_graph(raw: ir.Table) -> ir.Table:
    """Map rows of the table MicrosoftGraphActivityLogs to acceptances."""
    return _rows(raw, graph_activity.GRAPH, tenant=raw.AadTenantId, address=raw.IPAddress)


def from_aad_graph(raw: ir.Table) -> ir.Table:
    """Map rows of the table AADGraphActivityLogs to acceptances."""
    return _rows(raw, graph_activity.AAD_GRAPH, tenant=raw.AADTenantId, address=raw.CallerIpAddress)


def _rows(raw: ir.Table, kind: str, *, tenant: ir.Value, address: ir.Value) -> ir.Table:
    flat = {name: raw[column] for name, column in _COLUMNS.items()}
    flat["kind"] = ibis.literal(kind)
    flat["tenant"] = mapping.text(tenant)  # TenantId is the workspace
    flat["ipAddress"] = address
    flat["happened"] = raw.TimeGenerated
    flat["received"] = ibis.null("string")
    return graph_activity.activity_rows(raw, flat, fidelity=_FIDELITY)


GRAPH = Source(
    name="graph-activity-log-analytics",
    log=graph_activity.LOG,
    title="Table MicrosoftGraphActivityLogs of Log Analytics and Microsoft Sentinel, JSON lines or CSV",
    fidelity=_FIDELITY,
    required=frozenset({"TimeGenerated", "RequestId", "RequestUri", "SignInActivityId"}),
    absent=frozenset({"CallerIpAddress"}),
    tables=frozenset({"MicrosoftGraphActivityLogs"}),
    raw=dict.fromkeys((*_COLUMNS.values(), "AadTenantId", "IPAddress", "TimeGenerated"), TEXT),
    csv=Csv(header=frozenset({"TimeGenerated", "RequestId", "RequestUri", "SignInActivityId"}), dates=_DATES),
    to_evidence=from_graph,
    explain=graph_activity.explain(_EXPORT, log_analytics.PORTAL_EXPORT, caps=log_analytics.CAPS),
    row_caps=log_analytics.ROW_CAPS,
)

AAD_GRAPH = Source(
    name="aad-graph-activity-log-analytics",
    log=graph_activity.LOG,
    title="Table AADGraphActivityLogs of Log Analytics and Microsoft Sentinel, JSON lines or CSV",
    fidelity=_FIDELITY,
    required=frozenset({"TimeGenerated", "RequestId", "RequestUri", "SignInActivityId", "CallerIpAddress"}),
    tables=frozenset({"AADGraphActivityLogs"}),
    raw=dict.fromkeys((*_COLUMNS.values(), "AADTenantId", "CallerIpAddress", "TimeGenerated"), TEXT),
    csv=Csv(
        header=frozenset({"TimeGenerated", "RequestId", "RequestUri", "SignInActivityId", "CallerIpAddress"}),
        dates=_DATES,
    ),
    to_evidence=from_aad_graph,
    explain=graph_activity.explain(_EXPORT, log_analytics.PORTAL_EXPORT, caps=log_analytics.CAPS),
    row_caps=log_analytics.ROW_CAPS,
)

SOURCES = (GRAPH, AAD_GRAPH)
