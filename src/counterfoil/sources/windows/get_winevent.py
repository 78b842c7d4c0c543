"""Windows events as `Get-WinEvent | ConvertTo-Json` writes them: .NET's EventLogRecord.

The event's data are values without names (Properties), so each event that matters is read by position. Positions as
documented at learn.microsoft.com for 4624, 4662, 4769, 5156, and for Sysmon 18 of schema 4.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Source
from counterfoil.sources.windows import record
from counterfoil.sources.windows.docs import windows_explain

# Field -> event id -> place in Properties, counted from 0.
_PLACES: Mapping[str, Mapping[str, int]] = {
    "TargetUserName": {"4624": 5, "4769": 0},
    "TargetDomainName": {"4624": 6, "4769": 1},
    "SubjectUserName": {"4662": 1, "1102": 1, "4719": 1},
    "SubjectDomainName": {"4662": 2, "1102": 2, "4719": 2},
    "LogonType": {"4624": 8},
    "IpAddress": {"4624": 18, "4769": 6},
    "ServiceName": {"4769": 2},
    "ObjectType": {"4662": 5},
    "ObjectName": {"4662": 6},
    "AccessMask": {"4662": 10},
    "Properties": {"4662": 11},
    "SourceAddress": {"5156": 3},
    "DestAddress": {"5156": 5},
    "DestPort": {"5156": 6},
    "PipeName": {"18": 5},
    "Image": {"18": 6},
    "User": {"18": 7},
    "SubcategoryGuid": {"4719": 6},
    "AuditPolicyChanges": {"4719": 7},
}
_TEXTS = ("Id", "MachineName", "TimeCreated", "LogName", "ProviderName", "RecordId", "TaskDisplayName", "Message")


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map records to evidence."""
    raw = mapping.stage(raw, values=raw.Properties.map(lambda one: one["Value"]))

    def named(name: str) -> ir.StringValue:
        places = _PLACES.get(name, {})
        found = [(raw.Id == event, raw["values"][place]) for event, place in places.items()]
        return ibis.cases(*found, else_=ibis.null("string")) if found else ibis.null("string")

    return record.evidence(record.events(
        raw,
        event=raw.Id,
        host=raw.MachineName,
        stamp=raw.TimeCreated,
        named=named,
        channel=mapping.text(raw.LogName),
        provider=mapping.text(raw.ProviderName),
        number=mapping.number(raw.RecordId),
        texts=raw["values"],
        message=raw.Message,
        title=raw.TaskDisplayName,
    ))


SOURCE = Source(
    name="windows-get-winevent",
    log=record.LOG,
    title="Windows events as Get-WinEvent and ConvertTo-Json write them",
    fidelity=record.FIDELITY,
    required=frozenset({"Id", "MachineName", "LogName", "ProviderName", "TimeCreated"}),
    raw={**dict.fromkeys(_TEXTS, TEXT), "Properties": [{"Value": TEXT}]},
    to_evidence=to_evidence,
    explain=windows_explain(
        "Get-WinEvent -LogName Security -Oldest | ConvertTo-Json -Depth 3 | Set-Content -Encoding utf8 adfs.json",
        caps="PowerShell's memory: ConvertTo-Json holds all events at once; take wevtutil for large logs.",
        traps=("with -Depth 1 the event's data are lost: Properties must hold objects with a Value",),
    ),
)
