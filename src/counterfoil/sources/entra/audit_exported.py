"""The Entra directory audit in its three wrappers: Azure Monitor, Microsoft Graph, Log Analytics."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.model.times import MONTH_FIRST
from counterfoil.sources import log_analytics, mapping
from counterfoil.sources.entra import audit
from counterfoil.sources.source import TEXT, Csv, RawType, Source

_SAME = ("id", "category", "correlationId", "result", "resultReason", "loggedByService", "operationType",
         "initiatedBy", "targetResources", "additionalDetails")
_NESTED: dict[str, RawType] = {
    "InitiatedBy": audit.INITIATED_BY,
    "TargetResources": audit.TARGETS,
    "AdditionalDetails": audit.DETAILS,
}
_LA_COLUMNS = {
    "id": "Id", "category": "Category", "correlationId": "CorrelationId", "result": "Result",
    "resultReason": "ResultReason", "loggedByService": "LoggedByService", "operationType": "AADOperationType",
    "received": "TimeGenerated", "happened": "ActivityDateTime", "tenant": "AADTenantId",
    "initiatedBy": "InitiatedBy", "targetResources": "TargetResources", "additionalDetails": "AdditionalDetails",
}


def from_azure_monitor(raw: ir.Table) -> ir.Table:
    """Map envelopes of category AuditLogs."""
    properties = raw.properties
    flat = {name: properties[name] for name in _SAME}
    flat["activity"] = ibis.coalesce(mapping.text(properties["activityDisplayName"]), raw.operationName)
    flat["happened"] = properties["activityDateTime"]
    flat["received"] = raw.time
    flat["tenant"] = raw.tenantId
    flat["ipAddress"] = raw.callerIpAddress
    return audit.audit_rows(raw, flat, fidelity=2, dates=MONTH_FIRST)


def from_graph(raw: ir.Table) -> ir.Table:
    """Map directoryAudit resources."""
    flat = {name: raw[name] for name in _SAME}
    flat["activity"] = raw.activityDisplayName
    flat["happened"] = raw.activityDateTime
    flat |= dict.fromkeys(("received", "tenant", "ipAddress"), ibis.null("string"))
    return audit.audit_rows(raw, flat, fidelity=1)


def from_log_analytics(raw: ir.Table) -> ir.Table:
    """Map rows of the table AuditLogs."""
    flat = {name: raw[column] for name, column in _LA_COLUMNS.items()}
    flat["activity"] = ibis.coalesce(mapping.text(raw.ActivityDisplayName), raw.OperationName)
    flat["ipAddress"] = ibis.null("string")
    return audit.audit_rows(raw, flat, fidelity=3)


AZURE_MONITOR = Source(
    name="entra-audit-azure-monitor",
    log=audit.LOG,
    title="Entra audit logs, Azure Monitor envelope (storage account, event hub)",
    fidelity=2,
    required=frozenset({"category", "properties.id"}),
    markers={"category": frozenset({"AuditLogs"})},
    raw={
        **dict.fromkeys(("time", "category", "operationName", "tenantId", "callerIpAddress"), TEXT),
        "properties": dict(audit.RESOURCE),
    },
    to_evidence=from_azure_monitor,
    explain=audit.explain(
        "Entra admin center > Monitoring & health > Diagnostic settings > Add: tick AuditLogs; send to a storage"
        " account",
        "azcopy copy 'https://ACCOUNT.blob.core.windows.net/insights-logs-auditlogs/*' DIR --recursive",
        caps="none: one blob for each hour.",
    ),
)

GRAPH = Source(
    name="entra-audit-graph",
    log=audit.LOG,
    title="Entra audit logs, Microsoft Graph directoryAudit resources",
    fidelity=1,  # the only one with linkable identifiers
    required=frozenset({"id", "activityDisplayName", "activityDateTime", "initiatedBy"}),
    raw=dict(audit.RESOURCE),
    to_evidence=from_graph,
    explain=audit.explain(
        "Connect-MgGraph -Scopes AuditLog.Read.All, Directory.Read.All",
        "Get-MgBetaAuditLogDirectoryAudit -All -Filter \"activityDateTime ge 2026-01-01T00:00:00Z and activityDateTime"
        " lt 2026-02-01T00:00:00Z\" | ConvertTo-Json -Depth 10 | Set-Content -Encoding utf8 directory-audits.json",
        "or the documents of GET https://graph.microsoft.com/beta/auditLogs/directoryAudits as they arrive",
        caps="1,000 records a page; every @odata.nextLink must be followed.",
    ),
)

LOG_ANALYTICS = Source(
    name="entra-audit-log-analytics",
    log=audit.LOG,
    title="Table AuditLogs of Log Analytics and Microsoft Sentinel, JSON lines or CSV",
    fidelity=3,
    required=frozenset({"TimeGenerated", "Id", "OperationName", "InitiatedBy", "TargetResources"}),
    tables=frozenset({"AuditLogs"}),
    raw={
        **dict.fromkeys((*_LA_COLUMNS.values(), "ActivityDisplayName", "OperationName"), TEXT),
        **_NESTED,
    },
    embedded=frozenset(_NESTED),
    csv=Csv(
        header=frozenset({"TimeGenerated", "Id", "OperationName", "InitiatedBy", "TargetResources"}),
        dates=frozenset({"TimeGenerated", "ActivityDateTime"}),
    ),
    to_evidence=from_log_analytics,
    explain=audit.explain(
        "az monitor log-analytics query -w WORKSPACE -t 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z --analytics-query"
        " 'AuditLogs' -o json | jq -c '.[]' > auditlogs.jsonl",
        log_analytics.PORTAL_EXPORT,
        caps=log_analytics.CAPS,
    ),
    row_caps=log_analytics.ROW_CAPS,
)

SOURCES = (AZURE_MONITOR, GRAPH, LOG_ANALYTICS)
