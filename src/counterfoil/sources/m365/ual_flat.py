"""The Unified Audit Log with AuditData's fields as CSV columns: `... | ConvertFrom-Json | Export-Csv`, as Hawk does.

Export-Csv writes a nested object as `@{AADSessionId=...; UniqueTokenId=...}`, of which the token's id can be had, and a
list as `System.Object[]`, of which nothing is left: no messages, no properties of a sign-in. The columns are those
of the first record: what other records have besides is lost.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources.m365 import ual, ual_record
from counterfoil.sources.m365.ual_docs import ual_explain
from counterfoil.sources.source import TEXT, Csv, Source

_FIDELITY = 8  # one up from OfficeActivity: token ids are kept, lists are lost
_CONTEXT = tuple(ual_record.SCHEMA["AppAccessContext"])
_TEXTS = tuple(name for name, kind in ual_record.SCHEMA.items() if kind == TEXT)


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows to evidence."""
    context = ibis.struct({name: _member(raw.AppAccessContext, name) for name in _CONTEXT})
    return ual.to_evidence(ual_record.flat(raw, AppAccessContext=context), fidelity=_FIDELITY)


def _member(value: ir.StringValue, name: str) -> ir.StringValue:
    """Return a member of an object as Export-Csv writes it, NULL if it seems to be there twice.

    Export-Csv does not quote: whoever chooses the session or the id of a token could write another member into it.
    """
    once = rf"[{{ ;]{name}=([^;}}]*)"
    twice = value.re_search(rf"{once}.*{once}")
    return ibis.cases((~twice, value.re_extract(once, 1).nullif("")))


SOURCE = Source(
    name="m365-ual-flat",
    log=ual_record.LOG,
    title="Microsoft 365 audit log, fields of AuditData as CSV columns (Export-Csv, Hawk)",
    fidelity=_FIDELITY,
    csv=Csv(
        header=frozenset({"CreationTime", "Id", "Operation", "RecordType", "UserId", "Workload"}),
        dates=frozenset({"CreationTime"}),
    ),
    absent=frozenset({"AuditId"}),  # Hawk's summaries
    raw=dict.fromkeys((*_TEXTS, "AppAccessContext"), TEXT),
    to_evidence=to_evidence,
    explain=ual_explain(
        "Take the JSON beside it, or export again: Search-UnifiedAuditLog -StartDate 2025-09-01 -EndDate 2025-09-02"
        " -ResultSize 5000 | Select-Object -ExpandProperty AuditData | Set-Content -Encoding utf8 ual.jsonl",
        caps="those of the search that it was made from; the file does not show them.",
        traps=(
            "lists are gone (System.Object[]): messages of a read, properties of a sign-in, parameters of a rule",
            "PowerShell 7 writes CreationTime in the exporter's locale",
            "columns are those of the first record: token ids are lost where it had none",
        ),
    ),
)
