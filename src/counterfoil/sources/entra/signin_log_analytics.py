"""Entra sign-ins as Log Analytics and Microsoft Sentinel hold them: JSON lines of a query, or the portal's CSV."""

from __future__ import annotations

from counterfoil.expressions import ibis, ir
from counterfoil.sources import log_analytics, mapping
from counterfoil.sources.entra import signin
from counterfoil.sources.entra.signin_docs import signin_explain
from counterfoil.sources.source import TEXT, Csv, RawType, Source

_FIDELITY = 3  # older tables have no session and no incoming token type

# Columns whose name is not the resource's with a capital.
_RENAMED = {
    "resourceId": "ResourceIdentity",  # ResourceId is the Azure resource of the log
    "ipAddress": "IPAddress",
    "ipAddressFromResourceProvider": "IPAddressFromResourceProvider",
}
_NESTED: dict[str, RawType] = {
    "Status": signin.ERRORS,
    "DeviceDetail": {"deviceId": TEXT},
    "LocationDetails": {"countryOrRegion": TEXT},
    "AuthenticationProcessingDetails": signin.PAIRS,
    "Agent": signin.AGENT,
}
# How a union of tables ends the names of a column that they hold as different types.
_UNITED = ("_dynamic", "_string")
_OWN = ("Type", "Category", "TimeGenerated", "AADTenantId", "ResultType", "ResultSignature", "ResultDescription",
        "IsInteractive", "Location")


def _column(name: str) -> str:
    return _RENAMED.get(name, name[0].upper() + name[1:])


_FLAT_COLUMNS = {name: _column(name) for name, kind in signin.RESOURCE.items() if kind == TEXT}


def from_signins(raw: ir.Table) -> ir.Table:
    """Map rows of the five sign-in tables to issuances."""
    return _rows(raw, signin.shown_kind(raw.UserId, raw.ServicePrincipalId, raw.IsInteractive))


def from_microsoft(raw: ir.Table) -> ir.Table:
    """Map rows of the table of Microsoft's own services to issuances."""
    return _rows(raw, ibis.literal(signin.MICROSOFT_SERVICE))


def _rows(raw: ir.Table, shown: ir.StringValue) -> ir.Table:
    """Map rows; their kind is `shown` where neither Type nor Category tells it (queries may drop both)."""
    result = ibis.coalesce(mapping.text(raw.ResultType), raw.ResultSignature)
    flat = {name: raw[_FLAT_COLUMNS[name]] for name in _FLAT_COLUMNS if name in signin.FLAT}
    flat["kind"] = ibis.coalesce(
        signin.choice(raw.Type, signin.TABLES), signin.choice(raw.Category, signin.CATEGORIES), shown
    )
    flat["received"] = raw.TimeGenerated
    flat["tenant"] = raw.AADTenantId  # TenantId is the workspace
    status, device, place = (_nested(raw, name) for name in ("Status", "DeviceDetail", "LocationDetails"))
    flat["code"] = ibis.coalesce(mapping.text(status["errorCode"]), signin.result_code(result))
    # The table of Microsoft's own services has no request id: the token id is the same id.
    flat["id"] = ibis.coalesce(mapping.text(raw.Id), raw.UniqueTokenIdentifier)
    flat["failureReason"] = ibis.coalesce(mapping.text(status["failureReason"]), raw.ResultDescription)
    flat["deviceId"] = device["deviceId"]
    flat["country"] = ibis.coalesce(mapping.text(place["countryOrRegion"]), raw.Location)
    flat["isCaeToken"] = signin.detail(_nested(raw, "AuthenticationProcessingDetails"), "Is CAE Token")
    flat |= {name: _nested(raw, "Agent")[name] for name in signin.AGENT}
    return signin.signin_rows(raw, flat, fidelity=_FIDELITY)


_MICROSOFT = frozenset({"MicrosoftServicePrincipalSignInLogs"})
def _nested(raw: ir.Table, name: str) -> ir.Value:
    """Return a nested column. A union of tables that hold it as text and as object gives it two names."""
    return ibis.coalesce(raw[name], *(raw[name + kind] for kind in _UNITED))


_DATES = frozenset({"TimeGenerated", "CreatedDateTime"})
_IN_TEXT = _NESTED | {name + kind: nested for name, nested in _NESTED.items() for kind in _UNITED}
_RAW: dict[str, RawType] = {**dict.fromkeys((*_FLAT_COLUMNS.values(), *_OWN), TEXT), **_IN_TEXT}
_EXPLAIN = signin_explain(
    "az monitor log-analytics query -w WORKSPACE -t 2026-01-01T00:00:00Z/2026-01-02T00:00:00Z --analytics-query"
    " 'AADNonInteractiveUserSignInLogs' -o json | jq -c '.[]' > aadnoninteractive.jsonl"
    " (and the same for SigninLogs, AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs, ADFSSignInLogs,"
    " MicrosoftServicePrincipalSignInLogs)",
    "for more than a day of a large tenant: az monitor log-analytics workspace data-export create, or a search job,"
    " since a query returns at most 500,000 rows",
    log_analytics.PORTAL_EXPORT,
    caps=log_analytics.CAPS,
)

SIGNINS = Source(
    name="entra-signin-log-analytics",
    log=signin.LOG,
    title="Entra sign-in tables of Log Analytics and Microsoft Sentinel, JSON lines or CSV",
    fidelity=_FIDELITY,
    required=frozenset({"TimeGenerated", "Id", "AppId", "ResultType"}),
    absent=frozenset({"ActivityDisplayName", "RequestId"}),
    tables=frozenset(signin.TABLES) - _MICROSOFT,
    raw=_RAW,
    embedded=frozenset(_IN_TEXT),
    csv=Csv(header=frozenset({"TimeGenerated", "Id", "AppId", "ResultType"}), dates=_DATES),
    to_evidence=from_signins,
    explain=_EXPLAIN,
    row_caps=log_analytics.ROW_CAPS,
)

MICROSOFT = Source(
    name="entra-signin-log-analytics-microsoft",
    log=signin.LOG,
    title="Table MicrosoftServicePrincipalSignInLogs of Log Analytics and Microsoft Sentinel, JSON lines or CSV",
    fidelity=_FIDELITY,
    required=frozenset({"TimeGenerated", "AppId", "ServicePrincipalId", "UniqueTokenIdentifier", "ResultSignature"}),
    absent=frozenset({"Id", "ResultType"}),
    tables=_MICROSOFT,
    raw=_RAW,
    embedded=frozenset(_IN_TEXT),
    csv=Csv(
        header=frozenset({"TimeGenerated", "AppId", "ServicePrincipalId", "UniqueTokenIdentifier", "ResultSignature"}),
        dates=_DATES,
    ),
    to_evidence=from_microsoft,
    explain=_EXPLAIN,
    row_caps=log_analytics.ROW_CAPS,
)

SOURCES = (SIGNINS, MICROSOFT)
