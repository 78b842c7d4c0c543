"""Entra sign-ins as the Graph PowerShell module gives them: objects of the signIn resource with capitals."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from counterfoil.sources import _entra
from counterfoil.sources._entra_docs import signin_explain
from counterfoil.sources.source import TEXT, RawType, Source

_FIDELITY = 2
_RENAMED = {"ipAddress": "IPAddress", "ipAddressFromResourceProvider": "IPAddressFromResourceProvider"}


def _column(name: str) -> str:
    return _RENAMED.get(name, name[0].upper() + name[1:])


def _capital(kind: RawType) -> RawType:
    """Return a raw type whose members are written with a capital."""
    if isinstance(kind, str):
        return kind
    if isinstance(kind, Mapping):
        return {_column(name): _capital(inner) for name, inner in kind.items()}
    return [_capital(kind[0])]


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map signIn objects to issuances."""
    status, pairs = raw.Status, raw.AuthenticationProcessingDetails
    flat = {name: raw[_column(name)] for name, kind in _entra.RESOURCE.items() if kind == TEXT and name in _entra.FLAT}
    flat["code"] = status["ErrorCode"].nullif("")
    flat["failureReason"] = status["FailureReason"]
    flat["deviceId"] = raw.DeviceDetail["DeviceId"]
    flat["country"] = raw.Location["CountryOrRegion"]
    flat["isCaeToken"] = _entra.detail(pairs, "Is CAE Token", key="Key", value="Value")
    flat["kind"] = _entra.event_kind(raw.SignInEventTypes, raw.UserId, raw.ServicePrincipalId, raw.IsInteractive)
    flat |= dict.fromkeys(("received", "tenant"), ibis.null("string"))
    return _entra.signin_rows(raw, flat, fidelity=_FIDELITY)


SOURCE = Source(
    name="entra-signin-powershell",
    log=_entra.SIGNIN_LOG,
    title="Entra sign-in logs, objects of Get-MgAuditLogSignIn or Get-MgBetaAuditLogSignIn as JSON",
    fidelity=_FIDELITY,
    required=frozenset({"Id", "CreatedDateTime", "AppId", "IPAddress", "Status"}),
    absent=frozenset({"TimeGenerated", "ResultType"}),
    raw={_column(name): _capital(kind) for name, kind in _entra.RESOURCE.items()},
    to_evidence=to_evidence,
    explain=signin_explain(
        "Connect-MgGraph -Scopes AuditLog.Read.All, Directory.Read.All",
        "foreach ($kind in 'interactiveUser','nonInteractiveUser','servicePrincipal','managedIdentity') {"
        " Get-MgBetaAuditLogSignIn -All -Filter \"createdDateTime ge 2026-01-01T00:00:00Z and createdDateTime lt"
        " 2026-02-01T00:00:00Z and signInEventTypes/any(t: t eq '$kind')\" | ConvertTo-Json -Depth 10 |"
        " Set-Content -Encoding utf8 \"signins-$kind.json\" }",
        caps="none with -All; 1,000 sign-ins without it.",
    ),
    row_caps=frozenset({1_000}),
)
