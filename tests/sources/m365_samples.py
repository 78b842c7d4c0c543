"""Builds tests/samples/m365: `python tests/sources/m365_samples.py`. A test compares the files with it.

The records are invented; their shapes are those of real exports. Each has a name that says what is special.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]

CONTOSO = "3f7c1f1e-6a55-4b8e-9a0e-2b1d7c9e4f10"
FABRIKAM = "a1b2c3d4-1111-4222-8333-444455556666"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
ALICE = "7dccacb0-c3ff-4b02-964b-dd04c5a8f9fe"
BOB = "e4ad2d28-703e-4189-9752-6b827ef9107d"
MAIL_APP = "5a95e683-08ad-424e-a441-1d1aec52c02c"
OTHER_APP = "0d38933a-0bbd-41ca-9ebd-28c4b5ba7cb7"
GRAPH = "00000003-0000-0000-c000-000000000000"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
SESSION = "6807dee3-e818-4e10-bcaf-9ae7c97fcc9c"
SID = "S-1-5-21-1825954961-3338807533-2873504967-26087451"


def guid(number: int) -> str:
    """Return a record's id."""
    return f"c27d7322-9cdc-41b7-9b56-{number:012d}"


def common(number: int, operation: str, record_type: int | str, **fields: Any) -> Record:
    """Return what every record has."""
    return {
        "CreationTime": f"2025-09-01T09:{number:02d}:18",
        "Id": guid(number),
        "Operation": operation,
        "OrganizationId": CONTOSO,
        "RecordType": record_type,
        "ResultStatus": "Succeeded",
        "UserKey": "10032002643F6746",
        "UserType": 0,
        "Version": 1,
        "Workload": "Exchange",
        "UserId": "Alice@contoso.com",
    } | fields


def message(number: int, size: int | None = None) -> Record:
    """Return a message of a folder."""
    item: Record = {"InternetMessageId": f"<m{number}@contoso.com>", "Id": f"RgAAAAB{number}"}
    return item if size is None else item | {"SizeInBytes": size}


def properties(**values: str) -> list[Record]:
    """Return a list of names and values, as these logs write it."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


def mail(number: int, **fields: Any) -> Record:
    """Return a MailItemsAccessed record as Exchange wrote it in 2025."""
    return common(
        number,
        "MailItemsAccessed",
        50,
        AppId=GRAPH,
        ClientAppId=MAIL_APP,
        ClientIPAddress="203.0.113.7",
        ClientInfoString="Client=REST;Client=RESTSystem;;",
        ExternalAccess=False,
        InternalLogonType=0,
        LogonType=0,
        LogonUserSid=SID,
        MailboxGuid="D0C5F8AE-9ED7-4E46-BFDF-EA1460F5A31B",
        MailboxOwnerSid=SID,
        MailboxOwnerUPN="Alice@contoso.com",
        OperationProperties=properties(MailAccessType="Bind", IsThrottled="False"),
        OrganizationName="contoso.onmicrosoft.com",
        OriginatingServer="DB7PR04MB4346 (15.20.9052.019)\r\n",
        OperationCount=1,
        Folders=[{"FolderItems": [message(number, 1000)], "Id": "LgAAAAB", "Path": "\\Inbox"}],
    ) | fields


def token(unique_id: str = "c874WMifAk-OqBkIlk-ELg", tenant: str = CONTOSO, kind: str = "V1AppActAs") -> Record:
    """Return what Exchange says of the token since 2025."""
    return {
        "AppAccessContext": {
            "AADSessionId": SESSION,
            "APIId": GRAPH,
            "ClientAppId": OTHER_APP,
            "IssuedAtTime": "2025-09-01T08:55:12",
            "UniqueTokenId": unique_id,
        },
        "TokenObjectId": ALICE,
        "TokenTenantId": tenant,
        "TokenType": kind,
        "AuthType": "Bearer",
        "DeviceId": "1E728C4F-1AC6-45CD-AE9C-DC400E2AD508",
    }


def sign_in(number: int, operation: str, error: str | None, **fields: Any) -> Record:
    """Return a sign-in record of Entra as the audit log has it since 2021."""
    record = common(
        number,
        operation,
        15,
        ResultStatus="Success" if operation == "UserLoggedIn" else "Failed",
        UserKey=ALICE,
        Workload="AzureActiveDirectory",
        ClientIP="203.0.113.7",
        ObjectId=EXCHANGE,
        AzureActiveDirectoryEventType=1,
        ExtendedProperties=properties(
            ResultStatusDetail="Success", UserAgent="Mozilla/5.0 (Windows NT 10.0)", RequestType="OAuth2:Authorize"
        ),
        ModifiedProperties=[],
        Actor=[{"ID": ALICE, "Type": 0}, {"ID": "Alice@contoso.com", "Type": 5}],
        ActorContextId=CONTOSO,
        ActorIpAddress="203.0.113.7",
        InterSystemsId="c143087e-5447-4027-a464-a7acebe67b79",
        IntraSystemId=guid(number),
        Target=[{"ID": EXCHANGE, "Type": 0}],
        TargetContextId=CONTOSO,
        ApplicationId=MAIL_APP,
        DeviceProperties=properties(OS="Windows 10", Id="1e728c4f-1ac6-45cd-ae9c-dc400e2ad508", SessionId=SESSION),
    )
    return record | ({} if error is None else {"ErrorNumber": error}) | fields


def file(number: int, **fields: Any) -> Record:
    """Return a SharePoint record."""
    return common(
        number,
        "FileDownloaded",
        6,
        Workload="SharePoint",
        UserKey=ALICE,
        ClientIP="203.0.113.7",
        ObjectId="https://contoso.sharepoint.com/sites/Plans/Shared Documents/Plan.docx",
        SiteUrl="https://contoso.sharepoint.com/sites/Plans/",
        UserAgent="Mozilla/5.0 (Windows NT 10.0)",
        ApplicationId=OTHER_APP.upper(),
        FileSizeBytes=52311,
    ) | fields


MAIL: dict[str, Record] = {
    "a mail read with every token field": mail(
        1,
        **token(),
        OperationCount=3,
        Folders=[
            {"FolderItems": [message(1, 1000), message(2, 500)], "Path": "\\Inbox"},
            {"FolderItems": [{"Id": "RgAAAAB3", "SizeInBytes": 7}], "Path": "\\Drafts"},
        ],
    ),
    "a mail read with a consumer's token": mail(2, **token("LqVzINbCskC74Dl3tec2AA==", CONSUMERS)),
    "a mail read of 2021, throttled": mail(
        3,
        RecordType="50",
        UserType="0",
        LogonType="0",
        AppId="",
        ClientAppId="",
        ClientIPAddress="2001:DB8::17",
        ClientInfoString="Client=OWA;Mozilla/5.0 (Windows NT 10.0);",
        SessionId=SESSION.upper(),
        OperationProperties=properties(MailAccessType="Bind", IsThrottled="True"),
    ),
    "a sync of a folder": mail(
        4,
        Folders=None,
        OperationProperties=properties(MailAccessType="Sync"),
        Item={"Id": "LgAAAAB", "ParentFolder": {"Id": "LgAAAAB", "Name": "Inbox", "Path": "\\Inbox"}},
    ),
    "an empty access context": mail(5, AppAccessContext={}),
    "an access context with an empty API": mail(6, AppAccessContext={"APIId": ""}),
    "a token id of zero bytes": mail(7, **token("AAAAAAAAAAAAAAAAAAAAAA")),
    "a delegate in another's mailbox": mail(
        8, LogonType=2, UserId="Bob@contoso.com", **token() | {"TokenObjectId": BOB}
    ),
    "an application with its own token": mail(
        9, **token(kind="V1AppOnly"), UserType=5, UserId="ServicePrincipal_" + OTHER_APP, LogonType=1
    ),
    "Exchange with a token that it issued itself": mail(
        10, **token(kind="SubstrateProcessorCallbackPft"), UserType=5, ClientAppId=EXCHANGE
    ),
    "a record of the system": mail(11, UserType=4, LogonType=4),
    "an id token": mail(12, **token(kind="V1IdToken")),
    "a failed deletion of several messages": common(
        13,
        "HardDelete",
        3,
        ResultStatus="Failed",
        ClientIPAddress="[2001:db8::5]:443",
        MailboxOwnerUPN="Alice@contoso.com",
        AffectedItems=[message(1), message(2)],
    ),
    'a sent message with "quotes" in its subject': common(
        14, "Send", 2, ClientIPAddress="203.0.113.7", Item=message(1, 4000) | {"Subject": 'Re: "plan" \\ ü\n2'}
    ),
}

CMDLETS: dict[str, Record] = {
    "an inbox rule with a token id": common(
        15,
        "New-InboxRule",
        1,
        ResultStatus="True",
        UserType=2,
        ClientIP="198.51.100.9:24528",
        ObjectId=ALICE + "\\17639250888751054849",
        AppId=EXCHANGE,
        ClientAppId="",
        AppAccessContext={"IssuedAtTime": "2025-09-01T09:01:00", "UniqueTokenId": "MAvPl7EnRECtYhC4q6h_AA"},
        Parameters=properties(Name=".", DeleteMessage="True", SubjectContainsWords="invoice"),
        SessionId=SESSION,
    ),
    "a cmdlet without a token id": common(
        16, "Set-Mailbox", 1, ResultStatus="False", ClientIP="[2001:db8::a]:52629", AppId=EXCHANGE, ClientAppId=""
    ),
    "a compliance cmdlet with its parameters as a text": common(
        17, "Remove-DlpCompliancePolicy", 18, ResultStatus="Success", Parameters='-Identity "Plan"'
    ),
    "an operation of Exchange's that has a record type of its own": common(
        58, "MailboxSettingsRead", 9999, AppAccessContext={"UniqueTokenId": "c874WMifAk-OqBkIlk-ELg"}
    ),
    "a token issue for another token": common(
        18,
        "GATFRTokenIssue",
        275,
        ClientIP="",
        ResourceURL="https://outlook.office365.com/Plans",
        UniqueTokenIdentifier="6Av1yQCMt0GWPvvqE1h1AA",
        TokenTenantId=FABRIKAM,
        AppAccessContext={"IssuedAtTime": "2025-09-01T08:55:12", "UniqueTokenId": "c874WMifAk-OqBkIlk-ELg"},
    ),
    "a token issue that names its own id twice": common(
        19,
        "GATFRTokenIssue",
        275,
        ResourceURL="https://outlook.office365.com/",
        UniqueTokenIdentifier="6Av1yQCMt0GWPvvqE1h1AA",
        AppAccessContext={"IssuedAtTime": "2025-09-01T09:14:18", "UniqueTokenId": "6Av1yQCMt0GWPvvqE1h1AA=="},
    ),
}

SIGN_INS: dict[str, Record] = {
    "a sign-in": sign_in(20, "UserLoggedIn", "0"),
    "a sign-in of 2020": sign_in(
        21,
        "UserLoggedIn",
        "0",
        IntraSystemId=guid(121),
        UserKey="10032002643F6746@contoso.com",
        ObjectId="Unknown",
        OrganizationId=CONTOSO.upper(),
        ActorContextId=FABRIKAM,
        DeviceProperties=None,
    ),
    "a sign-in that stopped at keep me signed in": sign_in(22, "UserLoggedIn", "50140"),
    "a wrong password": sign_in(23, "UserLoginFailed", "50126", LogonError="InvalidUserNameOrPassword"),
    "a demand for a second factor": sign_in(24, "UserLoginFailed", "50074"),
    "a demand for a second factor in words": sign_in(
        25, "UserLoginFailed", None, LogonError="UserStrongAuthClientAuthNRequiredInterrupt"
    ),
    "nobody's sign-in": sign_in(
        26, "UserLoginFailed", "50034", UserKey="Not Available", UserId="Not Available", Actor=[], Target=[]
    ),
}

FILES: dict[str, Record] = {
    "a download with a token id": file(
        30,
        AppAccessContext={
            "AADSessionId": SESSION, "CorrelationId": "c143087e-5447-4027-a464-a7acebe67b79",
            "ClientAppId": MAIL_APP, "UniqueTokenId": "lWFESr3o3kaAbesWkAlHAA",
        },
    ),
    "a file opened by SharePoint itself": file(
        31,
        RecordType="SharePointFileOperation",
        Operation="FileAccessed",
        UserType=5,
        UserId="app@sharepoint",
        UserKey="i:0i.t|00000003-0000-0ff1-ce00-000000000000|app@sharepoint",
        AppAccessContext={"ClientAppName": "Indexer", "CorrelationId": "c143087e-5447-4027-a464-a7acebe67b79"},
    ),
    "a file opened by a user with a PUID": file(32, UserKey="i:0h.f|membership|1003200264@live.com"),
    "a chat message": common(
        33,
        "MessageSent",
        25,
        Workload="MicrosoftTeams",
        UserKey=ALICE,
        ClientIP="::ffff:203.0.113.7",
        AppAccessContext={"IssuedAtTime": "2025-09-01T08:55:12", "UniqueTokenId": "lWFESr3o3kaAbesWkAlHAA"},
        ChatThreadId="19:0123@thread.v2",
        CommunicationType="OneOnOne",
        MessageId="1725180000000",
    ),
    "a message in a channel": common(
        34, "MessageSent", 25, Workload="MicrosoftTeams", UserKey=ALICE, TeamGuid="19:team@thread.tacv2",
        TeamName="Plans", ChannelGuid="19:channel@thread.tacv2", CommunicationType="Team",
    ),
    "a directory change": common(
        35,
        "Add member to role.",
        8,
        ResultStatus="Success",
        Workload="AzureActiveDirectory",
        ObjectId="Bob@contoso.com",
        ExtendedProperties=properties(additionalDetails="{}"),
        ModifiedProperties=[{"Name": "Role.DisplayName", "NewValue": "Company Administrator " * 400, "OldValue": ""}],
        Actor=[{"ID": "Alice@contoso.com", "Type": 5}, {"ID": BOB, "Type": 2}, {"ID": "User_" + ALICE, "Type": 2}],
    ),
    "a directory change with a token id": common(
        36, "Update user.", 8, AppAccessContext={"UniqueTokenId": "lWFESr3o3kaAbesWkAlHAA"}
    ),
    "a tenant that is a placeholder": mail(37, OrganizationId="$RestApiTenantId$"),
    "a record without a type": mail(38, RecordType=None),
    "a date in words": mail(39, CreationTime="yesterday"),
    "a date with an offset": mail(40, CreationTime="2025-09-01T09:40:18+02:00"),
}

RECORDS: dict[str, Record] = {**MAIL, **CMDLETS, **SIGN_INS, **FILES}

# Records that every other wrapper carries too.
CARRIED = (
    "a mail read with every token field",
    "a sync of a folder",
    "an inbox rule with a token id",
    "a token issue for another token",
    "a sign-in",
    "a download with a token id",
    "a chat message",
)


def _lines(records: list[Any]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def _csv(rows: list[Record]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _compact(record: Record | None) -> str:
    return "" if record is None else json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _search_row(record: Record | None, date: str, index: int, count: int) -> Record:
    return {
        "RecordType": "ExchangeItemAggregated",
        "CreationDate": date,
        "UserIds": "Alice@contoso.com",
        "Operations": "MailItemsAccessed",
        "AuditData": _compact(record),
        "ResultIndex": index,
        "ResultCount": count,
        "Identity": record["Id"] if record else guid(99),
        "IsValid": "True",
        "ObjectState": "Unchanged",
    }


def _undated(number: int) -> Record:
    record = mail(number)
    del record["CreationTime"]
    return record


# Records without a time of their own, by the date of their row.
ROW_DATES = {
    "5/18/2021 9:13:33 PM": _undated(50),
    "18/05/2021 21:13:33": _undated(51),
    "5/5/2021 12:13:33 AM": _undated(52),
    "5/6/2021 9:13:33 PM": _undated(53),
    "2021-05-18T21:13:33.0000000Z": _undated(54),
}


def _search() -> bytes:
    rows = [(RECORDS[name], "9/1/2025 9:01:18 AM") for name in CARRIED]
    rows += [(RECORDS[CARRIED[0]], "01/09/2025 09:01:18")]  # an overlapping query
    rows += [(record, date) for date, record in ROW_DATES.items()]
    empty: list[tuple[Record | None, str]] = [(None, "9/1/2025 9:01:18 AM")]
    return _csv([_search_row(r, date, i, len(rows) + 40) for i, (r, date) in enumerate([*rows, *empty], 1)])


def _search_json() -> bytes:
    rows: list[Record] = []
    for index, name in enumerate(CARRIED):
        row = _search_row(RECORDS[name], "/Date(1756717278000)/", index + 1, len(CARRIED))
        rows.append(row | {"AuditData": RECORDS[name]} if index % 2 else row)
    rows.append(_search_row(_undated(55), "/Date(1756717278000)/", 8, 8))
    # Windows PowerShell indents like this and escapes slashes
    return json.dumps(rows, indent=4).replace("/Date", "\\/Date").replace(")/", ")\\/").encode("utf-8-sig")


def _purview() -> bytes:
    return _csv([
        {
            "RecordId": RECORDS[name]["Id"],
            "CreationDate": "2025-09-01T09:01:18.0000000Z",
            "RecordType": RECORDS[name]["RecordType"],
            "Operation": RECORDS[name]["Operation"],
            "UserId": RECORDS[name]["UserId"],
            "AuditData": _compact(RECORDS[name]),
            "AssociatedAdminUnits": "",
            "AssociatedAdminUnitsNames": "",
        }
        for name in CARRIED
    ])


def _graph() -> bytes:
    records = [
        {
            "id": RECORDS[name]["Id"],
            "createdDateTime": "2025-09-01T09:01:18Z",
            "auditLogRecordType": "exchangeItemAggregated",
            "operation": RECORDS[name]["Operation"],
            "organizationId": CONTOSO,
            "auditData": {"@odata.type": "#microsoft.graph.security.defaultAuditData", **RECORDS[name]},
        }
        for name in CARRIED
    ]
    link = "https://graph.microsoft.com/beta/security/auditLog/queries/1/records?$skiptoken=1"
    return json.dumps({"value": records, "@odata.nextLink": link}, indent=1).encode()


def _cloud_app_row(event: Any, **fields: Any) -> Record:
    return {
        "Timestamp": "2025-09-01T09:01:18.1234567Z",
        "ActionType": "MailItemsAccessed",
        "Application": "Microsoft Exchange Online",
        "AccountObjectId": ALICE,
        "AccountId": ALICE,
        "IPAddress": "203.0.113.7",
        "RawEventData": event,
        "ReportId": "91710815_20893_" + guid(1),
    } | fields


def _cloud_apps() -> list[Record]:
    rows = [_cloud_app_row(_compact(RECORDS[n]) if i % 2 else RECORDS[n]) for i, n in enumerate(CARRIED)]
    foreign = {"id": {"time": "2026-07-18T16:57:49Z"}, "kind": "admin#reports#activity"}
    rows += [_cloud_app_row(foreign, ActionType="activity", Application="Google Workspace", ReportId="77_1_A")]
    return [*rows, _cloud_app_row(None), _cloud_app_row('{"CreationTime":"2025-09-01T09:01:18","Id":')]


def _stream() -> list[Record]:
    return [
        {
            "time": "2025-09-01T09:21:00.0526253Z",
            "tenantId": CONTOSO,
            "operationName": "Publish",
            "category": "AdvancedHunting-CloudAppEvents",
            "properties": _cloud_app_row(RECORDS[name]),
        }
        for name in CARRIED
    ]


_OFFICE_NAMES = {
    "CreationTime": "TimeGenerated", "Id": "OfficeId", "ObjectId": "OfficeObjectId", "Workload": "OfficeWorkload",
    "LogonType": "Logon_Type", "ClientIPAddress": "Client_IPAddress", "SiteUrl": "Site_Url",
}
_OFFICE_LOST = {
    "AppAccessContext", "TokenObjectId", "TokenTenantId", "TokenType", "AuthType", "DeviceId", "UniqueTokenIdentifier",
    "IntraSystemId", "DeviceProperties", "FileSizeBytes", "Version", "OriginatingServer",
}
_OFFICE_VALUES = {
    "Logon_Type": {0: "Owner"}, "UserType": {0: "Regular", 2: "Admin"},
    "RecordType": {50: "50", 1: "ExchangeAdmin", 6: "SharePointFileOperation", 25: "MicrosoftTeams"},
}


def office_row(record: Record) -> Record:
    """Return the record as a row of OfficeActivity."""
    row: Record = {"TenantId": guid(0), "Type": "OfficeActivity", "OfficeTenantId": "$RestApiTenantId$"}
    for name, value in record.items():
        if name in _OFFICE_LOST or value is None:
            continue
        column = _OFFICE_NAMES.get(name, name)
        value = _OFFICE_VALUES.get(column, {}).get(value, value) if isinstance(value, int) else value
        row[column] = json.dumps(value) if isinstance(value, list | dict) else str(value)
    row["TimeGenerated"] += "Z"
    return row


def files() -> dict[str, bytes]:
    """Return every sample by its name."""
    office = [office_row(RECORDS[name]) for name in CARRIED if name != "a sign-in"]
    return {
        "api.jsonl": _lines(list(RECORDS.values())),
        "api-blob.json": json.dumps([RECORDS[name] for name in CARRIED]).encode(),
        "search.csv": _search(),
        "search.json": _search_json(),
        "purview.csv": _purview(),
        "graph.json": _graph(),
        "cloudappevents.jsonl": _lines(_cloud_apps()),
        "cloudappevents-stream.jsonl": _lines(_stream()),
        "officeactivity.jsonl": _lines(office),
    }


if __name__ == "__main__":
    for name, content in files().items():
        (Path(__file__).parent.parent / "samples" / "m365" / name).write_bytes(content)
