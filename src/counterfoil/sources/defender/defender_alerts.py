"""Alerts and incidents of Microsoft Defender XDR: Graph security API, and the tables of advanced hunting.

Graph: https://learn.microsoft.com/graph/api/resources/security-alert and security-incident. Tables:
AlertInfo and AlertEvidence, as rows of a query (JSON or the portal's CSV), and in the envelope of the streaming API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.defender import alerts, hunting
from counterfoil.sources.source import TEXT, Csv, RawType, Source

_RETENTION = "180 days for alerts and incidents, 30 days in the tables of advanced hunting."

_USER_ACCOUNT = dict.fromkeys(("azureAdUserId", "userPrincipalName", "accountName"), TEXT)
_EVIDENCE: RawType = [{"userAccount": _USER_ACCOUNT, **dict.fromkeys(("ipAddress", "appId", "clientAppId"), TEXT)}]
_ALERT: Mapping[str, RawType] = {
    **dict.fromkeys(
        ("id", "incidentId", "status", "severity", "serviceSource", "detectionSource", "tenantId", "title",
         "description", "category", "createdDateTime", "firstActivityDateTime", "mitreTechniques"), TEXT,
    ),
    "evidence": _EVIDENCE,
}
_INCIDENT = dict.fromkeys(
    ("id", "tenantId", "status", "severity", "displayName", "description", "createdDateTime", "lastUpdateDateTime",
     "classification", "determination", "incidentWebUrl"), TEXT,
)
_INFO = dict.fromkeys(
    ("Timestamp", "TimeGenerated", "AlertId", "Title", "Category", "Severity", "ServiceSource", "DetectionSource",
     "AttackTechniques"), TEXT,
)
_ENTITY = dict.fromkeys(
    ("Timestamp", "TimeGenerated", "AlertId", "Title", "Categories", "Severity", "ServiceSource", "DetectionSource",
     "AttackTechniques", "EntityType", "EvidenceRole", "AccountObjectId", "AccountUpn", "AccountName", "RemoteIP",
     "LocalIP", "ApplicationId", "OAuthApplicationId", "DeviceId"), TEXT,
)


def from_alerts(raw: ir.Table) -> ir.Table:
    """Map alerts of the Graph security API."""
    accounts = raw.evidence.map(lambda item: item["userAccount"])
    apps = ibis.coalesce(alerts.first(raw.evidence, "clientAppId"), alerts.first(raw.evidence, "appId"))
    given = {
        "id": raw.id, "kind": ibis.literal(alerts.ALERT), "title": raw.title, "incident": raw.incidentId,
        "happened": raw.firstActivityDateTime, "created": raw.createdDateTime, "tenant": raw.tenantId,
        "userId": alerts.first(accounts, "azureAdUserId"), "userName": alerts.first(accounts, "userPrincipalName"),
        "ip": alerts.first(raw.evidence, "ipAddress"), "application": apps, "severity": raw.severity,
        "category": raw.category, "status": raw.status, "provider": raw.serviceSource,
        "detection": raw.detectionSource, "techniques": raw.mitreTechniques, "description": raw.description,
    }
    return alerts.alert_rows(raw, given, fidelity=1)


def from_incidents(raw: ir.Table) -> ir.Table:
    """Map incidents of the Graph security API."""
    given = {
        "id": raw.id, "kind": ibis.literal(alerts.INCIDENT), "title": raw.displayName, "created": raw.createdDateTime,
        "tenant": raw.tenantId, "severity": raw.severity, "category": raw.classification, "status": raw.status,
        "description": raw.description, "detection": raw.determination,
    }
    return alerts.alert_rows(raw, given, fidelity=1)


def _info(raw: ir.Table, row: ir.Table | ir.StructValue) -> ir.Table:
    given = {
        "id": row["AlertId"], "kind": ibis.literal(alerts.ALERT), "title": row["Title"],
        "created": ibis.coalesce(mapping.text(row["Timestamp"]), row["TimeGenerated"]), "severity": row["Severity"],
        "category": row["Category"], "provider": row["ServiceSource"], "detection": row["DetectionSource"],
        "techniques": row["AttackTechniques"],
    }
    return alerts.alert_rows(raw, given, fidelity=2)


def _evidence(raw: ir.Table, row: ir.Table | ir.StructValue) -> ir.Table:
    given = {
        "id": row["AlertId"], "kind": ibis.literal(alerts.EVIDENCE),
        "title": ibis.coalesce(mapping.text(row["Title"]), "evidence of an alert"),
        "created": ibis.coalesce(mapping.text(row["Timestamp"]), row["TimeGenerated"]), "severity": row["Severity"],
        "category": row["Categories"], "provider": row["ServiceSource"], "detection": row["DetectionSource"],
        "techniques": row["AttackTechniques"], "userId": row["AccountObjectId"], "device": row["DeviceId"],
        "userName": ibis.coalesce(mapping.text(row["AccountUpn"]), row["AccountName"]),
        "ip": ibis.coalesce(mapping.text(row["RemoteIP"]), row["LocalIP"]),
        # ApplicationId numbers the connected application, OAuthApplicationId is the client
        "application": row["OAuthApplicationId"],
        "entity": row["EntityType"] + " (" + ibis.coalesce(mapping.text(row["EvidenceRole"]), "no role") + ")",
    }
    return alerts.alert_rows(raw, given, fidelity=2)


def from_info(raw: ir.Table) -> ir.Table:
    """Map rows of AlertInfo."""
    return _info(raw, raw)


def from_evidence(raw: ir.Table) -> ir.Table:
    """Map rows of AlertEvidence."""
    return _evidence(raw, raw)


def from_info_stream(raw: ir.Table) -> ir.Table:
    """Map envelopes of AlertInfo."""
    return _info(raw, raw.properties)


def from_evidence_stream(raw: ir.Table) -> ir.Table:
    """Map envelopes of AlertEvidence."""
    return _evidence(raw, raw.properties)


ALERTS = Source(
    name="defender-alerts",
    log=alerts.LOG,
    title="Alerts of Microsoft Defender XDR, Microsoft Graph security alerts_v2",
    fidelity=1,
    required=frozenset({"id", "title", "serviceSource", "createdDateTime", "severity"}),
    raw=_ALERT,
    to_evidence=from_alerts,
    explain=alerts.explain(
        "GET https://graph.microsoft.com/v1.0/security/alerts_v2?$filter=createdDateTime ge 2025-09-01T00:00:00Z, and"
        " every @odata.nextLink, each page kept as a file (SecurityAlert.Read.All)",
        caps="2,000 alerts a page, follow @odata.nextLink.",
        retention=_RETENTION,
    ),
)
INCIDENTS = Source(
    name="defender-incidents",
    log=alerts.LOG,
    title="Incidents of Microsoft Defender XDR, Microsoft Graph security incidents",
    fidelity=1,
    required=frozenset({"id", "displayName", "incidentWebUrl", "createdDateTime"}),
    raw=_INCIDENT,
    to_evidence=from_incidents,
    explain=alerts.explain(
        "GET https://graph.microsoft.com/v1.0/security/incidents?$filter=createdDateTime ge 2025-09-01T00:00:00Z, and"
        " every @odata.nextLink, each page kept as a file (SecurityIncident.Read.All). Take the alerts as well: those"
        " inside an expanded incident are not read",
        caps="50 incidents a page, follow @odata.nextLink.",
        retention=_RETENTION,
    ),
)
INFO = Source(
    name="defender-alertinfo",
    log=alerts.LOG,
    title="Alerts in the table AlertInfo of advanced hunting, JSON or CSV",
    fidelity=2,
    required=frozenset({"AlertId", "Title", "Severity", "ServiceSource"}),
    absent=frozenset({"EntityType"}),
    tables=frozenset({"AlertInfo"}),
    csv=Csv(
        header=frozenset({"AlertId", "Title", "Severity", "ServiceSource"}),
        dates=hunting.DATES,
    ),
    raw=_INFO,
    row_caps=hunting.ROW_CAPS,
    to_evidence=from_info,
    explain=alerts.explain(
        hunting.by_api("AlertInfo") + " (and the same for AlertEvidence)",
        hunting.PORTAL,
        caps=hunting.CAPS,
        retention=_RETENTION,
    ),
)
ENTITIES = replace(
    INFO,
    name="defender-alertevidence",
    title="What alerts name, in the table AlertEvidence of advanced hunting, JSON or CSV",
    required=frozenset({"AlertId", "EntityType", "EvidenceRole"}),
    tables=frozenset({"AlertEvidence"}),
    absent=frozenset(),
    csv=Csv(
        header=frozenset({"AlertId", "EntityType", "EvidenceRole"}), dates=hunting.DATES
    ),
    raw=_ENTITY,
    to_evidence=from_evidence,
)
INFO_STREAM = replace(
    INFO,
    name="defender-alertinfo-stream",
    title="Alerts in the table AlertInfo, envelope of the streaming API",
    required=frozenset({"category", "properties.AlertId"}),
    absent=frozenset(),
    tables=frozenset(),
    markers={"category": frozenset({"AdvancedHunting-AlertInfo"})},
    csv=None,
    raw={"properties": _INFO},
    row_caps=frozenset(),
    to_evidence=from_info_stream,
    explain=alerts.explain(
        "security.microsoft.com > Settings > Microsoft Defender XDR > Streaming API > Add: forward events to a storage"
        " account, tick AlertInfo and AlertEvidence",
        "azcopy copy 'https://ACCOUNT.blob.core.windows.net/insights-logs-advancedhunting-alertinfo/*' DIR --recursive"
        " (and -alertevidence)",
        caps="none: one blob for each hour; nothing from before the stream was set up.",
        retention="as long as the storage account keeps it.",
    ),
)
ENTITIES_STREAM = replace(
    INFO_STREAM,
    name="defender-alertevidence-stream",
    title="What alerts name, in the table AlertEvidence, envelope of the streaming API",
    markers={"category": frozenset({"AdvancedHunting-AlertEvidence"})},
    raw={"properties": _ENTITY},
    to_evidence=from_evidence_stream,
)

SOURCES = (ALERTS, INCIDENTS, INFO, ENTITIES, INFO_STREAM, ENTITIES_STREAM)
