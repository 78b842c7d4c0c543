"""Entra sign-ins as the Entra admin center downloads them in CSV: four files, whose names tell the kind.

The columns are those of real downloads of 2021 to 2026, which differ: `Application ID ` ends in a space, and
`Incoming token type` occurs twice. Interactive and non-interactive sign-ins have the same columns: where the file has
lost its name, nothing in it tells them apart, and its records are of a kind that cannot be declared. The portal's
JSON is that of Graph beta, and `entra-signin-graph` reads it. The columns of managed identities were not found in
public: they are taken to be those of applications.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from counterfoil.expressions import ibis, ir
from counterfoil.model.known import CROSS_TENANT_EXCEPTIONS
from counterfoil.sources import mapping
from counterfoil.sources.entra import signin
from counterfoil.sources.entra.signin_docs import signin_explain
from counterfoil.sources.source import TEXT, Csv, Source

_FIDELITY = 4  # names for people where other wrappers have values; seconds only

_COLUMNS: Mapping[str, str] = {
    "id": "Request ID",
    "userId": "User ID",
    "userPrincipalName": "Username",
    "servicePrincipalId": "Service principal ID",
    "servicePrincipalName": "Service principal name",
    "appId": "Application ID",
    "appDisplayName": "Application",
    "resourceId": "Resource ID",
    "resourceDisplayName": "Resource",
    "resourceTenantId": "Resource tenant ID",
    "homeTenantId": "Home tenant ID",
    "ipAddress": "IP address",
    "autonomousSystemNumber": "Autonomous system  number",
    "userAgent": "User agent",
    "uniqueTokenIdentifier": "Unique token identifier",
    "sessionId": "Session ID",
    "correlationId": "Correlation ID",
    "userType": "User type",
    "clientAppUsed": "Client app",
    "conditionalAccessStatus": "Conditional Access",
    "authenticationRequirement": "Authentication requirement",
    "authenticationProtocol": "Authentication Protocol",
    "tokenIssuerType": "Token issuer type",
    "tokenIssuerName": "Token issuer name",
    "clientCredentialType": "Client credential type",
    "servicePrincipalCredentialKeyId": "Credential key ID",
    "servicePrincipalCredentialThumbprint": "Credential thumbprint",
    "originalTransferMethod": "Original transfer method",
    "signInTokenProtectionStatus": "Token Protection - Sign In Session",
    "ipAddressFromResourceProvider": "IP address (seen by resource)",
    "appOwnerTenantId": "App owner tenant ID",
    "resourceOwnerTenantId": "Resource owner tenant ID",
    "failureReason": "Failure reason",
    "deviceId": "Device ID",
}
_OWN = (
    "Date (UTC)", "Status", "Sign-in error code", "Location", "Cross tenant access type", "Incoming token type",
    "Incoming token type (2)",
)
# Values that have another meaning than their own text: crossTenantAccessType without spaces and case.
_CROSS_TENANT = {name.lower(): name for name in (*sorted(CROSS_TENANT_EXCEPTIONS), "none", "b2bCollaboration")}


def _rows(raw: ir.Table, kind: str) -> ir.Table:
    flat: dict[str, ir.Value] = dict.fromkeys(signin.FLAT, ibis.null("string"))
    flat |= {name: raw[column] for name, column in _COLUMNS.items()}
    code = mapping.lower(raw["Sign-in error code"]).nullif("none")
    flat["code"] = ibis.coalesce(code, ibis.cases((raw["Status"].lower() == "success", "0")))
    flat["createdDateTime"] = raw["Date (UTC)"]
    flat["kind"] = ibis.literal(kind)
    flat["country"] = raw["Location"].re_extract(r"([A-Z]{2})$", 1)
    crossing = _squeezed(raw["Cross tenant access type"])
    flat["crossTenantAccessType"] = signin.choice(crossing, _CROSS_TENANT)
    flat["incomingTokenType"] = _squeezed(
        ibis.coalesce(mapping.text(raw["Incoming token type"]), raw["Incoming token type (2)"])
    )
    return signin.signin_rows(raw, flat, fidelity=_FIDELITY)


def _squeezed(value: ir.Value) -> ir.StringValue:
    """Return the value as the logs have it: the portal writes `Primary refresh token`, `SAML 1.1`."""
    return value.lower().re_replace(r"[^a-z0-9,]", "")


def from_users(raw: ir.Table) -> ir.Table:
    """Map rows of a file that does not tell whether its sign-ins were interactive."""
    return _rows(raw, signin.USER)


def from_interactive(raw: ir.Table) -> ir.Table:
    """Map rows of InteractiveSignIns."""
    return _rows(raw, signin.INTERACTIVE)


def from_non_interactive(raw: ir.Table) -> ir.Table:
    """Map rows of NonInteractiveSignIns."""
    return _rows(raw, signin.NON_INTERACTIVE)


def from_applications(raw: ir.Table) -> ir.Table:
    """Map rows of ApplicationSignIns."""
    return _rows(raw, signin.SERVICE_PRINCIPAL)


def from_managed_identities(raw: ir.Table) -> ir.Table:
    """Map rows of MSISignIns."""
    return _rows(raw, signin.MANAGED_IDENTITY)


_USER_HEADER = frozenset({"Date (UTC)", "Request ID", "Username", "Application", "IP address", "Status"})
_PRINCIPAL_HEADER = frozenset({"Date (UTC)", "Request ID", "Service principal ID", "Application ID", "Status"})
_DATES = frozenset({"Date (UTC)"})

USERS = Source(
    name="entra-signin-portal",
    log=signin.LOG,
    title="Entra sign-ins of people, Entra admin center CSV without its name: interactive or not, it does not tell",
    fidelity=_FIDELITY,
    csv=Csv(header=_USER_HEADER, dates=_DATES),
    raw=dict.fromkeys((*_COLUMNS.values(), *_OWN), TEXT),
    to_evidence=from_users,
    explain=signin_explain(
        "entra.microsoft.com > Monitoring & health > Sign-in logs: date range, no filter > Download > Download CSV (or"
        " JSON): one file each for InteractiveSignIns, NonInteractiveSignIns, ApplicationSignIns and MSISignIns. Keep"
        " the names: nothing in the files tells the first two apart",
        caps="the portal stops at a fixed number of rows (250,000 in 2019; a file of exactly 100,000 is taken as cut"
        " off too). It writes a second file for authentication details, which is not needed.",
    ),
    row_caps=frozenset({100_000, 250_000}),
)
INTERACTIVE = replace(
    USERS,
    name="entra-signin-portal-interactive",
    title="Interactive Entra sign-ins, Entra admin center CSV InteractiveSignIns_*.csv",
    csv=Csv(header=_USER_HEADER, dates=_DATES, named=r"(?<!non)(?<!non-)interactivesignins"),
    to_evidence=from_interactive,
)
NON_INTERACTIVE = replace(
    USERS,
    name="entra-signin-portal-non-interactive",
    title="Non-interactive Entra sign-ins, Entra admin center CSV NonInteractiveSignIns_*.csv",
    csv=Csv(header=_USER_HEADER, dates=_DATES, named=r"non-?interactivesignins"),
    summarised="the portal's download of non-interactive sign-ins: one row may stand for several",
    to_evidence=from_non_interactive,
)
APPLICATIONS = replace(
    USERS,
    name="entra-signin-portal-application",
    title="Entra sign-ins of service principals, Entra admin center CSV ApplicationSignIns_*.csv",
    csv=Csv(header=_PRINCIPAL_HEADER, dates=_DATES),
    to_evidence=from_applications,
)
MANAGED_IDENTITIES = replace(
    USERS,
    name="entra-signin-portal-managed-identity",
    title="Entra sign-ins of managed identities, Entra admin center CSV MSISignIns_*.csv",
    csv=Csv(header=frozenset({"Date (UTC)", "Request ID", "Application ID", "Status"}), dates=_DATES,
            named="msisignins"),
    to_evidence=from_managed_identities,
)

SOURCES = (USERS, INTERACTIVE, NON_INTERACTIVE, APPLICATIONS, MANAGED_IDENTITIES)
