"""Entra sign-ins in Defender XDR's tables EntraIdSignInEvents and EntraIdSpnSignInEvents, and under their names before.

https://learn.microsoft.com/defender-xdr/advanced-hunting-entraidsigninevents-table; until December 2025 they were
AADSignInEventsBeta, which has no UniqueTokenId, and AADSpnSignInEventsBeta. The id of a token is that of the request in
another form: it stands in. `Timestamp` is when the record was made, so that it tells no issued-at.
"""

from __future__ import annotations

from dataclasses import replace

from counterfoil.expressions import ibis, ir
from counterfoil.model.ids import IdKind
from counterfoil.model.logs import Issuance, Log, SignIns
from counterfoil.sources import mapping
from counterfoil.sources.defender import hunting
from counterfoil.sources.entra import signin
from counterfoil.sources.source import TEXT, Csv, Explain, Source

LOG = Log(
    "defender-signin",
    events=True,
    unpublished=True,  # Microsoft does not say which sign-ins the tables hold
    issuance=Issuance(
        ids=(IdKind.ENTRA_UTI,),
        issuers="entra:",
        parts=signin.PARTS,
        kinds=signin.ANY,
        lag=signin.LAG,  # of the log that it is taken from: none of its own is published
    ),
    sign_ins=SignIns(
        people=signin.PERSONAL,
        interactive=signin.INTERACTIVE,
        addressed=True,
        placeless=(signin.MANAGED_IDENTITY,),
        federation=signin.FEDERATION,
    ),
)
AD_FS = "1"  # TokenIssuerType
# What crossTenantAccessType says elsewhere, of which only this is told here.
_GUEST, _MEMBER, _UNTOLD = "b2bCollaboration", "none", "unknown"

_SHARED = {
    "id": "RequestId", "appId": "ApplicationId", "appDisplayName": "Application", "resourceId": "ResourceId",
    "resourceDisplayName": "ResourceDisplayName", "resourceTenantId": "ResourceTenantId", "ipAddress": "IPAddress",
    "correlationId": "CorrelationId", "code": "ErrorCode", "country": "Country",
}
_PERSON = _SHARED | {
    "userId": "AccountObjectId", "userPrincipalName": "AccountUpn", "userAgent": "UserAgent",
    "uniqueTokenIdentifier": "UniqueTokenId", "sessionId": "SessionId", "clientAppUsed": "ClientAppUsed",
    "authenticationRequirement": "AuthenticationRequirement", "conditionalAccessStatus": "ConditionalAccessStatus",
    "tokenIssuerType": "TokenIssuerType", "riskLevelAggregated": "RiskLevelAggregated", "riskState": "RiskState",
}
_PRINCIPAL = _SHARED | {
    "servicePrincipalId": "ServicePrincipalId", "servicePrincipalName": "ServicePrincipalName",
}
_OF_PERSONS = ("LogonType", "EntraIdDeviceId", "AadDeviceId", "IsGuestUser", "IsExternalUser")


def _flat(raw: ir.Table, columns: dict[str, str]) -> dict[str, ir.Value]:
    flat: dict[str, ir.Value] = dict.fromkeys(signin.FLAT, ibis.null("string"))
    flat |= {name: raw[column] for name, column in columns.items()}
    flat["createdDateTime"] = ibis.coalesce(mapping.text(raw.Timestamp), raw.TimeGenerated)
    flat["code"] = mapping.text(raw.ErrorCode)
    return flat


def from_people(raw: ir.Table) -> ir.Table:
    """Map rows of EntraIdSignInEvents to issuances. LogonType is a list in a text: `["nonInteractiveUser"]`."""
    flat = _flat(raw, _PERSON)
    logon = raw.LogonType.lower()
    flat["kind"] = ibis.cases(
        (mapping.text(raw.TokenIssuerType) == AD_FS, signin.ADFS),
        (logon.contains("noninteractive"), signin.NON_INTERACTIVE),
        (logon.contains("interactive"), signin.INTERACTIVE),
        else_=signin.USER,
    )
    flat["deviceId"] = ibis.coalesce(mapping.text(raw.EntraIdDeviceId), raw.AadDeviceId)
    flat["crossTenantAccessType"] = _crossing(raw)
    return signin.signin_rows(raw, flat, fidelity=1, log=LOG)


def _crossing(raw: ir.Table) -> ir.StringValue:
    """Return whether a guest signed in: his home tenant is not told."""
    guest, external = mapping.flag(raw.IsGuestUser), mapping.flag(raw.IsExternalUser)
    return ibis.cases(
        (guest.fill_null(False) | external.fill_null(False), _GUEST),
        (guest.notnull() | external.notnull(), _MEMBER),
        else_=_UNTOLD,
    )


def from_principals(raw: ir.Table) -> ir.Table:
    """Map rows of EntraIdSpnSignInEvents to issuances."""
    flat = _flat(raw, _PRINCIPAL)
    managed = mapping.flag(raw.IsManagedIdentity).fill_null(False)
    flat["kind"] = ibis.ifelse(managed, signin.MANAGED_IDENTITY, signin.SERVICE_PRINCIPAL)
    return signin.signin_rows(raw, flat, fidelity=1, log=LOG)


_EXPLAIN = Explain(
    what=(
        "Sign-ins at Entra ID, as Defender XDR keeps them with a P2 licence and without a diagnostic setting. It is the"
        " issuance leg: the request id is the id of the token that was issued (`UniqueTokenId`)."
    ),
    export=(
        hunting.by_api("EntraIdSignInEvents") + " (and the same for EntraIdSpnSignInEvents)",
        hunting.PORTAL,
    ),
    retention=hunting.RETENTION,
    caps=hunting.CAPS,
    traps=(
        "no incoming token type: of no sign-in it is told whether an assertion was presented",
        "no home tenant: guests are known as guests, and their object ids are compared with nothing",
        "Timestamp is when the record was made: it is not held against the issued-at of tokens",
        "failed and interrupted sign-ins are in it too: ErrorCode is 0 where a token was issued",
        "nobody has published how complete the tables are: absence convicts only in a case that shows it (rule 4.8)",
    ),
    complete=(
        "--complete defender-signin/KIND[:from..to] with KIND interactive, non-interactive, service-principal,"
        " managed-identity. Honest when no query of the interval was filtered, and none returned as many rows as it"
        " may. Nobody has published how complete the tables are: without 200 tokens of a kind that link, or with a"
        " person's own missing, what is not there is probably forged, and no more."
    ),
)
PEOPLE = Source(
    name="defender-entraidsigninevents",
    log=LOG,
    title="Sign-ins of people in the table EntraIdSignInEvents (AADSignInEventsBeta) of advanced hunting, JSON or CSV",
    fidelity=1,
    required=frozenset({"RequestId", "LogonType", "ErrorCode", "ApplicationId", "AccountObjectId"}),
    tables=frozenset({"EntraIdSignInEvents", "AADSignInEventsBeta"}),
    raw=dict.fromkeys((*_PERSON.values(), *_OF_PERSONS, *sorted(hunting.DATES)), TEXT),
    csv=Csv(
        header=frozenset({"RequestId", "LogonType", "ErrorCode", "ApplicationId", "AccountObjectId"}),
        dates=hunting.DATES,
    ),
    row_caps=hunting.ROW_CAPS,
    to_evidence=from_people,
    explain=_EXPLAIN,
)
PRINCIPALS = replace(
    PEOPLE,
    name="defender-entraidspnsigninevents",
    title="Sign-ins of applications in the table EntraIdSpnSignInEvents (AADSpnSignInEventsBeta) of advanced hunting,"
    " JSON or CSV",
    required=frozenset({"RequestId", "IsManagedIdentity", "ErrorCode", "ServicePrincipalId"}),
    tables=frozenset({"EntraIdSpnSignInEvents", "AADSpnSignInEventsBeta"}),
    raw=dict.fromkeys((*_PRINCIPAL.values(), "IsManagedIdentity", *sorted(hunting.DATES)), TEXT),
    csv=Csv(
        header=frozenset({"RequestId", "IsManagedIdentity", "ErrorCode", "ServicePrincipalId"}), dates=hunting.DATES
    ),
    to_evidence=from_principals,
)

SOURCES = (PEOPLE, PRINCIPALS)
