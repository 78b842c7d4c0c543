"""The wrappers in which sign-in records are exported: Azure Monitor, Microsoft Graph, Log Analytics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.lab.history.clock import ticks
from counterfoil.lab.history.files import Output
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.losses import Kind
from counterfoil.lab.history.settings import SigninWrapper, Tenant

# (created, signIn object as JSON, error code, address, correlation id)
SigninRow = tuple[int, str, int, str, str]
CATEGORIES: dict[Kind, str] = {
    "interactive": "SignInLogs",
    "non-interactive": "NonInteractiveUserSignInLogs",
    "service-principal": "ServicePrincipalSignInLogs",
    "managed-identity": "ManagedIdentitySignInLogs",
}
_EVENT_TYPES: dict[Kind, str] = {
    "interactive": "interactiveUser",
    "non-interactive": "nonInteractiveUser",
    "service-principal": "servicePrincipal",
    "managed-identity": "managedIdentity",
}
_TABLES: dict[Kind, str] = {
    "interactive": "SigninLogs",
    "non-interactive": "AADNonInteractiveUserSignInLogs",
    "service-principal": "AADServicePrincipalSignInLogs",
    "managed-identity": "AADManagedIdentitySignInLogs",
}
_PAGE = 1000  # sign-ins per page of Graph
# `{"id":"<36>","createdDateTime":"2025-09-01T08:00:00` and from there `.1234560Z`, which Graph does not write.
_FRACTION = len('{"id":"","createdDateTime":"2025-09-01T08:00:00') + 36
_FRACTION_END = _FRACTION + len(".1234560")


class _Lags:
    """Ingestion delays: median about two minutes, one in twenty above a quarter of an hour."""

    def __init__(self, tenant: Tenant, name: str) -> None:
        rng = seeded(tenant.seed, "lag", name)
        self._table = [int(min(rng.lognormvariate(4.73, 1.45), 6000) * 1_000_000) for _ in range(1021)]
        self._next = 0

    def take(self) -> int:
        """Return the next delay in microseconds."""
        self._next = (self._next + 1) % len(self._table)
        return self._table[self._next]


def _azure_monitor(tenant: Tenant, kind: Kind) -> Callable[[list[SigninRow]], list[str]]:
    lags = _Lags(tenant, kind)
    category, tid = CATEGORIES[kind], tenant.tenant_id
    head = (
        f'","resourceId":"/tenants/{tid}/providers/Microsoft.aadiam","operationName":"Sign-in activity",'
        f'"operationVersion":"1.0","category":"{category}","tenantId":"{tid}","resultType":"'
    )

    def render(rows: list[SigninRow]) -> list[str]:
        take = lags.take
        return [
            f'{{"time":"{ticks(t + take())}{head}{error}","resultSignature":"None","durationMs":0,'
            f'"callerIpAddress":"{ip}","correlationId":"{correlation}","Level":4,"location":"PT","properties":{body}}}\n'
            for t, body, error, ip, correlation in rows
        ]

    return render


def _graph(kind: Kind) -> Callable[[list[SigninRow]], list[str]]:
    head = f'{{"signInEventTypes":["{_EVENT_TYPES[kind]}"],'

    def render(rows: list[SigninRow]) -> list[str]:
        return [f"{head}{body[1:_FRACTION]}{body[_FRACTION_END:]}" for _, body, *_ in rows]

    return render


def _column(name: str) -> str:
    return {"ipAddress": "IPAddress", "location": "LocationDetails"}.get(name, name[0].upper() + name[1:])


def _log_analytics_row(tenant: Tenant, workspace: str, kind: Kind, row: SigninRow, lag: int) -> dict[str, Any]:
    t, body, error, _, correlation = row
    data: dict[str, Any] = msgspec.json.decode(body)
    out: dict[str, Any] = {
        "TenantId": workspace,
        "SourceSystem": "Azure AD",
        "TimeGenerated": ticks(t + lag),
        "ResourceId": f"/tenants/{tenant.tenant_id}/providers/Microsoft.aadiam",
        "OperationName": "Sign-in activity",
        "OperationVersion": "1.0",
        "Category": CATEGORIES[kind],
        "ResultType": str(error),
        "ResultSignature": "None",
        "DurationMs": 0,
        "CorrelationId": correlation,
        "Resource": "Microsoft.aadiam",
        "ResourceGroup": "Microsoft.aadiam",
        "Level": "4",
        "Location": data.get("location", {}).get("countryOrRegion", ""),
        "AADTenantId": tenant.tenant_id,
        "Type": _TABLES[kind],
    }
    for key, value in data.items():
        # Only SigninLogs has dynamic columns; the other tables hold the same objects as text.
        nested = isinstance(value, list | dict) and kind != "interactive"
        out[_column(key)] = msgspec.json.encode(value).decode() if nested else value
    return out


def _log_analytics(tenant: Tenant, kind: Kind) -> Callable[[list[SigninRow]], list[str]]:
    lags = _Lags(tenant, kind)
    workspace = guid(seeded(tenant.seed, "workspace"))

    def render(rows: list[SigninRow]) -> list[str]:
        dicts = [_log_analytics_row(tenant, workspace, kind, row, lags.take()) for row in rows]
        return [msgspec.json.encode(row).decode() + "\n" for row in dicts]

    return render


class _Pages:
    """Documents of Graph, each a page of at most 1,000 sign-ins of one kind."""

    def __init__(self, tenant: Tenant, kind: Kind, folder: Path) -> None:
        self._folder, self._kind, self._compress = folder, kind, tenant.gzip
        self._waiting: list[str] = []
        self.paths: list[Path] = []

    def write(self, _t: int, pieces: list[str]) -> None:
        self._waiting += pieces
        while len(self._waiting) > _PAGE:
            self._page(self._waiting[:_PAGE], last=False)
            self._waiting = self._waiting[_PAGE:]

    def _page(self, rows: list[str], *, last: bool) -> None:
        number = len(self.paths) + 1
        base = "https://graph.microsoft.com/beta"
        following = "" if last else f'"@odata.nextLink":"{base}/auditLogs/signIns?$skiptoken={number + 1:08x}",'
        head = f'{{"@odata.context":"{base}/$metadata#auditLogs/signIns",{following}"value":['
        stem = f"signIns-{_EVENT_TYPES[self._kind]}-{number:04d}"
        output = Output(self._folder, stem, "json", compress=self._compress, opening=head, between=",", closing="]}")
        output.write(0, rows)
        output.close()
        self.paths += output.paths

    def close(self) -> None:
        if self._waiting:
            self._page(self._waiting, last=True)
            self._waiting = []


class SigninSink:
    """Writes the sign-ins of one kind in one wrapper."""

    def __init__(self, tenant: Tenant, wrapper: SigninWrapper, kind: Kind, folder: Path) -> None:
        self._share, self._duplicates = tenant.duplicate_share, seeded(tenant.seed, "duplicates", wrapper, kind)
        self._output: Output | _Pages
        if wrapper == "graph":
            self._render, self._output = _graph(kind), _Pages(tenant, kind, folder)
        elif wrapper == "azure-monitor":
            self._render = _azure_monitor(tenant, kind)
            self._output = _lines_of(tenant, folder, CATEGORIES[kind])
        else:
            self._render = _log_analytics(tenant, kind)
            self._output = _lines_of(tenant, folder, _TABLES[kind])
        self.lines = 0

    def write(self, rows: list[SigninRow]) -> None:
        """Write one slice of rows; all are of one day."""
        if self._share:
            rows = [row for row in rows for _ in range(2 if self._duplicates.random() < self._share else 1)]
        self.lines += len(rows)
        if rows:
            self._output.write(rows[0][0], self._render(rows))

    def close(self) -> list[Path]:
        """Finish the files and return them."""
        self._output.close()
        return self._output.paths


def _lines_of(tenant: Tenant, folder: Path, stem: str) -> Output:
    return Output(folder, stem, "jsonl", per_day=tenant.per_day, compress=tenant.gzip)
