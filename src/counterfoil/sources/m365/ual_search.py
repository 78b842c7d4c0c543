"""The Unified Audit Log as `Search-UnifiedAuditLog` returns it: rows whose AuditData holds the record."""

from __future__ import annotations

from dataclasses import replace

from counterfoil.expressions import ir
from counterfoil.sources.m365 import ual, ual_record
from counterfoil.sources.m365.ual_docs import ual_explain
from counterfoil.sources.source import TEXT, Csv, Source

_FIDELITY = 2  # the whole record, in a cell


def of_triage(raw: ir.Table) -> ir.Table:
    """Map rows of triage scripts, which keep the record as it came beside columns of their own."""
    return to_evidence(raw.rename(AuditData="AuditData_Raw"))


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows to evidence. The row's own columns are a fallback: their date has the exporter's locale."""
    flat = ual_record.flat(raw, raw.AuditData, **{ual_record.WRAPPER_DATE: raw.CreationDate})
    return ual.to_evidence(flat, fidelity=_FIDELITY)


_CSV = Source(
    name="m365-ual-search",
    log=ual_record.LOG,
    title="Microsoft 365 audit log, Search-UnifiedAuditLog CSV",
    fidelity=_FIDELITY,
    csv=Csv(
        header=frozenset({"CreationDate", "UserIds", "Operations", "AuditData"}),
        json_columns=frozenset({"AuditData"}),
    ),
    raw={**dict.fromkeys(("CreationDate", "ResultIndex", "ResultCount"), TEXT), "AuditData": ual_record.SCHEMA},
    embedded=frozenset({"AuditData"}),
    shortfall=("ResultIndex", "ResultCount"),
    row_caps=frozenset({100, 5_000, 50_000}),
    to_evidence=to_evidence,
    explain=ual_explain(
        "Connect-ExchangeOnline",
        "Repeat until it returns nothing, with one SESSION and intervals that yield fewer than 50,000 records:"
        " Search-UnifiedAuditLog -StartDate 2025-09-01 -EndDate 2025-09-02 -SessionId SESSION"
        " -SessionCommand ReturnLargeSet -ResultSize 5000 | Export-Csv ual.csv -NoTypeInformation -Encoding UTF8"
        " -Append",
        caps="100 rows unless -ResultSize is given, 5,000 in one call, 50,000 in one session; ReturnLargeSet is"
        " unsorted. ResultIndex below ResultCount, or -1, shows a set that was cut off.",
        traps=(
            "CreationDate has the exporter's locale and is not used where AuditData has its own",
            "Excel cuts cells at 32,767 characters: such rows are no JSON any more and are rejected",
        ),
    ),
)

# ConvertTo-Json of the same rows; AuditData stays a text unless the script parsed it.
_JSON = replace(
    _CSV,
    name="m365-ual-search-json",
    title="Microsoft 365 audit log, Search-UnifiedAuditLog as JSON",
    csv=None,
    required=frozenset({"AuditData", "CreationDate"}),
    explain=replace(
        _CSV.explain,
        export=(
            "Connect-ExchangeOnline",
            "Search-UnifiedAuditLog -StartDate 2025-09-01 -EndDate 2025-09-02 -SessionId SESSION"
            " -SessionCommand ReturnLargeSet -ResultSize 5000 | ConvertTo-Json -Depth 10 | Out-File ual.json"
            " -Encoding utf8",
        ),
        traps=("Windows PowerShell writes CreationDate as /Date(milliseconds)/", *_CSV.explain.traps[2:]),
    ),
)

# Scripts that search operation by operation: columns of their own, and the whole record beside them.
_TRIAGE = replace(
    _CSV,
    name="m365-ual-search-triage",
    title="Microsoft 365 audit log, CSV of triage scripts with the record in AuditData_Raw",
    csv=Csv(
        header=frozenset({"CreationDate", "UserIds", "Operations", "AuditData_Raw"}),
        json_columns=frozenset({"AuditData_Raw"}),
    ),
    raw={
        **dict.fromkeys(("CreationDate", "ResultIndex", "ResultCount"), TEXT), "AuditData_Raw": ual_record.SCHEMA,
    },
    embedded=frozenset({"AuditData_Raw"}),
    to_evidence=of_triage,
    explain=replace(
        _CSV.explain,
        export=("keep the CSV that the script writes for each operation; its other files hold parts of it",),
    ),
)

SOURCES = (_CSV, _JSON, _TRIAGE)
