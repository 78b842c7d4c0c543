"""The wrappers in which sign-in records are exported: Azure Monitor and Log Analytics.

A wrapper is called with the tenant's seed and id, the kind of sign-ins, and the folder that it is written below.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from counterfoil.lab.history.clock import ticks
from counterfoil.lab.history.files import Output, Sink
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.losses import Kind

# (created, signIn object as JSON, error code, address, correlation id)
SigninRow = tuple[int, str, int, str, str]
SigninWrapper = Callable[[int, str, Kind, Path], Sink[SigninRow]]
CATEGORIES: dict[Kind, str] = {
    "interactive": "SignInLogs",
    "non-interactive": "NonInteractiveUserSignInLogs",
    "service-principal": "ServicePrincipalSignInLogs",
    "managed-identity": "ManagedIdentitySignInLogs",
}
TABLES: dict[Kind, str] = {
    "interactive": "SigninLogs",
    "non-interactive": "AADNonInteractiveUserSignInLogs",
    "service-principal": "AADServicePrincipalSignInLogs",
    "managed-identity": "AADManagedIdentitySignInLogs",
}


class _Lags:
    """Ingestion delays: median about two minutes, one in twenty above a quarter of an hour."""

    def __init__(self, seed: int, name: str) -> None:
        rng = seeded(seed, "lag", name)
        self._table = [int(min(rng.lognormvariate(4.73, 1.45), 6000) * 1_000_000) for _ in range(1021)]
        self._next = 0

    def take(self) -> int:
        """Return the next delay in microseconds."""
        self._next = (self._next + 1) % len(self._table)
        return self._table[self._next]


def azure_monitor(seed: int, tenant_id: str, kind: Kind, folder: Path) -> Sink[SigninRow]:
    """Write what diagnostic settings stream."""
    lags, category = _Lags(seed, kind), CATEGORIES[kind]
    head = (
        f'","resourceId":"/tenants/{tenant_id}/providers/Microsoft.aadiam","operationName":"Sign-in activity",'
        f'"operationVersion":"1.0","category":"{category}","tenantId":"{tenant_id}","resultType":"'
    )

    def render(rows: list[SigninRow]) -> list[str]:
        take = lags.take
        return [
            f'{{"time":"{ticks(t + take())}{head}{error}","resultSignature":"None","durationMs":0,'
            f'"callerIpAddress":"{ip}","correlationId":"{correlation}","Level":4,"location":"PT","properties":{body}}}\n'
            for t, body, error, ip, correlation in rows
        ]

    return Output(folder, category, "jsonl", render)


def log_analytics(seed: int, tenant_id: str, kind: Kind, folder: Path) -> Sink[SigninRow]:
    """Write the tables of a workspace."""
    lags, workspace = _Lags(seed, kind), guid(seeded(seed, "workspace"))

    def render(rows: list[SigninRow]) -> list[str]:
        dicts = [_table_row(tenant_id, workspace, kind, row, lags.take()) for row in rows]
        return [msgspec.json.encode(row).decode() + "\n" for row in dicts]

    return Output(folder, TABLES[kind], "jsonl", render)


def _column(name: str) -> str:
    return {"ipAddress": "IPAddress", "location": "LocationDetails"}.get(name, name[0].upper() + name[1:])


def _table_row(tenant_id: str, workspace: str, kind: Kind, row: SigninRow, lag: int) -> dict[str, Any]:
    t, body, error, _, correlation = row
    data: dict[str, Any] = msgspec.json.decode(body)
    out: dict[str, Any] = {
        "TenantId": workspace,
        "SourceSystem": "Azure AD",
        "TimeGenerated": ticks(t + lag),
        "ResourceId": f"/tenants/{tenant_id}/providers/Microsoft.aadiam",
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
        "AADTenantId": tenant_id,
        "Type": TABLES[kind],
    }
    for key, value in data.items():
        # Only SigninLogs has dynamic columns; the other tables hold the same objects as text.
        nested = isinstance(value, list | dict) and kind != "interactive"
        out[_column(key)] = msgspec.json.encode(value).decode() if nested else value
    return out
