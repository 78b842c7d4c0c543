"""Windows events of AD FS servers and domain controllers, as flat objects or CSV.

The shapes of Microsoft Sentinel's tables SecurityEvent, WindowsEvent and Event (JSON, and the portal's CSV), of
Velociraptor's event artifacts, and the flat objects that a short PowerShell line writes (docs/sources/adfs.md). AD FS
audits are issuances of assertions in the log `adfs`; every other event is context in the log `windows-security`, where
the theft of a signing key leaves its traces.

AD FS logs no id of the assertion. An issuance is known by computer, activity id and second: so the basic
audit 1200 and the verbose audit 299 of one issuance become one record, and two issuances of one activity stay
two unless they fall into one second. Where the ids differ, an issuance that both audits report counts twice,
which can hide a forged assertion among genuine ones but accuses nobody.

Verified: SecurityEvent and Event as JSON (the public capture of SimuLand). WindowsEvent, the portal's CSV and
Velociraptor are read as documented.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.source import RAW_TEXT, TEXT, Csv, Source
from counterfoil.sources.windows import pieces, record
from counterfoil.sources.windows.docs import windows_explain

_TEXTS = (
    "EventID", "Computer", "TimeGenerated", "TimeCreated", "EventTime", "TimeCollected", "Channel", "EventLog",
    "EventSourceName", "Source", "Provider", "ProviderName", "EventRecordID", "RecordNumber", "EventOriginId",
    "EventData", "UserData", "RenderedDescription", "Message", "ParameterXml", "Activity", "Task",
    "Account", "TargetAccount", "SubjectAccount", "UserName", "server_principal_name", "ClaimsName", *record.FIELDS,
)


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map objects of the tables to evidence."""
    return record.evidence(_events(raw, raw.EventData_dynamic))


def csv_to_evidence(raw: ir.Table) -> ir.Table:
    """Map rows of the portal's CSV to evidence: all cells are texts, arrays too."""
    data = ibis.coalesce(mapping.text(raw.EventData), mapping.text(raw.EventData_dynamic))
    return record.evidence(_events(raw.mutate(EventData=data), ibis.null("array<string>")))


def _events(raw: ir.Table, listed: ir.ArrayValue) -> ir.Table:
    """Return the event's parts: the many names of one thing made one."""
    raw = mapping.stage(raw, trimmed=ibis.coalesce(mapping.text(raw.EventData.strip()), raw.UserData.strip()))

    def named(name: str) -> ir.StringValue:
        return ibis.coalesce(pieces.present(raw[name]), pieces.named(raw.trimmed, name))

    return record.events(
        raw,
        event=raw.EventID,
        host=raw.Computer,
        stamp=ibis.coalesce(mapping.text(raw.TimeGenerated), mapping.text(raw.TimeCreated), raw.EventTime),
        named=named,
        collected=raw.TimeCollected,
        channel=ibis.coalesce(mapping.text(raw.Channel), mapping.text(raw.EventLog)),
        provider=ibis.coalesce(
            mapping.text(raw.EventSourceName), mapping.text(raw.Source), mapping.text(raw.Provider),
            mapping.text(raw.ProviderName),
        ),
        number=mapping.number(ibis.coalesce(
            mapping.text(raw.EventRecordID), mapping.text(raw.RecordNumber), _azure_number(raw)
        )),
        texts=ibis.coalesce(listed, pieces.strings(raw.trimmed)),
        message=ibis.coalesce(
            mapping.text(raw.ParameterXml), mapping.text(raw.RenderedDescription), mapping.text(raw.Message)
        ),
        actor=pieces.first(
            raw.Account, raw.TargetAccount, raw.SubjectAccount, raw.ClaimsName, raw.server_principal_name, raw.UserName
        ),
        task=raw.Task,
        title=raw.Activity,
        origin=raw.EventOriginId,
    )


def _azure_number(raw: ir.Table) -> ir.StringValue:
    """Return the record number as Azure spells it: engines take two columns that differ in case for one."""
    return raw[RAW_TEXT].re_extract(r'"EventRecordId"\s*:\s*"?(\d{1,18})', 1).nullif("")


SOURCES = (
    Source(
        name="windows-events",
        log=record.LOG,
        title="Windows events as flat JSON (Sentinel SecurityEvent, WindowsEvent, Event; Velociraptor; PowerShell)",
        fidelity=record.FIDELITY,
        required=frozenset({"EventID", "Computer"}),
        raw={**dict.fromkeys(_TEXTS, TEXT), "EventData_dynamic": [TEXT]},
        embedded=frozenset({"EventData_dynamic"}),
        to_evidence=to_evidence,
        explain=windows_explain(
            "on each AD FS server the PowerShell lines of docs/sources/adfs.md, which write one object an event:"
            " EventID, Computer, TimeCreated, Channel, Provider, EventRecordID, EventData",
            "or az monitor log-analytics query -w WORKSPACE --analytics-query 'SecurityEvent | where Computer has"
            " \"ADFS\"' -o json | jq -c '.[]' > adfs.jsonl",
            "or, with Velociraptor, SELECT * FROM parse_evtx(filename='C:/Windows/System32/winevt/Logs/Security.evtx')",
            caps="the size of the Security log; 500,000 rows or 100 MB for a Log Analytics query.",
            traps=(
                "Sentinel shows wrong names for AD FS events (501 as a message of the Desktop Window Manager)",
                "Sentinel's agents collect a set of events (All, Common, Minimal): AD FS audits need All, or a rule of"
                " their own",
            ),
        ),
        row_caps=frozenset({30_000, 500_000}),
    ),
    Source(
        name="windows-events-csv",
        log=record.LOG,
        title="Windows events as CSV from Log Analytics (SecurityEvent, WindowsEvent, Event)",
        fidelity=record.FIDELITY,
        csv=Csv(header=frozenset({"EventID", "Computer"}), dates=frozenset({"TimeGenerated", "TimeCollected"})),
        raw=dict.fromkeys((*_TEXTS, "EventData_dynamic"), TEXT),
        to_evidence=csv_to_evidence,
        explain=windows_explain(
            "Log Analytics workspace, Logs: SecurityEvent | where Computer has \"ADFS\"; Export, CSV (all columns)",
            caps="30,000 rows for the portal's CSV.",
            traps=("the portal writes dates as the browser does, and the zone into the header: TimeGenerated [UTC]",),
        ),
        row_caps=frozenset({10_000, 30_000, 500_000}),
    ),
)
