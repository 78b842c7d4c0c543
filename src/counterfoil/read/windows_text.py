"""Windows events as wevtutil prints them (`/f:text`), one JSON object an event.

An event is a line `Event[N]:`, labels indented by two spaces, and a description that runs to the next event. There is
no record number. The labels are those of English Windows. A description holds what strangers wrote: a line in it that
looks like the beginning of an event is taken for one only if it has the next number, which a stranger cannot know.

Older Windows prints local time without a zone: such events are refused, since an issuance read hours off would accuse
people. Form and labels as documented for wevtutil and shown in public posts; no real file seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from counterfoil.read.windows_xml import NO_EVENT, Found, as_json

_BEGIN = re.compile(r"Event\[(\d{1,12})\]:?[ \t\r]*$")
_HEAD = re.compile(r"\s*Event\[\d{1,12}\]:?[ \t\r]*\n")
_FIRST = "  Log Name:"
_LABEL = re.compile(r"^  ([A-Z][A-Za-z ]{1,20}):[ \t]?(.*)$")
_LABELS = {
    "Log Name": "Channel", "Source": "Provider", "Date": "TimeCreated", "Event ID": "EventID", "Task": "Task",
    "Computer": "Computer",
}
_DESCRIPTION = "Description"
MAX_LABELS = 40
ZONELESS = "local time without a time zone: export with wevtutil /f:xml"
FOREIGN = "wevtutil text in another language: export with wevtutil /f:xml"

# Labels of the descriptions of Windows' own events -> the name of the datum, by section and label in lower case.
_DATA = {
    ("subject", "account name"): "SubjectUserName",
    ("subject", "account domain"): "SubjectDomainName",
    ("subject", "domain name"): "SubjectDomainName",
    ("new logon", "account name"): "TargetUserName",
    ("new logon", "account domain"): "TargetDomainName",
    ("account information", "account name"): "TargetUserName",
    ("account information", "account domain"): "TargetDomainName",
    ("service information", "service name"): "ServiceName",
    ("logon information", "logon type"): "LogonType",
    ("", "logon type"): "LogonType",
    ("network information", "source network address"): "IpAddress",
    ("network information", "client address"): "IpAddress",
    ("network information", "source address"): "SourceAddress",
    ("network information", "destination address"): "DestAddress",
    ("network information", "destination port"): "DestPort",
    ("object", "object name"): "ObjectName",
    ("object", "object type"): "ObjectType",
    ("operation", "access mask"): "AccessMask",
    ("operation", "properties"): "Properties",
    ("audit policy change", "subcategory guid"): "SubcategoryGuid",
    ("audit policy change", "changes"): "AuditPolicyChanges",
    ("", "pipename"): "PipeName",
    ("", "image"): "Image",
    ("", "user"): "User",
}
_LONG = ("Properties",)  # its value runs on over the next lines
_SECTION = re.compile(r"^([A-Z][A-Za-z ]{1,40}):\s*$")
_DATUM = re.compile(r"^\s*([A-Z][A-Za-z ]{1,40}):\s*(.*?)\s*$")
MAX_DESCRIPTION_LINES = 400  # of those that are looked through for labels
_PROVIDERS = (
    "microsoft-windows-security-auditing", "microsoft-windows-sysmon", "microsoft-windows-eventlog", "eventlog"
)


def looks_like(text: str) -> bool:
    """Tell whether a file begins as wevtutil's text does, in any language."""
    return _HEAD.match(text) is not None


def foreign(text: str) -> bool:
    """Tell whether the labels are of another language."""
    found = _HEAD.match(text)
    return found is not None and not text[found.end() :].lstrip().startswith("Log Name:")


def events(texts: Iterable[str], longest: int) -> Iterator[Found]:
    """Yield the events of a file in order; one of more than `longest` characters is refused, and not held."""
    lines: list[str] = []
    size, expected = 0, None
    for line in _lines(texts, longest):
        number = _number(line)
        if number is not None and expected in (None, number):
            yield from _events(lines, size, expected, longest)
            lines, size, expected = [], 0, number + 1
            continue
        size += len(line) + 1
        if size <= longest:
            lines.append(line)
    yield from _events(lines, size, expected, longest)


def _lines(texts: Iterable[str], longest: int) -> Iterator[str]:
    rest = ""
    for text in texts:
        *whole, rest = (rest + text).split("\n")
        yield from whole
        rest = rest[: longest + 1]  # enough to be refused for its length
    yield rest


def _number(line: str) -> int | None:
    found = _BEGIN.match(line)
    return int(found[1]) if found else None


def _events(lines: list[str], size: int, expected: int | None, longest: int) -> Iterator[Found]:
    """Yield the event of these lines, and a refusal for every one in it that stands out of order."""
    if expected is None:
        if any(line.strip() for line in lines):
            yield None, NO_EVENT
        return
    if size > longest:
        yield None, f"event longer than {longest >> 20} MiB"
        return
    inner = [n for n, (one, two) in enumerate(pairwise(lines)) if _number(one) is not None and two.startswith(_FIRST)]
    yield _event(lines[: inner[0]] if inner else lines)
    for place in inner:
        yield None, f"{lines[place].strip()} where Event[{expected}] is due: one export a file"


def _event(lines: list[str]) -> Found:
    fields: dict[str, str] = {}
    description: list[str] = []
    for place, line in enumerate(lines[:MAX_LABELS]):
        found = _LABEL.match(line.rstrip("\r"))
        if found is None:
            break
        if found[1] == _DESCRIPTION:
            description = [found[2], *lines[place + 1 :]]
            break
        if found[1] in _LABELS:
            fields.setdefault(_LABELS[found[1]], found[2].strip())
    if "EventID" not in fields:
        return None, NO_EVENT
    if not fields.get("TimeCreated", "").endswith("Z"):
        return None, ZONELESS
    fields["Message"] = "\n".join(line.rstrip("\r") for line in description).strip().replace("\x00", " ")
    named = _data(description) if fields.get("Provider", "").lower() in _PROVIDERS else {}
    return as_json(fields, named, []), None


def _data(description: list[str]) -> dict[str, str]:
    """Return the data that the description of one of Windows' own events names."""
    found: dict[str, str] = {}
    section, running = "", ""
    for line in description[:MAX_DESCRIPTION_LINES]:
        if head := _SECTION.match(line):
            section, running = head[1].lower(), ""
            continue
        datum = _DATUM.match(line)
        if datum:
            name = _DATA.get((section, datum[1].lower()), "")
            running = name if name in _LONG else ""
            if name:
                found.setdefault(name, datum[2])
        elif running:
            found[running] = f"{found[running]} {line.strip()}".strip()
    return found
