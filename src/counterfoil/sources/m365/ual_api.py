"""The Unified Audit Log as the Office 365 Management Activity API delivers it: bare AuditData records."""

from __future__ import annotations

from counterfoil.expressions import ir
from counterfoil.sources.m365 import ual, ual_record
from counterfoil.sources.m365.ual_docs import ual_explain
from counterfoil.sources.source import Source

_FIDELITY = 1  # every field, as the service wrote it


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map AuditData records to evidence."""
    return ual.to_evidence(ual_record.flat(raw), fidelity=_FIDELITY)


SOURCE = Source(
    name="m365-ual-api",
    log=ual_record.LOG,
    title="Microsoft 365 audit log, Management Activity API (AuditData records)",
    fidelity=_FIDELITY,
    required=frozenset({"CreationTime", "Id", "Operation", "RecordType"}),
    absent=frozenset({"AuditId"}),  # Hawk's summaries, which have lost the token
    raw=ual_record.SCHEMA,
    vital=frozenset({"AppAccessContext"}),
    to_evidence=to_evidence,
    explain=ual_explain(
        "POST https://manage.office.com/api/v1.0/TENANT/activity/feed/subscriptions/start?contentType=Audit.Exchange"
        " (and Audit.SharePoint, Audit.AzureActiveDirectory, Audit.General)",
        "GET https://manage.office.com/api/v1.0/TENANT/activity/feed/subscriptions/content?contentType=Audit.Exchange"
        "&startTime=2025-09-01T00:00:00&endTime=2025-09-02T00:00:00, follow the NextPageUri headers,"
        " then GET every contentUri and keep its array as a file",
        caps="none, but one request spans at most 24 hours. A blob does not hold its own hour: order is not kept.",
        retention="7 days after a blob appeared; nothing from before the subscription started.",
        traps=("numbers (RecordType, UserType) may arrive as texts",),
    ),
)
