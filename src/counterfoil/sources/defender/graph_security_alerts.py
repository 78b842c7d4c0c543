"""Alerts of the older Graph security API (`security/alerts`), flattened to CSV by Microsoft-Extractor-Suite.

Its file is `SecurityAlerts/*-SecurityAlerts.csv`; dates have the exporter's locale.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.defender import alerts
from counterfoil.sources.source import TEXT, Csv, Source

_COLUMNS = (
    "Id", "Title", "Category", "Severity", "Status", "CreatedDateTime", "EventDateTime", "Description",
    "AffectedUser", "AzureTenantId", "Vendor", "Provider", "IncidentIds",
)


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows; the user stands as `name/...` in AffectedUser."""
    given = {
        "id": raw.Id, "kind": ibis.literal(alerts.ALERT), "title": raw.Title, "happened": raw.EventDateTime,
        "created": raw.CreatedDateTime, "tenant": raw.AzureTenantId, "severity": raw.Severity,
        "category": raw.Category, "status": raw.Status, "provider": raw.Provider, "description": raw.Description,
        "incident": raw.IncidentIds, "userName": mapping.text(raw.AffectedUser.re_extract(r"^([^/;]*@[^/;]*)", 1)),
    }
    return alerts.alert_rows(raw, given, fidelity=4)


SOURCE = Source(
    name="graph-security-alerts",
    log=alerts.LOG,
    title="Alerts of the older Microsoft Graph security API, CSV of Microsoft-Extractor-Suite",
    fidelity=4,
    csv=Csv(
        header=frozenset({"Id", "Title", "Severity", "CreatedDateTime", "EventDateTime", "Vendor", "Provider"}),
        dates=frozenset({"CreatedDateTime", "EventDateTime"}),
    ),
    raw=dict.fromkeys(_COLUMNS, TEXT),
    to_evidence=to_evidence,
    explain=alerts.explain(
        "Get-SecurityAlerts (Microsoft-Extractor-Suite) writes Output/SecurityAlerts/*-SecurityAlerts.csv",
        caps="none known.",
        retention="that of the products that raised the alerts.",
        traps=("dates have the exporter's locale: see docs/sources/csv.md",),
    ),
)
