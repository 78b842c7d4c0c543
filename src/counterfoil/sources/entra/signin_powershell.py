"""Entra sign-ins as the Graph PowerShell module gives them: objects of the signIn resource with capitals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from counterfoil.expressions import ibis, ir
from counterfoil.sources.entra import signin
from counterfoil.sources.entra.signin_docs import signin_explain
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


def of_azuread(raw: ir.Table) -> ir.Table:
    """Map objects of the AzureADPreview module, which writes IpAddress."""
    return to_evidence(raw.rename(IPAddress="IpAddress"))


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map signIn objects to issuances."""
    status, pairs = raw.Status, raw.AuthenticationProcessingDetails
    flat = {name: raw[_column(name)] for name, kind in signin.RESOURCE.items() if kind == TEXT and name in signin.FLAT}
    flat["code"] = status["ErrorCode"].nullif("")
    flat["failureReason"] = status["FailureReason"]
    flat["deviceId"] = raw.DeviceDetail["DeviceId"]
    flat["country"] = raw.Location["CountryOrRegion"]
    flat["isCaeToken"] = signin.detail(pairs, "Is CAE Token", key="Key", value="Value")
    flat["kind"] = signin.event_kind(raw.SignInEventTypes, raw.UserId, raw.ServicePrincipalId, raw.IsInteractive)
    flat |= {name: raw.Agent[_column(name)] for name in signin.AGENT}
    flat |= dict.fromkeys(("received", "tenant"), ibis.null("string"))
    return signin.signin_rows(raw, flat, fidelity=_FIDELITY)


_RAW = {_column(name): _capital(kind) for name, kind in signin.RESOURCE.items()}
_NESTED = frozenset(name for name, kind in _RAW.items() if kind != TEXT)
_GRAPH = Source(
    name="entra-signin-powershell",
    log=signin.LOG,
    title="Entra sign-in logs, objects of Get-MgAuditLogSignIn or Get-MgBetaAuditLogSignIn as JSON",
    fidelity=_FIDELITY,
    required=frozenset({"Id", "CreatedDateTime", "AppId", "IPAddress", "Status"}),
    absent=frozenset({"TimeGenerated", "ResultType"}),
    raw=_RAW,
    embedded=_NESTED,
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

_AZUREAD = replace(
    _GRAPH,
    name="entra-signin-azuread",
    title="Entra sign-in logs, objects of Get-AzureADAuditSignInLogs as JSON",
    required=frozenset({"Id", "CreatedDateTime", "AppId", "IpAddress", "Status"}),
    raw={"IpAddress" if name == "IPAddress" else name: kind for name, kind in _RAW.items()},
    to_evidence=of_azuread,
    explain=signin_explain(
        "Get-AzureADAuditSignInLogs -All $true | ConvertTo-Json -Depth 10 | Set-Content -Encoding utf8 signins.json"
        " (AzureADPreview, which is retired: it lists interactive sign-ins only, without the token's id)",
        caps="none with -All; 1,000 sign-ins without it.",
    ),
)

SOURCES = (_GRAPH, _AZUREAD)
