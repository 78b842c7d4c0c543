"""What the Entra logs share: the sign-in as every wrapper holds it, and its one mapping to evidence.

A wrapper turns its raw columns into the columns of `FLAT` (texts, as logged); `signin_rows` maps those. The
properties of an Azure Monitor record are the Graph `signIn` resource, so both share `from_resource`.
Log: https://learn.microsoft.com/entra/identity/monitoring-health/concept-sign-ins
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.model.ids import NULL_FORMS, IdKind
from counterfoil.model.known import INTERRUPT_CODES
from counterfoil.model.logs import OWN_APPLICATION, UNKNOWN_CLASS, Issuance, Log, SignIns
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.sources import mapping
from counterfoil.sources.source import RAW_DATES, READER_COLUMNS, TEXT, RawType

PERSONAL = ("interactive", "non-interactive")
ANY = (*PERSONAL, "service-principal", "managed-identity")
LAG = 73 * 3600  # the longest delay between event and log seen in real exports, in seconds
# As whom identity providers know the service that takes their assertions.
FEDERATION = "urn:federation:microsoftonline"
# Which kinds of sign-in could have issued a token of the class. The class is a claim of the token's maker: one that
# is not shown needs them all.
PARTS = {
    TokenClass.USER: PERSONAL,
    TokenClass.DELEGATED: PERSONAL,
    TokenClass.ACT_AS: PERSONAL,
    TokenClass.APPLICATION: ("service-principal",),
    TokenClass.MANAGED_IDENTITY: ("managed-identity",),
    TokenClass.SERVICE: ANY,
    # recorded in MicrosoftServicePrincipalSignInLogs, which customers do not have as a whole, or nowhere
    OWN_APPLICATION: ("microsoft-service-principal",),
    UNKNOWN_CLASS: ANY,
}
LOG = Log(
    "entra-signin",
    events=True,
    issuance=Issuance(
        ids=(IdKind.ENTRA_UTI,),  # 1,829 of 1,829 sign-ins of all four kinds carry the id that their token bears
        issuers="entra:",
        parts=PARTS,
        kinds=(*ANY, "adfs", "microsoft-service-principal"),
        lag=LAG,
    ),
    sign_ins=SignIns(
        people=PERSONAL,
        interactive="interactive",
        addressed=True,
        placeless=("managed-identity",),  # no address is written down where one signs in
        lawful=True,  # issued-at is the second of createdDateTime, less 300
        federation=FEDERATION,
    ),
)

INTERACTIVE = "interactive"
NON_INTERACTIVE = "non-interactive"
SERVICE_PRINCIPAL = "service-principal"
MANAGED_IDENTITY = "managed-identity"
# Sign-ins of people of which nothing tells whether they were interactive (portal CSV that lost its name).
USER = "user"
ADFS = "adfs"
# Sign-ins of Microsoft's own service principals. They share no record with `service-principal`, so they are a
# kind of their own: records of the one must not make the other look complete.
MICROSOFT_SERVICE = "microsoft-service-principal"

TOKEN_CLASSES: Mapping[str, TokenClass] = {
    INTERACTIVE: TokenClass.USER,
    NON_INTERACTIVE: TokenClass.USER,
    USER: TokenClass.USER,
    ADFS: TokenClass.USER,
    SERVICE_PRINCIPAL: TokenClass.APPLICATION,
    MANAGED_IDENTITY: TokenClass.MANAGED_IDENTITY,
    MICROSOFT_SERVICE: TokenClass.SERVICE,
}

# The diagnostic-settings category of each kind. Matched without regard to case.
CATEGORIES: Mapping[str, str] = {
    "SignInLogs": INTERACTIVE,
    "NonInteractiveUserSignInLogs": NON_INTERACTIVE,
    "ServicePrincipalSignInLogs": SERVICE_PRINCIPAL,
    "ManagedIdentitySignInLogs": MANAGED_IDENTITY,
    "ADFSSignInLogs": ADFS,
    "MicrosoftServicePrincipalSignInLogs": MICROSOFT_SERVICE,
}

# The Log Analytics table of each kind.
TABLES: Mapping[str, str] = {
    "SigninLogs": INTERACTIVE,
    "AADNonInteractiveUserSignInLogs": NON_INTERACTIVE,
    "AADServicePrincipalSignInLogs": SERVICE_PRINCIPAL,
    "AADManagedIdentitySignInLogs": MANAGED_IDENTITY,
    "ADFSSignInLogs": ADFS,
    "MicrosoftServicePrincipalSignInLogs": MICROSOFT_SERVICE,
}

# The Graph event type of each kind, the telling ones first.
EVENT_TYPES: Mapping[str, str] = {
    "managedIdentity": MANAGED_IDENTITY,
    "servicePrincipal": SERVICE_PRINCIPAL,
    "nonInteractiveUser": NON_INTERACTIVE,
    "interactiveUser": INTERACTIVE,
}

# Types of https://learn.microsoft.com/graph/api/resources/agentic-agentsignin that are no agent's.
_NO_AGENT = ("notagentic", "unknownfuturevalue")
AGENT = {"agentType": TEXT, "agentSubjectType": TEXT}

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
GUID_CHARS = 36
ERRORS = {"errorCode": TEXT, "failureReason": TEXT}
PAIRS = [{"key": TEXT, "value": TEXT}]

# Members of the Graph signIn resource that go to `extra` under their own name.
_KEPT = (
    "appDisplayName", "resourceDisplayName", "correlationId", "originalRequestId", "userType", "clientAppUsed",
    "conditionalAccessStatus", "authenticationRequirement", "authenticationProtocol", "riskState",
    "riskLevelAggregated", "riskLevelDuringSignIn", "tokenIssuerType", "tokenIssuerName", "clientCredentialType",
    "servicePrincipalCredentialKeyId", "servicePrincipalCredentialThumbprint", "federatedCredentialId",
    "originalTransferMethod", "signInTokenProtectionStatus", "ipAddressFromResourceProvider", "appOwnerTenantId",
    "resourceOwnerTenantId",
)

# Members that evidence columns are made of.
_MAPPED = (
    "id", "createdDateTime", "userId", "userPrincipalName", "servicePrincipalId", "servicePrincipalName", "appId",
    "resourceId", "resourceTenantId", "homeTenantId", "crossTenantAccessType", "ipAddress", "autonomousSystemNumber",
    "userAgent", "uniqueTokenIdentifier", "sessionId", "incomingTokenType",
)

# What each wrapper hands to `signin_rows`, besides the reader's columns: all texts.
FLAT: tuple[str, ...] = (
    *_MAPPED, *_KEPT, "kind", "received", "tenant", "code", "failureReason", "deviceId", "country", "isCaeToken",
    *AGENT,
)

# The raw type of the Graph signIn resource, as far as it is read.
RESOURCE: Mapping[str, RawType] = {
    **dict.fromkeys((*_MAPPED, *_KEPT), TEXT),
    "isInteractive": TEXT,
    "signInEventTypes": [TEXT],
    "status": ERRORS,
    "deviceDetail": {"deviceId": TEXT},
    "location": {"countryOrRegion": TEXT},
    "authenticationProcessingDetails": PAIRS,
    "agent": AGENT,
}


def from_resource(resource: Callable[[str], ir.Value], *, code: ir.Value) -> dict[str, ir.Value]:
    """Return what a Graph signIn resource holds of FLAT: all but `kind`, `received` and `tenant`.

    `resource` gives a member by name; `code` stands where the resource has no status.
    """
    status = resource("status")
    return {
        **{name: resource(name) for name in (*_MAPPED, *_KEPT)},
        "code": ibis.coalesce(mapping.text(status["errorCode"]), code),
        "failureReason": status["failureReason"],
        "deviceId": resource("deviceDetail")["deviceId"],
        "country": resource("location")["countryOrRegion"],
        "isCaeToken": detail(resource("authenticationProcessingDetails"), "Is CAE Token"),
        **{name: resource("agent")[name] for name in AGENT},
    }


def detail(pairs: ir.ArrayValue, name: str, *, key: str = "key", value: str = "value") -> ir.StringValue:
    """Return the value of a pair of authenticationProcessingDetails."""
    return mapping.bag(pairs, name, key=key, value=value)


def event_kind(types: ir.ArrayValue, user: ir.Value, principal: ir.Value, interactive: ir.Value) -> ir.StringValue:
    """Return the kind by the event types, else as `shown_kind`."""
    told = ibis.cases(*[(types.contains(name), kind) for name, kind in EVENT_TYPES.items()])
    return ibis.coalesce(told, shown_kind(user, principal, interactive))


def shown_kind(user: ir.Value, principal: ir.Value, interactive: ir.Value) -> ir.StringValue:
    """Return the kind by who signed in and how; what shows nothing (Graph v1.0) is interactive."""
    person = mapping.text(user).notnull()
    return ibis.cases(
        (~person & mapping.text(principal).notnull(), SERVICE_PRINCIPAL),
        (mapping.flag(interactive) == False, NON_INTERACTIVE),  # noqa: E712  # a column, not a truth
        else_=INTERACTIVE,
    )


def result_code(result: ir.Value) -> ir.StringValue:
    """Return the error code that an envelope's result type stands for: `0`, `"0"` and `"Success"` are 0."""
    return ibis.cases((result.lower() == "success", "0"), else_=mapping.text(result))


def known(value: ir.Value) -> ir.StringValue:
    """Return a GUID in lower case; NULL where it is empty, all zeros, or was taken out (`{PII Removed}`)."""
    small = mapping.lower(value)
    return ibis.cases(((small == ZERO_GUID) | small.startswith("{"), ibis.null("string")), else_=small)


def choice(value: ir.Value, meanings: Mapping[str, str]) -> ir.StringValue:
    """Return what `value` means by the table, compared without case; NULL if the table has no such value."""
    small = value.lower()
    return ibis.cases(*[(small == name.lower(), meaning) for name, meaning in meanings.items()],
                      else_=ibis.null("string"))


def request_id(value: ir.Value) -> ir.StringValue:
    """Return a record id: a GUID in lower case; other texts (base64 of 2022 exports) as they stand."""
    return ibis.cases((value.length() == GUID_CHARS, value.lower()), else_=mapping.text(value))


def named_token(value: ir.Value) -> ir.StringValue:
    """Return the token id as logged, NULL for the values that services write when there is none."""
    trimmed = mapping.stripped(value)
    return ibis.cases((mapping.among(trimmed, NULL_FORMS), ibis.null("string")), else_=trimmed)


def uti_kind(token: ir.Value) -> ir.StringValue:
    """Return the kind of a token id that is there."""
    return ibis.cases((token.notnull(), IdKind.ENTRA_UTI.value), else_=ibis.null("string"))


def entra(tenant: ir.Value) -> ir.StringValue:
    """Return the issuer of a tenant's tokens; the tenant is in lower case."""
    return ibis.literal("entra:") + tenant


def signin_rows(
    raw: ir.Table, flat: Mapping[str, ir.Value], *, fidelity: int, dates: str | None = None, log: Log = LOG
) -> ir.Table:
    """Return the evidence of sign-ins, of whose columns `flat` names all of FLAT.

    `dates`: MONTH_FIRST where the wrapper always writes so; else the file tells (RAW_DATES). `log`: whose they are.
    """
    table = raw.select(**{name: raw[name] for name in READER_COLUMNS}, **flat)
    tenant = ibis.coalesce(*(mapping.lower(table[name]) for name in ("resourceTenantId", "tenant", "homeTenantId")))
    order = table[RAW_DATES] if dates is None else dates
    received = mapping.when(table.received, order)
    table = mapping.stage(
        table, created_at=mapping.when(table.createdDateTime, order, near=received), received_at=received
    )
    happened = mapping.own_or_arrival(table.createdDateTime, table.created_at, table.received_at)
    return mapping.rows(
        table,
        source=log.name,
        fidelity=fidelity,
        reject=mapping.two_ways(
            ibis.coalesce(mapping.text(table.createdDateTime), table.received), order, happened
        ),
        leg=Leg.ISSUANCE,
        event_time=happened,
        ingested_at=table.received_at.nullif(table.created_at),
        kind=table.kind,
        # An interrupt and the success that follows it under one id are two records.
        record_id=request_id(table.id) + "/" + ibis.coalesce(table.code, "unknown"),
        issuer=entra(tenant),
        token_class=ibis.cases(
            (_is_agent(table.agentType) | _is_agent(table.agentSubjectType), TokenClass.AGENT.value),
            *[(table.kind == kind, value.value) for kind, value in TOKEN_CLASSES.items()], else_=ibis.null("string"),
        ),
        # An Entra token id is the request id in another form: it stands in where the token id is not logged.
        token_id=ibis.coalesce(named_token(table.uniqueTokenIdentifier), mapping.text(table.id)),
        token_id_kind=IdKind.ENTRA_UTI,
        session_id=mapping.lower(table.sessionId),
        subject_id=ibis.coalesce(known(table.userId), known(table.servicePrincipalId)),
        subject_name=ibis.coalesce(mapping.lower(table.userPrincipalName), mapping.lower(table.servicePrincipalName)),
        client_id=mapping.lower(table.appId),
        resource=mapping.lower(table.resourceId),
        token_tenant=tenant,
        resource_tenant=tenant,
        home_tenant=mapping.lower(table.homeTenantId),
        cross_tenant=mapping.text(table.crossTenantAccessType),
        incoming_token=_incoming(table.incomingTokenType),
        ip=mapping.address(table.ipAddress),
        asn=mapping.number(table.autonomousSystemNumber),
        user_agent=mapping.text(table.userAgent),
        device_id=known(table.deviceId),
        operation="Sign-in activity",
        outcome=_outcome(table.code),
        extra=mapping.extra(
            errorCode=table.code, failureReason=table.failureReason, country=table.country,
            isCaeToken=table.isCaeToken, **{name: table[name] for name in AGENT},
            **{name: table[name] for name in _KEPT},
        ),
    )


def _is_agent(kind: ir.Value) -> ir.BooleanValue:
    told = mapping.lower(kind)
    return (told.notnull() & ~told.isin(_NO_AGENT)).fill_null(False)


def _outcome(code: ir.Value) -> ir.StringValue:
    """Return the outcome of an error code. A sign-in without one neither clears nor convicts: interrupted."""
    return ibis.cases(
        (code.isnull(), Outcome.INTERRUPTED.value),
        (code == "0", Outcome.SUCCESS.value),
        (mapping.among(code, INTERRUPT_CODES), Outcome.INTERRUPTED.value),
        else_=Outcome.FAILED.value,
    )


def _incoming(value: ir.Value) -> ir.StringValue:
    """Return the incoming token type; of several values (`primaryRefreshToken,saml20`) the SAML one."""
    small = mapping.lower(value)
    return ibis.cases((small.contains("saml20"), "saml20"), (small.contains("saml11"), "saml11"), else_=small)
