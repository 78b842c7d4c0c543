"""What Windows says of an event in words (English), for the forms that print or ship its message."""

from __future__ import annotations

from collections.abc import Mapping

from .windows import AUDITING, WindowsEvent

_XML = "{first} See XML for details. \n\nActivity ID: {0} \n\nAdditional Data \nXML: {1}"
_CLAIMS = (
    "More information for the event entry with Instance ID {0}. There may be more events with the same Instance ID with"
    " more information. \n\nInstance ID: \n{0} \n\n{first} \n{claims}"
)
_AUDITS = {
    299: "A token was successfully issued for the relying party '{2}'. See audit 500 with the same Instance ID for"
         " issued claims. \n\nInstance ID: {0} \n\nActivity ID: {1}",
    403: "An HTTP request was received. See audit 510 with the same Instance ID for headers. \n\nInstance ID: {0} \n\n"
         "Activity ID: {1} \n\nRequest Details: \n    Date And Time: {2} \n    Client IP: {3} \n    HTTP Method: {4} \n"
         "    Url Absolute Path: {5} \n    Query string: {6} \n    Local Port: {7} \n    Local IP: {8} \n"
         "    User agent: {9}",
    404: "An HTTP response was dispatched. See audit 510 with the same Instance ID for headers. \n\nInstance ID: {0}"
         " \n\nActivity ID: {1} \n\nResponse Details: \n    Date And Time: {2} \n    Status Code: {3} \n"
         "    Status Description: {4}",
    410: "Following request context headers present : \n\nActivity ID: {0} \n\nX-MS-Client-Application: {1} \n"
         "X-MS-Client-User-Agent: {2} \nclient-request-id: {3} \nX-MS-Endpoint-Absolute-Path: {4} \n"
         "X-MS-Forwarded-Client-IP: {5}",
    411: "Token validation failed. See inner exception for more details. \n\nAdditional Data \n\nActivity ID: {0} \n\n"
         "Token Type: \n{1} \n\nClient IP: \n{2} \n\nError message: \n{3}",
    412: "A token of type '{2}' for relying party '{3}' was successfully authenticated. See audit 501 with the same"
         " Instance ID for caller identity. \n\nInstance ID: {0} \n\nActivity ID: {1}",
}
_FIRST = {
    1200: "The Federation Service issued a valid token.",
    1201: "The Federation Service failed to issue a valid token.",
    1202: "The Federation Service validated a new credential.",
    1203: "The Federation Service failed to validate a new credential.",
    500: "Issued identity:",
    501: "Caller identity:",
}
# Sections and labels of Windows' own events, with the datum that each shows.
_SECTIONS: Mapping[int, tuple[str, Mapping[str, Mapping[str, str]]]] = {
    1102: ("The audit log was cleared.", {
        "Subject": {"Account Name": "SubjectUserName", "Domain Name": "SubjectDomainName"}}),
    4624: ("An account was successfully logged on.", {
        "Subject": {"Account Name": "SubjectUserName", "Account Domain": "SubjectDomainName"},
        "Logon Information": {"Logon Type": "LogonType"},
        "New Logon": {"Account Name": "TargetUserName", "Account Domain": "TargetDomainName"},
        "Network Information": {"Source Network Address": "IpAddress"}}),
    4662: ("An operation was performed on an object.", {
        "Subject": {"Account Name": "SubjectUserName", "Account Domain": "SubjectDomainName"},
        "Object": {"Object Type": "ObjectType", "Object Name": "ObjectName"},
        "Operation": {"Access Mask": "AccessMask", "Properties": "Properties"}}),
    4719: ("System audit policy was changed.", {
        "Subject": {"Account Name": "SubjectUserName", "Account Domain": "SubjectDomainName"},
        "Audit Policy Change": {"Subcategory GUID": "SubcategoryGuid", "Changes": "AuditPolicyChanges"}}),
    4769: ("A Kerberos service ticket was requested.", {
        "Account Information": {"Account Name": "TargetUserName", "Account Domain": "TargetDomainName"},
        "Service Information": {"Service Name": "ServiceName"},
        "Network Information": {"Client Address": "IpAddress"}}),
    5156: ("The Windows Filtering Platform has permitted a connection.", {
        "Network Information": {
            "Source Address": "SourceAddress", "Destination Address": "DestAddress", "Destination Port": "DestPort"}}),
}


def message(event: WindowsEvent) -> str:
    """Return the message of the event, lines ending in a line feed."""
    if event.provider == AUDITING:
        return _audit(event)
    if event.number in _SECTIONS:
        first, sections = _SECTIONS[event.number]
        said = event.named
        parts = [
            f"\n{section}:\n" + "".join(f"\t{label}:\t\t{said.get(name, '-')}\n" for label, name in labels.items())
            for section, labels in sections.items()
        ]
        return f"{first}\n" + "".join(parts)
    if event.strings:
        return f"Audit event: {event.strings[0]}"
    return "".join(f"{name}: {value}\n" for name, value in event.named.items())


def _audit(event: WindowsEvent) -> str:
    first = _FIRST.get(event.number, "")
    strings = [text.replace("\r\n", "\n") for text in event.strings]
    if event.number in (500, 501):
        return _CLAIMS.format(*strings, first=first, claims=" \n\n".join(strings[1:]))
    return _AUDITS.get(event.number, _XML).format(*strings, first=first)
