"""The wrappers in which audit records are exported: same AuditData, different outsides.

A sink takes one slice of rows (time, AuditData as JSON), sorted by time, and writes it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.lab.history.clock import american, australian, seconds, ticks
from counterfoil.lab.history.files import Output
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.settings import AuditWrapper, Tenant

AuditRow = tuple[int, str]
_CAP = 5000  # rows of one Search-UnifiedAuditLog query
RECORD_TYPES = {
    1: "ExchangeAdmin",
    6: "SharePointFileOperation",
    15: "AzureActiveDirectoryStsLogon",
    25: "MicrosoftTeams",
    50: "ExchangeItemAggregated",
    275: "275",
}
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


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


class AuditSink:
    """Writes audit records in one wrapper; a share of the lines may come twice, as overlapping queries give them."""

    def __init__(
        self, tenant: Tenant, output: Output, render: Callable[[list[AuditRow]], list[str]], duplicates: random.Random
    ) -> None:
        self._share, self._duplicates = tenant.duplicate_share, duplicates
        self._output, self._render = output, render
        self.lines = 0

    def write(self, rows: list[AuditRow]) -> None:
        """Write one slice of rows; all are of one day."""
        if self._share:
            rows = [row for row in rows for _ in range(2 if self._duplicates.random() < self._share else 1)]
        if rows:
            pieces = self._render(rows)
            self.lines += len(pieces)
            self._output.write(rows[0][0], pieces)

    def close(self) -> list[Path]:
        """Finish the files and return them."""
        self._output.close()
        return self._output.paths


def _management_api(tenant: Tenant) -> Callable[[list[AuditRow]], list[str]]:
    rng = seeded(tenant.seed, "enum text")
    share = tenant.enum_text_share

    def render(rows: list[AuditRow]) -> list[str]:
        if not share:
            return [body for _, body in rows]
        return [_enums_as_text(body) if rng.random() < share else body for _, body in rows]

    return render


def _enums_as_text(body: str) -> str:
    for key in ("RecordType", "UserType"):
        head, found, tail = body.partition(f'"{key}":')
        if found:
            number, comma, rest = tail.partition(",")
            body = f'{head}{found}"{number}"{comma}{rest}'
    return body


def _lines(rows: list[AuditRow]) -> list[str]:
    return [body + "\n" for _, body in rows]


def _search_csv(tenant: Tenant) -> Callable[[list[AuditRow]], list[str]]:
    local = american if tenant.csv_dates == "american" else australian

    def render(rows: list[AuditRow]) -> list[str]:
        cells = []
        for index, (t, body) in enumerate(rows):
            outer = _outer.decode(body)
            # Each slice is one query: its rows are numbered and say how many there are, up to the cap of a query.
            total = min(_CAP, len(rows) - index // _CAP * _CAP)
            cells.append(
                f'"{RECORD_TYPES[outer.RecordType]}","{local(t)}",{_cell(outer.UserId)},"{outer.Operation}",'
                f'{_cell(body)},"{index % _CAP + 1}","{total}","{outer.Id}","True","Unchanged"\r\n'
            )
        return cells

    return render


def _purview_csv(rows: list[AuditRow]) -> list[str]:
    cells = []
    for t, body in rows:
        outer = _outer.decode(body)
        cells.append(
            f"{outer.Id},{seconds(t)}.0000000Z,{outer.RecordType},{outer.Operation},{_cell(outer.UserId)},"
            f"{_cell(body)},,\r\n"
        )
    return cells


def _cloud_app_events(tenant: Tenant) -> Callable[[list[AuditRow]], list[str]]:
    rng = seeded(tenant.seed, "cloud app events")
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

    return render


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


def _office_activity(tenant: Tenant) -> Callable[[list[AuditRow]], list[str]]:
    rng = seeded(tenant.seed, "office activity")
    workspace = guid(rng)

    def render(rows: list[AuditRow]) -> list[str]:
        # The table holds Exchange, SharePoint and Teams, not the directory's logons.
        kept = [(t, body) for t, body in rows if '"RecordType":15,' not in body]
        out = [_office_row(workspace, t, t + 60_000_000 + rng.getrandbits(29), body) for t, body in kept]
        return [msgspec.json.encode(row).decode() + "\n" for row in out]

    return render


def audit_sink(tenant: Tenant, wrapper: AuditWrapper, folder: Path) -> AuditSink:
    """Return the sink that writes `wrapper` below `folder`."""
    per_day, compress = tenant.per_day, tenant.gzip
    duplicates = seeded(tenant.seed, "duplicates", wrapper)

    def sink(stem: str, extension: str, render: Callable[[list[AuditRow]], list[str]], header: str = "") -> AuditSink:
        output = Output(folder, stem, extension, per_day=per_day, compress=compress, opening=header)
        return AuditSink(tenant, output, render, duplicates)

    if wrapper == "management-api":
        output = Output(
            folder, "management-api", "json", per_day=True, compress=compress, opening="[", between=",", closing="]"
        )
        return AuditSink(tenant, output, _management_api(tenant), duplicates)
    if wrapper == "management-lines":
        return sink("AuditData", "jsonl", _lines)
    if wrapper == "search-csv":
        header = (
            '"RecordType","CreationDate","UserIds","Operations","AuditData","ResultIndex","ResultCount","Identity",'
            '"IsValid","ObjectState"\r\n'
        )
        return sink("Search-UnifiedAuditLog", "csv", _search_csv(tenant), header)
    if wrapper == "purview-csv":
        header = "RecordId,CreationDate,RecordType,Operation,UserId,AuditData,AssociatedAdminUnits,"
        return sink("purview", "csv", _purview_csv, header + "AssociatedAdminUnitsNames\r\n")
    if wrapper == "cloudappevents":
        return sink("CloudAppEvents", "jsonl", _cloud_app_events(tenant))
    return sink("OfficeActivity", "jsonl", _office_activity(tenant))
