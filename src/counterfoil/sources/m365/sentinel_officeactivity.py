"""The Unified Audit Log as Microsoft Sentinel's table OfficeActivity: columns renamed, token ids lost.

Spec: Azure Monitor reference, table OfficeActivity. The table has no AppAccessContext in its documentation of
2024; a column of that name is read where a newer export has one.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ir
from counterfoil.sources import log_analytics
from counterfoil.sources.m365 import ual, ual_record
from counterfoil.sources.m365.ual_docs import ual_explain
from counterfoil.sources.source import TEXT, Csv, RawType, Source

_FIDELITY = 9  # no token ids: any other wrapper of the same record knows more

# Field of AuditData by the column that holds it.
_RENAMED: Mapping[str, str] = {
    "TimeGenerated": "CreationTime",
    "OfficeId": "Id",
    "OfficeObjectId": "ObjectId",
    "OfficeWorkload": "Workload",
    "Logon_Type": "LogonType",
    "Client_IPAddress": "ClientIPAddress",
    "Site_Url": "SiteUrl",
}
# Nested fields are JSON texts here; of the rest the table drops what identifies the token.
_EMBEDDED = frozenset({
    "Folders", "OperationProperties", "ExtendedProperties", "Item", "AffectedItems", "Messages",
    "AppAccessContext",
})
_LOST = frozenset({"DeviceProperties", "IntraSystemId", "UniqueTokenIdentifier"})


def _raw() -> dict[str, RawType]:
    columns = {field: column for column, field in _RENAMED.items()}
    return {columns.get(name, name): kind for name, kind in ual_record.SCHEMA.items() if name not in _LOST}


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows of the table to evidence."""
    fields = {field: raw[column] for column, field in _RENAMED.items()}
    return ual.to_evidence(ual_record.flat(raw, **fields), fidelity=_FIDELITY)


SOURCE = Source(
    name="sentinel-officeactivity",
    log=ual_record.LOG,
    title="Microsoft 365 audit log in Sentinel's table OfficeActivity",
    fidelity=_FIDELITY,
    required=frozenset({"OfficeId", "OfficeWorkload", "Operation", "TimeGenerated"}),
    tables=frozenset({"OfficeActivity"}),
    raw={**_raw(), "TimeGenerated": TEXT},
    embedded=_EMBEDDED,
    csv=Csv(
        header=frozenset({"OfficeId", "OfficeWorkload", "Operation", "TimeGenerated"}),
        dates=frozenset({"TimeGenerated"}),
    ),
    row_caps=log_analytics.ROW_CAPS,
    to_evidence=to_evidence,
    explain=ual_explain(
        "az monitor log-analytics query --workspace WORKSPACE --analytics-query"
        ' "OfficeActivity | where TimeGenerated between (datetime(2025-09-01) .. datetime(2025-09-02))" -o json',
        log_analytics.PORTAL_EXPORT,
        caps="500,000 rows or 100 MB for one query: take short intervals, or a data export rule to a storage account.",
        retention="90 days unless the workspace keeps it longer.",
        traps=(
            "no token ids: nothing here can be cleared or convicted by id; take CloudAppEvents or AuditData instead",
            "OfficeTenantId is the placeholder $RestApiTenantId$; OrganizationId is the tenant",
        ),
    ),
)
