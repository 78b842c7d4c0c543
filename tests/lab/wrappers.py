"""More wrappers: the audit log in Purview, Defender, Sentinel and bare lines, sign-ins in pages of Graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.lab.history.clock import seconds, ticks
from counterfoil.lab.history.files import Output, Sink
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.losses import Kind
from counterfoil.lab.history.wrap_audit import AuditRow, cell
from counterfoil.lab.history.wrap_signin import SigninRow

_APPLICATIONS = {
    "Exchange": "Microsoft Exchange Online",
    "SharePoint": "Microsoft SharePoint Online",
    "MicrosoftTeams": "Microsoft Teams",
    "AzureActiveDirectory": "Microsoft 365",
}


class _Outer(msgspec.Struct, frozen=True, gc=False):
    Id: str
    Operation: str
    RecordType: int
    UserId: str
    UserKey: str
    Workload: str
    ClientIP: str = ""
    TokenObjectId: str = ""


_outer = msgspec.json.Decoder(_Outer)


def management_lines(_: int, folder: Path) -> Sink[AuditRow]:
    """Write AuditData alone, a record a line."""
    return Output(folder, "AuditData", "jsonl", lambda rows: [body + "\n" for _, body in rows])


def purview_csv(_: int, folder: Path) -> Sink[AuditRow]:
    """Write a search of Purview."""
    header = "RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits,"
    return Output(folder, "purview", "csv", _purview_rows, opening=header + "AssociatedAdminUnitsNames\r\n")


def _purview_rows(rows: list[AuditRow]) -> list[str]:
    cells = []
    for t, body in rows:
        outer = _outer.decode(body)
        cells.append(
            f"{outer.Id},{seconds(t)}.0000000Z,{outer.RecordType},{outer.Operation},{cell(outer.UserId)},"
            f"{cell(body)},,\r\n"
        )
    return cells


def cloud_app_events(seed: int, folder: Path) -> Sink[AuditRow]:
    """Write Defender's table CloudAppEvents."""
    rng = seeded(seed, "cloud app events")
    workspace = guid(rng)

    def render(rows: list[AuditRow]) -> list[str]:
        out = []
        for t, body in rows:
            outer = _outer.decode(body)
            application = _APPLICATIONS[outer.Workload]
            oid = outer.TokenObjectId or (outer.UserKey if "-" in outer.UserKey else "")
            lag = t + 60_000_000 + rng.getrandbits(29)
            out.append(
                f'{{"TenantId":"{workspace}","TimeGenerated":"{ticks(lag)}","Timestamp":"{ticks(t)}",'
                f'"ActionType":"{outer.Operation}","Application":"{application}","ApplicationId":20892,'
                f'"AccountObjectId":"{oid}","AccountId":"{outer.UserId}","AccountDisplayName":"{outer.UserId}",'
                f'"IPAddress":"{outer.ClientIP}","RawEventData":{body},"ReportId":"{t}_20892_{outer.Id}",'
                f'"SourceSystem":"","Type":"CloudAppEvents"}}\n'
            )
        return out

    return Output(folder, "CloudAppEvents", "jsonl", render)


_OFFICE_NAMES = {
    "CreationTime": "TimeGenerated",
    "Id": "OfficeId",
    "Workload": "OfficeWorkload",
    "ClientIPAddress": "Client_IPAddress",
    "MailboxOwnerSid": "MailboxOwnerSid",
    "ObjectId": "OfficeObjectId",
}
# Columns that the table does not have: with them go the token ids.
_OFFICE_LOST = {
    "AppAccessContext", "TokenObjectId", "TokenTenantId", "TokenType", "AuthType", "ActorInfoString", "SessionId",
    "UniqueTokenIdentifier", "ResourceURL", "OperationCount", "Version",
}
_USER_TYPES = {0: "Regular", 2: "Admin", 5: "Application"}
_LOGONS = {0: "Owner", 1: "Admin", 2: "Delegated"}


def _office_row(workspace: str, t: int, lag: int, body: str) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.json.decode(body)
    row: dict[str, Any] = {"TenantId": workspace}
    for key, value in data.items():
        if key in _OFFICE_LOST:
            continue
        nested = isinstance(value, list | dict)
        row[_OFFICE_NAMES.get(key, key)] = msgspec.json.encode(value).decode() if nested else value
    row["TimeGenerated"] = seconds(t) + "Z"
    row["RecordType"] = str(data["RecordType"])
    row["UserType"] = _USER_TYPES.get(data["UserType"], "Regular")
    row["OrganizationId_"], row["UserId_"] = data["OrganizationId"], data["UserId"]
    row["OfficeTenantId"] = row["OfficeTenantId_"] = "$RestApiTenantId$"
    row["SourceRecordId"] = data["Id"]
    row["Start_Time"] = row["ElevationTime"] = seconds(lag) + "Z"
    row["SourceSystem"], row["Type"] = "OfficeActivityManager", "OfficeActivity"
    if "LogonType" in row:
        row["Logon_Type"] = _LOGONS[row.pop("LogonType")]
    return row


def office_activity(seed: int, folder: Path) -> Sink[AuditRow]:
    """Write Sentinel's table OfficeActivity: Exchange, SharePoint and Teams, not the directory's logons."""
    rng = seeded(seed, "office activity")
    workspace = guid(rng)

    def render(rows: list[AuditRow]) -> list[str]:
        kept = [(t, body) for t, body in rows if '"RecordType":15,' not in body]
        out = [_office_row(workspace, t, t + 60_000_000 + rng.getrandbits(29), body) for t, body in kept]
        return [msgspec.json.encode(row).decode() + "\n" for row in out]

    return Output(folder, "OfficeActivity", "jsonl", render)


_EVENT_TYPES: dict[Kind, str] = {
    "interactive": "interactiveUser",
    "non-interactive": "nonInteractiveUser",
    "service-principal": "servicePrincipal",
    "managed-identity": "managedIdentity",
}
_PAGE = 1000  # sign-ins per page of Graph
# `{"id":"<36>","createdDateTime":"2025-09-01T08:00:00` and from there `.1234560Z`, which Graph does not write.
_FRACTION = len('{"id":"","createdDateTime":"2025-09-01T08:00:00') + 36
_FRACTION_END = _FRACTION + len(".1234560")


class graph_pages:  # noqa: N801  # a wrapper as the others are
    """Documents of Graph, each a page of at most 1,000 sign-ins of one kind."""

    def __init__(self, seed: int, tenant_id: str, kind: Kind, folder: Path) -> None:  # noqa: ARG002  # as others need
        self._folder, self._kind = folder, kind
        self._waiting: list[SigninRow] = []
        self._paths: list[Path] = []
        self.lines = 0

    def write(self, rows: Sequence[SigninRow]) -> None:
        """Keep sign-ins until they fill pages."""
        self._waiting += rows
        while len(self._waiting) > _PAGE:
            self._page(self._waiting[:_PAGE], last=False)
            self._waiting = self._waiting[_PAGE:]

    def _page(self, rows: list[SigninRow], *, last: bool) -> None:
        number = len(self._paths) + 1
        base = "https://graph.microsoft.com/beta"
        following = "" if last else f'"@odata.nextLink":"{base}/auditLogs/signIns?$skiptoken={number + 1:08x}",'
        head = f'{{"@odata.context":"{base}/$metadata#auditLogs/signIns",{following}"value":['
        stem = f"signIns-{_EVENT_TYPES[self._kind]}-{number:04d}"
        output = Output(self._folder, stem, "json", self._render, opening=head, between=",", closing="]}")
        output.write(rows)
        self._paths += output.close()
        self.lines += output.lines

    def _render(self, rows: list[SigninRow]) -> list[str]:
        head = f'{{"signInEventTypes":["{_EVENT_TYPES[self._kind]}"],'
        return [f"{head}{body[1:_FRACTION]}{body[_FRACTION_END:]}" for _, body, *_ in rows]

    def close(self) -> list[Path]:
        """Write the last page and return the paths."""
        if self._waiting:
            self._page(self._waiting, last=True)
            self._waiting = []
        return self._paths
