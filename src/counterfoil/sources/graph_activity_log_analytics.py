"""Microsoft Graph activity as Log Analytics and Microsoft Sentinel hold it, exported as JSON lines."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.sources import _graph_activity, mapping
from counterfoil.sources.source import TEXT, Source

_FIDELITY = 2
_OWN = {"kind", "tenant", "happened", "received", "ipAddress"}
_COLUMNS = {name: name[0].upper() + name[1:] for name in _graph_activity.FLAT if name not in _OWN}
_EXPORT = (
    "az monitor log-analytics query -w WORKSPACE -t 2026-01-01T00:00:00Z/2026-01-01T01:00:00Z --analytics-query"
    " 'MicrosoftGraphActivityLogs' -o json | jq -c '.[]' > graph-activity.jsonl, hour by hour"
    " (and the same for AADGraphActivityLogs)"
)
_CAPS = "a query returns at most 500,000 rows or 100 MB (30,000 rows in the portal)."


def from_graph(raw: ir.Table) -> ir.Table:
    """Map rows of the table MicrosoftGraphActivityLogs to acceptances."""
    return _rows(raw, _graph_activity.GRAPH, tenant=raw.AadTenantId, address=raw.IPAddress)


def from_aad_graph(raw: ir.Table) -> ir.Table:
    """Map rows of the table AADGraphActivityLogs to acceptances."""
    return _rows(raw, _graph_activity.AAD_GRAPH, tenant=raw.AADTenantId, address=raw.CallerIpAddress)


def _rows(raw: ir.Table, kind: str, *, tenant: ir.Value, address: ir.Value) -> ir.Table:
    flat = {name: raw[column] for name, column in _COLUMNS.items()}
    flat["kind"] = ibis.literal(kind)
    flat["tenant"] = mapping.text(tenant)  # TenantId is the workspace
    flat["ipAddress"] = address
    flat["happened"] = raw.TimeGenerated
    flat["received"] = ibis.null("string")
    return _graph_activity.activity_rows(raw, flat, fidelity=_FIDELITY)


GRAPH = Source(
    name="graph-activity-log-analytics",
    log=_graph_activity.LOG,
    title="Table MicrosoftGraphActivityLogs of Log Analytics and Microsoft Sentinel, JSON lines",
    fidelity=_FIDELITY,
    required=frozenset({"TimeGenerated", "RequestId", "RequestUri", "SignInActivityId"}),
    absent=frozenset({"CallerIpAddress"}),
    raw=dict.fromkeys((*_COLUMNS.values(), "AadTenantId", "IPAddress", "TimeGenerated"), TEXT),
    to_evidence=from_graph,
    explain=_graph_activity.explain(_EXPORT, caps=_CAPS),
    row_caps=frozenset({30_000, 500_000}),
)

AAD_GRAPH = Source(
    name="aad-graph-activity-log-analytics",
    log=_graph_activity.LOG,
    title="Table AADGraphActivityLogs of Log Analytics and Microsoft Sentinel, JSON lines",
    fidelity=_FIDELITY,
    required=frozenset({"TimeGenerated", "RequestId", "RequestUri", "SignInActivityId", "CallerIpAddress"}),
    raw=dict.fromkeys((*_COLUMNS.values(), "AADTenantId", "CallerIpAddress", "TimeGenerated"), TEXT),
    to_evidence=from_aad_graph,
    explain=_graph_activity.explain(_EXPORT, caps=_CAPS),
    row_caps=frozenset({30_000, 500_000}),
)

SOURCES = (GRAPH, AAD_GRAPH)
