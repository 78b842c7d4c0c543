"""Windows events as XML, or as the text that wevtutil prints: the reader turns each into one object.

The reader (read/windows_xml.py, read/windows_text.py) gives `{"WindowsEvent": {...}}` with the event's named data in
Named, its strings in Strings, and what has no column in Rest.

Verified: the XML of an AD FS audit (1203) in public parser tests. The text form as documented for wevtutil.
"""

from __future__ import annotations

from counterfoil.expressions import ir
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Source
from counterfoil.sources.windows import record
from counterfoil.sources.windows.docs import windows_explain

_TEXTS = ("EventID", "Computer", "TimeCreated", "Channel", "Provider", "EventRecordID", "Task", "Message", "Rest",
          "Refused")


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map the reader's objects to evidence."""
    event = raw.WindowsEvent
    return record.evidence(record.events(
        raw,
        event=event["EventID"],
        host=event["Computer"],
        stamp=event["TimeCreated"],
        named=lambda name: event["Named"][name],
        channel=mapping.text(event["Channel"]),
        provider=mapping.text(event["Provider"]),
        number=mapping.number(event["EventRecordID"]),
        texts=event["Strings"],
        message=event["Message"],
        task=event["Task"],
        rest=event["Rest"],
        reject=event["Refused"],
    ))


SOURCE = Source(
    name="windows-event-export",
    log=record.LOG,
    title="Windows events as XML (wevtutil, Event Viewer, evtx_dump) or as wevtutil's text",
    fidelity=record.FIDELITY,
    required=frozenset({"WindowsEvent"}),
    raw={"WindowsEvent": {
        **dict.fromkeys(_TEXTS, TEXT), "Named": dict.fromkeys(record.FIELDS, TEXT), "Strings": [TEXT]
    }},
    to_evidence=to_evidence,
    explain=windows_explain(
        "wevtutil qe Security /f:xml /e:Events > adfs01.xml",
        "or wevtutil qe C:\\export\\adfs01.evtx /lf:true /f:xml > adfs01.xml",
        "or Get-WinEvent -LogName Security -Oldest | ForEach-Object ToXml | Set-Content -Encoding utf8 adfs01.xml",
        "or, in Event Viewer, Save All Events As, type XML",
        caps="the size of the Security log.",
        traps=(
            "wevtutil's text (/f:text) has no record numbers, and on older Windows no time zone (then it is rejected):"
            " take /f:xml",
            "Event Viewer's CSV and TXT name neither computer nor time zone, and cannot be read: take XML or .evtx",
        ),
    ),
)
