"""Alerts and incidents in Microsoft Sentinel: tables SecurityAlert and SecurityIncident, JSON lines or CSV."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.expressions import ibis, ir
from counterfoil.sources import log_analytics, mapping
from counterfoil.sources.defender import alerts
from counterfoil.sources.source import TEXT, Csv, RawType, Source

_ENTITIES: RawType = [
    dict.fromkeys(("Type", "Address", "AadUserId", "UserPrincipalName", "Name", "UPNSuffix", "AppId"), TEXT)
]
_ALERT = dict.fromkeys(
    ("TimeGenerated", "StartTime", "SystemAlertId", "VendorOriginalId", "AlertName", "DisplayName", "AlertSeverity",
     "AlertType", "Description", "ProviderName", "ProductName", "Tactics", "Techniques", "Status"), TEXT,
)
_INCIDENT = dict.fromkeys(
    ("TimeGenerated", "CreatedTime", "FirstActivityTime", "IncidentName", "IncidentNumber", "Title", "Severity",
     "Status", "Classification", "Description", "ProviderName", "ProviderIncidentId"), TEXT,
)
_DATES = frozenset({"TimeGenerated", "StartTime", "CreatedTime", "FirstActivityTime"})


def from_alerts(raw: ir.Table) -> ir.Table:
    """Map rows of SecurityAlert; the vendor's own id is that of the alert elsewhere."""
    suffixed = raw.Entities.map(lambda e: mapping.text(e["Name"]) + "@" + mapping.text(e["UPNSuffix"]))
    named = suffixed.filter(lambda name: name.notnull()).mins()
    given = {
        "id": ibis.coalesce(mapping.text(raw.VendorOriginalId), raw.SystemAlertId),
        "kind": ibis.literal(alerts.ALERT),
        "title": ibis.coalesce(mapping.text(raw.DisplayName), raw.AlertName),
        "happened": raw.StartTime, "created": raw.TimeGenerated,
        "userId": alerts.first(raw.Entities, "AadUserId"),
        "userName": ibis.coalesce(alerts.first(raw.Entities, "UserPrincipalName"), named),
        "ip": alerts.first(raw.Entities, "Address"), "application": alerts.first(raw.Entities, "AppId"),
        "severity": raw.AlertSeverity, "category": raw.Tactics, "status": raw.Status, "provider": raw.ProductName,
        "detection": raw.ProviderName, "techniques": raw.Techniques, "description": raw.Description,
    }
    return alerts.alert_rows(raw, given, fidelity=3)


def from_incidents(raw: ir.Table) -> ir.Table:
    """Map rows of SecurityIncident."""
    given = {
        "id": ibis.coalesce(mapping.text(raw.ProviderIncidentId), raw.IncidentName),
        "kind": ibis.literal(alerts.INCIDENT), "title": raw.Title, "happened": raw.FirstActivityTime,
        "created": ibis.coalesce(mapping.text(raw.CreatedTime), raw.TimeGenerated), "severity": raw.Severity,
        "category": raw.Classification, "status": raw.Status, "provider": raw.ProviderName,
        "description": raw.Description,
    }
    return alerts.alert_rows(raw, given, fidelity=3)


ALERTS = Source(
    name="sentinel-securityalert",
    log=alerts.LOG,
    title="Alerts in Sentinel's table SecurityAlert, JSON lines or CSV",
    fidelity=3,
    required=frozenset({"TimeGenerated", "SystemAlertId", "AlertName", "ProviderName"}),
    tables=frozenset({"SecurityAlert"}),
    csv=Csv(header=frozenset({"TimeGenerated", "SystemAlertId", "AlertName", "ProviderName"}), dates=_DATES),
    raw={**_ALERT, "Entities": _ENTITIES},
    embedded=frozenset({"Entities"}),
    row_caps=log_analytics.ROW_CAPS,
    to_evidence=from_alerts,
    explain=alerts.explain(
        "az monitor log-analytics query -w WORKSPACE -t 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z --analytics-query"
        " 'SecurityAlert' -o json | jq -c '.[]' > securityalert.jsonl (and the same for SecurityIncident)",
        log_analytics.PORTAL_EXPORT,
        caps=log_analytics.CAPS,
        retention="as long as the workspace keeps it.",
        traps=("an alert has one row for each of its updates; they count once",),
    ),
)
INCIDENTS = replace(
    ALERTS,
    name="sentinel-securityincident",
    title="Incidents in Sentinel's table SecurityIncident, JSON lines or CSV",
    required=frozenset({"TimeGenerated", "IncidentName", "IncidentNumber", "Title"}),
    tables=frozenset({"SecurityIncident"}),
    csv=Csv(header=frozenset({"TimeGenerated", "IncidentName", "IncidentNumber", "Title"}), dates=_DATES),
    raw=_INCIDENT,
    embedded=frozenset(),
    to_evidence=from_incidents,
)

SOURCES = (ALERTS, INCIDENTS)
