"""The Unified Audit Log as Microsoft Graph returns it: `security/auditLog/queries/{id}/records`, JSON or CSV of it."""

from __future__ import annotations

from counterfoil.expressions import ir
from counterfoil.sources.m365 import ual, ual_record
from counterfoil.sources.m365.ual_docs import ual_explain
from counterfoil.sources.source import TEXT, Csv, Source

_FIDELITY = 3  # the whole record; auditData is an open type and keeps its names


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map auditLogRecord objects to evidence."""
    flat = ual_record.flat(raw, raw.auditData, **{ual_record.WRAPPER_DATE: raw.createdDateTime})
    return ual.to_evidence(flat, fidelity=_FIDELITY)


SOURCE = Source(
    name="m365-ual-graph",
    log=ual_record.LOG,
    title="Microsoft 365 audit log, Microsoft Graph audit log query (JSON, or CSV with auditData in a cell)",
    fidelity=_FIDELITY,
    required=frozenset({"auditData", "auditLogRecordType", "createdDateTime"}),
    raw={"createdDateTime": TEXT, "auditData": ual_record.SCHEMA},
    embedded=frozenset({"auditData"}),
    csv=Csv(header=frozenset({"id", "createdDateTime", "auditLogRecordType", "operation", "auditData"})),
    to_evidence=to_evidence,
    explain=ual_explain(
        'POST https://graph.microsoft.com/beta/security/auditLog/queries {"filterStartDateTime":'
        ' "2025-09-01T00:00:00Z", "filterEndDateTime": "2025-09-02T00:00:00Z"}',
        "GET https://graph.microsoft.com/beta/security/auditLog/queries/ID until status is succeeded, then"
        " .../queries/ID/records, and every @odata.nextLink, each page kept as a file",
        "Get-UALGraph -SearchName NAME -StartDate 2025-09-01 -EndDate 2025-09-02 (Microsoft-Extractor-Suite;"
        " its JSON, JSONL and CSV are read)",
        caps="none; a page names the next one in @odata.nextLink.",
    ),
)
