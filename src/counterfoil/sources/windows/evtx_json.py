"""Windows events as JSON that keeps the structure of the event's XML: Event, System, EventData.

evtx_dump writes attributes as `#attributes` or, with --separate-json-attributes, as `NAME_attributes`; chainsaw dumps
the same. Velociraptor's parse_evtx has System and EventData at the top, the event id as `{"Value": N}` and seconds
since 1970. A binary .evtx file is read into the first of these shapes.

Verified: what the library evtx writes. Velociraptor is read as its documentation and public artifacts show it.
"""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import mapping
from counterfoil.sources.source import TEXT, RawType, Source
from counterfoil.sources.windows import pieces, record
from counterfoil.sources.windows.docs import windows_explain

# A member that is an element with attributes: the element's text may stand alone or below #text, attributes within it
# or beside it.
_SYSTEM: dict[str, RawType] = {
    "Provider": {"#attributes": {"Name": TEXT}, "Name": TEXT},
    "Provider_attributes": {"Name": TEXT},
    "EventID": TEXT,
    "TimeCreated": {"#attributes": {"SystemTime": TEXT}, "SystemTime": TEXT},
    "TimeCreated_attributes": {"SystemTime": TEXT},
    "EventRecordID": TEXT,
    "Task": TEXT,
    "Channel": TEXT,
    "Computer": TEXT,
}
_NUMBER = r'^(?:\{.*"(?:#text|Value)":"?)?(\d{1,18})'


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map events of evtx_dump to evidence."""
    return _mapped(raw, raw.Event, ibis.null("string"))


def flat_to_evidence(raw: ir.Table) -> ir.Table:
    """Map events of Velociraptor to evidence."""
    return _mapped(raw, raw, raw.Message)


def _mapped(raw: ir.Table, event: ir.Table | ir.Value, message: ir.Value) -> ir.Table:
    system = event["System"]
    data = ibis.coalesce(mapping.text(event["EventData"]), mapping.text(event["UserData"]))
    raw = mapping.stage(
        raw,
        trimmed=data,
        number=system["EventRecordID"].re_extract(_NUMBER, 1),
        code=system["EventID"].re_extract(_NUMBER, 1),
        provider=ibis.coalesce(
            system["Provider"]["#attributes"]["Name"], system["Provider"]["Name"], system["Provider_attributes"]["Name"]
        ),
        stamp=ibis.coalesce(
            system["TimeCreated"]["#attributes"]["SystemTime"], system["TimeCreated"]["SystemTime"],
            system["TimeCreated_attributes"]["SystemTime"],
        ),
        host=system["Computer"],
        channel=system["Channel"],
        task=system["Task"],
        said=message,
    )
    return record.evidence(record.events(
        raw,
        event=raw.code,
        host=raw.host,
        stamp=raw.stamp,
        named=lambda name: pieces.named(raw.trimmed, name),
        channel=mapping.text(raw.channel),
        provider=mapping.text(raw.provider),
        number=mapping.number(raw.number),
        texts=pieces.strings(raw.trimmed),
        message=raw.said,
        task=raw.task,
    ))


_PARTS: dict[str, RawType] = {"System": _SYSTEM, "EventData": TEXT, "UserData": TEXT}

SOURCES = (
    Source(
        name="windows-evtx-json",
        log=record.LOG,
        title="Windows events from .evtx files, or as evtx_dump and chainsaw write them to JSON",
        fidelity=record.FIDELITY,
        required=frozenset({"Event.System.EventID", "Event.System.Computer"}),
        raw={"Event": _PARTS},
        to_evidence=to_evidence,
        explain=windows_explain(
            "on each AD FS server: wevtutil epl Security C:\\export\\adfs-%COMPUTERNAME%.evtx",
            "or evtx_dump -o jsonl -f adfs01.jsonl adfs01.evtx",
            caps="none: the whole log as it was when it was saved.",
            traps=("reading .evtx directly needs the library evtx: pip install 'counterfoil[evtx]'",),
        ),
    ),
    Source(
        name="windows-evtx-velociraptor",
        log=record.LOG,
        title="Windows events as Velociraptor's parse_evtx gives them",
        fidelity=record.FIDELITY,
        required=frozenset({"System.EventID", "System.Computer"}),
        raw={**_PARTS, "Message": TEXT},
        to_evidence=flat_to_evidence,
        explain=windows_explain(
            "SELECT * FROM parse_evtx(filename='C:/Windows/System32/winevt/Logs/Security.evtx'), as JSON lines",
            caps="the collection's row and upload limits: look at its log for how it ended.",
        ),
    ),
)
