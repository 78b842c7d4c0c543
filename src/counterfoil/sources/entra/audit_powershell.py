"""The Entra directory audit as the Graph PowerShell module gives it: directoryAudit objects with capitals, as JSON.

Hawk writes them so to `Tenant/EntraIDAuditLogs.json`.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources.entra import audit
from counterfoil.sources.source import TEXT, RawType, Source

_FLAT = {
    "id": "Id", "activity": "ActivityDisplayName", "category": "Category", "correlationId": "CorrelationId",
    "result": "Result", "resultReason": "ResultReason", "loggedByService": "LoggedByService",
    "operationType": "OperationType", "happened": "ActivityDateTime",
}
_USER = {"id": "Id", "userPrincipalName": "UserPrincipalName", "displayName": "DisplayName", "ipAddress": "IPAddress"}
_APP = {
    "appId": "AppId", "displayName": "DisplayName", "servicePrincipalId": "ServicePrincipalId",
    "servicePrincipalName": "ServicePrincipalName",
}
_TARGET = {
    "id": "Id", "displayName": "DisplayName", "type": "Type", "userPrincipalName": "UserPrincipalName",
    "modifiedProperties": "ModifiedProperties",
}
# The objects of v1.0 have none; the module for beta gives them.
_LINK = {"sessionId": "SessionId", "deviceId": "DeviceId"}
_TOKEN = {
    "uti": "Uti", "uniqueTokenIdentifier": "UniqueTokenIdentifier", "issuedAt": "IssuedAt",
    "issuedAtDateTime": "IssuedAtDateTime",
}


def _texts(names: dict[str, str]) -> dict[str, RawType]:
    return dict.fromkeys(names.values(), TEXT)


def _renamed(struct: ir.StructValue, names: dict[str, str]) -> dict[str, ir.Value]:
    return {name: struct[column] for name, column in names.items()}


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map directoryAudit objects."""
    flat: dict[str, ir.Value] = {name: raw[column] for name, column in _FLAT.items()}
    flat |= dict.fromkeys(("received", "tenant", "ipAddress"), ibis.null("string"))
    by = raw.InitiatedBy
    link = by["LinkableIdentifiers"]
    flat["initiatedBy"] = ibis.struct({
        "user": ibis.struct(_renamed(by["User"], _USER)),
        "app": ibis.struct(_renamed(by["App"], _APP)),
        "linkableIdentifiers": ibis.struct(
            _renamed(link, _LINK) | {"tokenDetails": ibis.struct(_renamed(link["TokenDetails"], _TOKEN))}
        ),
    })
    flat["targetResources"] = raw.TargetResources.map(lambda target: ibis.struct(_renamed(target, _TARGET)))
    flat["additionalDetails"] = raw.AdditionalDetails.map(
        lambda pair: ibis.struct({"key": pair["Key"], "value": pair["Value"]})
    )
    return audit.audit_rows(raw, flat, fidelity=2)


SOURCE = Source(
    name="entra-audit-powershell",
    log=audit.LOG,
    title="Entra audit logs, objects of Get-MgAuditLogDirectoryAudit as JSON",
    fidelity=2,
    required=frozenset({"Id", "ActivityDisplayName", "ActivityDateTime", "InitiatedBy"}),
    absent=frozenset({"TimeGenerated"}),
    raw={
        **_texts(_FLAT),
        "InitiatedBy": {
            "User": _texts(_USER),
            "App": _texts(_APP),
            "LinkableIdentifiers": {**_texts(_LINK), "TokenDetails": _texts(_TOKEN)},
        },
        "TargetResources": [_texts(_TARGET)],
        "AdditionalDetails": [{"Key": TEXT, "Value": TEXT}],
    },
    to_evidence=to_evidence,
    explain=audit.explain(
        "Connect-MgGraph -Scopes AuditLog.Read.All, Directory.Read.All",
        "Get-MgBetaAuditLogDirectoryAudit -All -Filter \"activityDateTime ge 2026-01-01T00:00:00Z\" |"
        " ConvertTo-Json -Depth 10 | Set-Content -Encoding utf8 directory-audits.json",
        "Get-HawkTenantEntraIDAuditLog (Hawk) writes the same to Tenant/EntraIDAuditLogs.json",
        caps="none with -All; 1,000 records without it. Export-Csv loses the nested members: take JSON.",
    ),
    row_caps=frozenset({1_000}),
)
