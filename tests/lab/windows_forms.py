"""The forms in which Windows events are exported: XML, JSON of several tools, CSV, the text of wevtutil."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from counterfoil.lab.history.clock import SECOND, american, ticks
from counterfoil.lab.history.files import quoted

from .windows import NAMESPACE, SECURITY_EVENT, Form, Numbers, WindowsEvent, event_data
from .windows_messages import message

_CLEARED = "http://manifests.microsoft.com/win/2004/08/windows/eventlog"


def _xml(event: WindowsEvent, number: int) -> str:
    """Return the event as wevtutil writes it: on one line, attributes in single quotes."""
    return _xml_event(event, number, "'")


def _xml_event(event: WindowsEvent, number: int, q: str, more: str = "") -> str:
    data = "".join(f"<Data>{escape(text)}</Data>" for text in event.strings)
    data += "".join(f"<Data Name={q}{name}{q}>{escape(value)}</Data>" for name, value in event.named.items())
    body = f"<EventData>{data}</EventData>"
    if event.user_data:
        leaves = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in event.named.items())
        body = f"<UserData><{event.user_data} xmlns={q}{_CLEARED}{q}>{leaves}</{event.user_data}></UserData>"
    return (
        f"<Event xmlns={q}{NAMESPACE}{q}><System><Provider Name={q}{event.provider}{q}/>"
        f"<EventID Qualifiers={q}0{q}>{event.number}</EventID><Version>0</Version><Level>0</Level>"
        f"<Task>{event.task}</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords>"
        f"<TimeCreated SystemTime={q}{ticks(event.t)}{q}/><EventRecordID>{number}</EventRecordID><Correlation/>"
        f"<Execution ProcessID={q}712{q} ThreadID={q}4032{q}/><Channel>{event.channel}</Channel>"
        f"<Computer>{event.host}</Computer><Security/></System>{body}{more}</Event>"
    )


def _viewer(event: WindowsEvent, number: int) -> str:
    """Return the event as Event Viewer saves it: double quotes, with the message rendered."""
    rendering = f'<RenderingInfo Culture="en-US"><Message>{escape(message(event))}</Message></RenderingInfo>'
    return _xml_event(event, number, '"', rendering)


def _dumped_xml(event: WindowsEvent, number: int) -> str:
    text = _xml_event(event, number, '"').replace("><", ">\n  <")
    return f'Record {number}\n<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _data(event: WindowsEvent) -> object:
    """Return the event's data as evtx_dump turns them to JSON."""
    if event.strings:
        text: object = list(event.strings) if len(event.strings) > 1 else event.strings[0]
        return {"Data": {"#text": text}, "Binary": None}
    return dict(event.named) or None


def _dumped(event: WindowsEvent, number: int, *, separate: bool) -> str:
    system: dict[str, object] = {"EventID": event.number, "Version": 0, "Task": event.task}
    for name, attributes in (("Provider", {"Name": event.provider}), ("TimeCreated", {"SystemTime": ticks(event.t)})):
        system |= {f"{name}_attributes": attributes} if separate else {name: {"#attributes": attributes}}
    if not separate:
        system["EventID"] = {"#attributes": {"Qualifiers": 0}, "#text": event.number}
    system |= {"EventRecordID": number, "Channel": event.channel, "Computer": event.host}
    body = {"UserData": {event.user_data: dict(event.named)}} if event.user_data else {"EventData": _data(event)}
    return quoted({"Event": {"System": system} | body}) + "\n"


def _velociraptor(event: WindowsEvent, number: int) -> str:
    system = {
        "Provider": {"Name": event.provider}, "EventID": {"Value": event.number}, "Task": event.task,
        "TimeCreated": {"SystemTime": event.t / SECOND}, "EventRecordID": number, "Channel": event.channel,
        "Computer": event.host,
    }
    data = {"Data": list(event.strings)} if event.strings else dict(event.named)
    body = {"UserData": {event.user_data: dict(event.named)}} if event.user_data else {"EventData": data}
    return quoted({"System": system, **body, "Message": message(event)}) + "\n"


def _evtxecmd_row(event: WindowsEvent, number: int, when: str) -> dict[str, object]:
    pairs: object = [{"@Name": name, "#text": value} for name, value in event.named.items()]
    if event.strings:
        pairs = list(event.strings) if len(event.strings) > 1 else event.strings[0]
    payload = {"UserData": {event.user_data: dict(event.named)}} if event.user_data else {"EventData": {"Data": pairs}}
    return {
        "EventId": event.number, "Level": "LogAlways", "Provider": event.provider, "Channel": event.channel,
        "Computer": event.host, "MapDescription": "", "EventRecordId": str(number), "TimeCreated": when,
        "SourceFile": "C:\\export\\Security.evtx", "Payload": json.dumps(payload, separators=(",", ":")),
    }


def _evtxecmd(event: WindowsEvent, number: int) -> str:
    return quoted(_evtxecmd_row(event, number, ticks(event.t)[:-1] + "+00:00")) + "\n"


_CSV_COLUMNS = ("EventRecordId", "TimeCreated", "EventId", "Level", "Provider", "Channel", "Computer", "MapDescription",
                "SourceFile", "Payload")


def _evtxecmd_csv(event: WindowsEvent, number: int) -> str:
    row = _evtxecmd_row(event, number, ticks(event.t)[:-1].replace("T", " "))
    return _csv([row[name] for name in _CSV_COLUMNS])


def _csv(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _document(event: WindowsEvent, number: int) -> dict[str, object]:
    data = {f"param{n + 1}": text for n, text in enumerate(event.strings)} or dict(event.named)
    body = {"user_data": {"xml_name": event.user_data, **event.named}} if event.user_data else {"event_data": data}
    log = {
        "event_id": str(event.number), "computer_name": event.host, "channel": event.channel,
        "provider_name": event.provider, "record_id": number, "task": "None", "api": "wineventlog", **body,
    }
    return {
        "@timestamp": ticks(event.t)[:-5] + "Z", "message": message(event), "winlog": log,
        "event": {"code": str(event.number), "provider": event.provider, "created": ticks(event.t + 2 * SECOND)},
        "host": {"name": event.host},
    }


def _winlogbeat(event: WindowsEvent, number: int) -> str:
    return quoted(_document(event, number)) + "\n"


def _hit(event: WindowsEvent, number: int) -> str:
    hit = {"_index": "winlogbeat-8", "_id": f"{event.host}-{number}", "_source": _document(event, number)}
    return quoted(hit) + "\n"


def _nxlog(event: WindowsEvent, number: int) -> str:
    own = {} if event.strings else dict(event.named)
    return quoted({
        "EventTime": ticks(event.t)[:-2] + "Z", "Hostname": event.host, "Keywords": -9178336040581070848,
        "EventType": "AUDIT_SUCCESS", "EventID": event.number, "SourceName": event.provider, "Task": event.task,
        "RecordNumber": number, "Channel": event.channel, "Message": message(event), **own,
    }) + "\n"


def _windows_event(event: WindowsEvent, number: int) -> str:
    data = {"Data": list(event.strings)} if event.strings else dict(event.named)
    return quoted({
        "TimeGenerated": ticks(event.t), "Provider": event.provider, "Channel": event.channel, "Computer": event.host,
        "Task": event.task, "EventID": event.number, "EventData": data, "EventRecordId": str(number),
        "Type": "WindowsEvent",
    }) + "\n"


_PORTAL = ("TimeGenerated [UTC]", "Computer", "EventID", "EventSourceName", "Channel", "Activity", "EventData",
           "EventRecordId", "EventOriginId")


def _portal(event: WindowsEvent, number: int) -> str:
    when = american(event.t)
    when = f"{when[:-3].replace(' ', ', ', 1)}.{event.t % SECOND // 1000:03d}{when[-3:]}"
    return _csv([when, event.host, event.number, event.provider, event.channel, str(event.number), event_data(event),
                 number, event.origin])


# Data of Windows' own events by their place, as .NET's EventLogRecord holds them.
_PLACES: Mapping[int, tuple[str, ...]] = {
    18: ("RuleName", "EventType", "UtcTime", "ProcessGuid", "ProcessId", "PipeName", "Image", "User"),
    1102: ("SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId"),
    4624: ("SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "TargetUserSid",
           "TargetUserName", "TargetDomainName", "TargetLogonId", "LogonType", "LogonProcessName",
           "AuthenticationPackageName", "WorkstationName", "LogonGuid", "TransmittedServices", "LmPackageName",
           "KeyLength", "ProcessId", "ProcessName", "IpAddress", "IpPort"),
    4662: ("SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "ObjectServer", "ObjectType",
           "ObjectName", "OperationType", "HandleId", "AccessList", "AccessMask", "Properties"),
    4719: ("SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId", "CategoryId", "SubcategoryId",
           "SubcategoryGuid", "AuditPolicyChanges"),
    4769: ("TargetUserName", "TargetDomainName", "ServiceName", "ServiceSid", "TicketOptions", "TicketEncryptionType",
           "IpAddress"),
    5156: ("ProcessID", "Application", "Direction", "SourceAddress", "SourcePort", "DestAddress", "DestPort"),
}


def _record(event: WindowsEvent, number: int, when: str) -> str:
    values = event.strings or tuple(event.named.get(name, "-") for name in _PLACES.get(event.number, ()))
    return quoted({
        "Id": event.number, "Version": 0, "RecordId": number, "ProviderName": event.provider,
        "LogName": event.channel, "MachineName": event.host, "TimeCreated": when,
        "Properties": [{"Value": value} for value in values], "Message": message(event),
    })


def _powershell_5(event: WindowsEvent, number: int) -> str:
    return _record(event, number, f"/Date({event.t // 1000})/")


def _powershell_7(event: WindowsEvent, number: int) -> str:
    return _record(event, number, ticks(event.t + 2 * 3600 * SECOND)[:-1] + "+02:00")


def _text(event: WindowsEvent, place: int) -> str:
    """Return the event as wevtutil prints it; it counts the events of the file, not those of the log."""
    return (
        f"Event[{place}]\n  Log Name: {event.channel}\n  Source: {event.provider}\n"
        f"  Date: {ticks(event.t)}\n  Event ID: {event.number}\n  Task: N/A\n  Level: Information\n  Opcode: Info\n"
        f"  Keyword: Audit Success\n  User: N/A\n  User Name: N/A\n  Computer: {event.host}\n"
        f"  Description: \n{message(event)}\n\n"
    )


FORMS: Mapping[str, Form] = {"security-event": SECURITY_EVENT} | {form.name: form for form in (
    Form("security-event-csv", _portal, "csv", opening=_csv(_PORTAL)),
    Form("windows-event", _windows_event, "jsonl"),
    Form("wevtutil-xml", lambda event, number: _xml(event, number) + "\r\n", "xml"),
    Form("wevtutil-root", _xml, "xml", "<Events>", "", "</Events>"),
    Form("event-viewer-xml", _viewer, "xml", '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n<Events>', "",
         "</Events>"),
    Form("toxml-lines", lambda event, number: _xml(event, number) + "\n", "xml"),
    Form("wevtutil-text", _text, "txt", counted=True),
    Form("evtx-dump-xml", _dumped_xml, "xml"),
    Form("evtx-dump-jsonl", lambda event, number: _dumped(event, number, separate=False), "jsonl"),
    Form("evtx-dump-separate", lambda event, number: _dumped(event, number, separate=True), "jsonl"),
    Form("velociraptor", _velociraptor, "json"),
    Form("evtxecmd-json", _evtxecmd, "json"),
    Form("evtxecmd-csv", _evtxecmd_csv, "csv", opening=_csv(_CSV_COLUMNS)),
    Form("winlogbeat", _winlogbeat, "ndjson"),
    Form("winlogbeat-hits", _hit, "json"),
    Form("nxlog", _nxlog, "json"),
    Form("get-winevent-5", _powershell_5, "json", "[\r\n", ",\r\n", "\r\n]\r\n"),
    Form("get-winevent-7", _powershell_7, "json", "[\n", ",\n", "\n]\n"),
)}


def written(events: Sequence[WindowsEvent], form: str) -> str:
    """Return a whole file of these events."""
    shape = FORMS[form]
    number = Numbers(counted=shape.counted)
    return shape.opening + shape.between.join(shape.render(e, number.of(e)) for e in events) + shape.closing
