"""Windows events as NXLog's to_json() writes them: flat, the event's data beside the fields of NXLog.

Spec: NXLog's im_msvistalog. EventTime is local time without a zone unless the configuration says otherwise
(`DateFormat YYYY-MM-DDThh:mm:ss.sUTC`): such a record is refused, since an issuance read hours off would accuse people.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, Source
from counterfoil.sources.windows import pieces, record
from counterfoil.sources.windows.docs import windows_explain

ZONELESS = "EventTime without a time zone"
_OWN = ("EventTime", "Hostname", "EventID", "SourceName", "RecordNumber", "Channel", "Message", "Task", "Category")
_MAX_PARAMS = 4  # NXLog names the strings of an event without names Param1, Param2...; AD FS has two that matter


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map records to evidence."""
    params = ibis.array([raw[f"Param{number}"] for number in range(1, _MAX_PARAMS + 1)])
    return record.evidence(record.events(
        raw,
        event=raw.EventID,
        host=raw.Hostname,
        stamp=raw.EventTime,
        named=lambda name: raw[name],
        channel=mapping.text(raw.Channel),
        provider=mapping.text(raw.SourceName),
        number=mapping.number(raw.RecordNumber),
        texts=ibis.cases((raw.Param1.notnull(), params), else_=ibis.null("array<string>")),
        message=raw.Message,
        task=raw.Task,
        title=raw.Category,
        reject=ibis.cases(
            (raw.EventTime.notnull() & ~pieces.zoned(raw.EventTime), ZONELESS), else_=ibis.null("string")
        ),
    ))


SOURCE = Source(
    name="windows-nxlog",
    log=record.LOG,
    title="Windows events as NXLog writes them to JSON",
    fidelity=record.FIDELITY,
    required=frozenset({"EventTime", "Hostname", "EventID", "SourceName"}),
    absent=frozenset({"Computer"}),
    raw=dict.fromkeys(
        (*_OWN, *record.FIELDS, *(f"Param{number}" for number in range(1, _MAX_PARAMS + 1))), TEXT
    ),
    to_evidence=to_evidence,
    explain=windows_explain(
        "in nxlog.conf: DateFormat YYYY-MM-DDThh:mm:ss.sUTC in the module xm_json, im_msvistalog for the Security"
        " log, Exec to_json();",
        caps="none of its own.",
        traps=("EventTime is local time without a zone by default: records without one are rejected",),
    ),
)
