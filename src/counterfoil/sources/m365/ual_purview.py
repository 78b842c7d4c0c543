"""The Unified Audit Log as the Microsoft Purview portal exports it: CSV with the record in AuditData."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.m365 import ual, ual_record
from counterfoil.sources.m365.ual_docs import ual_explain
from counterfoil.sources.source import TEXT, Csv, Source

_FIDELITY = 3  # the whole record, in a cell, by way of a browser


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows to evidence. The row's own columns are a fallback."""
    record_id = ibis.coalesce(mapping.text(raw.AuditData["Id"]), mapping.text(raw.RecordId))
    # without AuditData the row's id alone is no record
    record_id = ibis.cases((raw.AuditData.notnull(), record_id))
    flat = ual_record.flat(raw, raw.AuditData, Id=record_id, **{ual_record.WRAPPER_DATE: raw.CreationDate})
    return ual.to_evidence(flat, fidelity=_FIDELITY)


SOURCE = Source(
    name="m365-ual-purview",
    log=ual_record.LOG,
    title="Microsoft 365 audit log, Purview portal CSV",
    fidelity=_FIDELITY,
    csv=Csv(
        header=frozenset({"RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData"}),
        json_columns=frozenset({"AuditData"}),
    ),
    raw={**dict.fromkeys(("RecordId", "CreationDate"), TEXT), "AuditData": ual_record.SCHEMA},
    embedded=frozenset({"AuditData"}),
    row_caps=frozenset({50_000}),
    to_evidence=to_evidence,
    explain=ual_explain(
        "purview.microsoft.com > Solutions > Audit > Search: dates, no other filter; when the job is done: Export",
        caps="50,000 rows in one export: compare with the number of records that the search job found.",
        traps=(
            "CreationDate is ISO or has a locale, by the portal's version; AuditData's own time is used",
            "Excel cuts cells at 32,767 characters: such rows are no JSON any more and are rejected",
        ),
    ),
)
