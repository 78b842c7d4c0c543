"""Risk detections of Entra ID Protection, flattened to CSV by Microsoft-Extractor-Suite: alerts about sign-ins."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources.defender import alerts
from counterfoil.sources.source import TEXT, Csv, Source

_COLUMNS = (
    "Activity", "ActivityDateTime", "DetectedDateTime", "DetectionTimingType", "IPAddress", "Id", "RequestId",
    "RiskDetail", "RiskEventType", "RiskLevel", "RiskState", "Source", "UserId", "UserPrincipalName",
)


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows; the detection's type is its title, and RequestId that of the sign-in."""
    given = {
        "id": raw.Id, "kind": ibis.literal("risk-detection"), "title": raw.RiskEventType,
        "happened": raw.ActivityDateTime, "created": raw.DetectedDateTime, "userId": raw.UserId,
        "userName": raw.UserPrincipalName, "ip": raw.IPAddress, "incident": raw.RequestId, "severity": raw.RiskLevel,
        "status": raw.RiskState, "provider": raw.Source, "category": raw.Activity, "detection": raw.RiskDetail,
    }
    return alerts.alert_rows(raw, given, fidelity=4)


SOURCE = Source(
    name="mes-risk-detections",
    log=alerts.LOG,
    title="Risk detections of Entra ID Protection, CSV of Microsoft-Extractor-Suite",
    fidelity=4,
    csv=Csv(
        header=frozenset({"Id", "RiskEventType", "RiskLevel", "ActivityDateTime", "DetectedDateTime"}),
        dates=frozenset({"ActivityDateTime", "DetectedDateTime"}),
    ),
    raw=dict.fromkeys(_COLUMNS, TEXT),
    to_evidence=to_evidence,
    explain=alerts.explain(
        "Get-RiskyDetections (Microsoft-Extractor-Suite) writes Output/RiskyEvents/*-RiskyDetections.csv",
        caps="none known; the suite follows every page.",
        retention="90 days with Entra ID P2, 30 with P1.",
        traps=("the request id of the sign-in stands in object_parent; locations and the rest are in the input file",),
    ),
)
