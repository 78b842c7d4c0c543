"""What the wrappers of the Graph activity logs share: one mapping of requests to acceptances.

Microsoft Graph: https://learn.microsoft.com/graph/microsoft-graph-activity-logs-overview
Azure AD Graph, its predecessor, logs the same fields under some other names.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.model.known import AAD_GRAPH_API, GRAPH_API
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.sources import mapping
from counterfoil.sources.entra import signin
from counterfoil.sources.source import RAW_DATES, READER_COLUMNS, Explain

LOG = Log("graph-activity", accepts=True, events=True)
GRAPH = "graph"
AAD_GRAPH = "aad-graph"
# The application id of each API: the audience of its tokens.
RESOURCES: Mapping[str, str] = {
    GRAPH: GRAPH_API,
    AAD_GRAPH: AAD_GRAPH_API,
}
CATEGORIES: Mapping[str, str] = {
    "MicrosoftGraphActivityLogs": GRAPH,
    "AzureADGraphActivityLogs": AAD_GRAPH,
    "AADGraphActivityLogs": AAD_GRAPH,
}
SECRET = "1"  # clientAuthMethod: 0 public client, 1 client secret, 2 certificate  # noqa: S105
MAX_PATH_CHARS = 2_048  # no Graph path is longer; batch URLs of odd clients are
MAX_FIELD_CHARS = 1_024

_KEPT = (
    "operationId", "clientRequestId", "apiVersion", "clientAuthMethod", "identityProvider", "location",
    "durationMs", "C_Idtyp",
)

# What each wrapper hands to `activity_rows`, besides the reader's columns: all texts.
FLAT: tuple[str, ...] = (
    "requestId", "requestMethod", "requestUri", "responseStatusCode", "responseSizeBytes", "ipAddress", "userAgent",
    "appId", "userId", "servicePrincipalId", "scopes", "roles", "wids", "signInActivityId", "uniqueTokenId",
    "tokenIssuedAt", "sessionId", "deviceId", "kind", "tenant", "happened", "received", *_KEPT,
)


def activity_rows(
    raw: ir.Table, flat: Mapping[str, ir.Value], *, fidelity: int, dates: str | None = None, log: Log = LOG
) -> ir.Table:
    """Return the evidence of requests, of which `flat` names all of FLAT; what it names besides goes to `extra`.

    `dates`: MONTH_FIRST where the wrapper always writes so; else the file tells (RAW_DATES). `log`: whose they are.
    """
    table = raw.select(**{name: raw[name] for name in READER_COLUMNS}, **flat)
    # Both ids are the token's `uti`; the second is newer and not filled everywhere.
    order = table[RAW_DATES] if dates is None else dates
    table = mapping.stage(
        table,
        received_at=mapping.when(table.received, order),
        happened_at=mapping.when(table.happened, order),
        token=ibis.coalesce(signin.named_token(table.signInActivityId), signin.named_token(table.uniqueTokenId)),
    )
    tenant = mapping.lower(table.tenant)
    happened = mapping.own_or_arrival(table.happened, table.happened_at, table.received_at)
    return mapping.rows(
        table,
        source=log.name,
        fidelity=fidelity,
        reject=mapping.two_ways(
            ibis.coalesce(mapping.text(table.happened), table.received), order, happened
        ),
        leg=Leg.ACCEPTANCE,
        event_time=happened,
        issued_at=mapping.when(table.tokenIssuedAt, order, near=table.happened_at),
        ingested_at=table.received_at.nullif(table.happened_at),
        kind=table.kind,
        record_id=mapping.lower(table.requestId),
        issuer=signin.entra(tenant),
        token_class=_token_class(table),
        token_id=table.token,
        token_id_kind=signin.uti_kind(table.token),
        session_id=mapping.lower(table.sessionId),
        subject_id=ibis.coalesce(signin.known(table.userId), signin.known(table.servicePrincipalId)),
        client_id=mapping.lower(table.appId),
        resource=ibis.cases(*[(table.kind == kind, resource) for kind, resource in RESOURCES.items()],
                            else_=ibis.null("string")),
        # The record's tenant is the token's `tid` (Microsoft's table of linkable identifiers).
        token_tenant=tenant,
        resource_tenant=tenant,
        scopes=ibis.coalesce(mapping.text(table.scopes), mapping.text(table.roles)),
        ip=mapping.address(table.ipAddress),
        user_agent=mapping.text(table.userAgent),
        device_id=signin.known(table.deviceId),
        operation=ibis.coalesce(mapping.text(table.requestMethod), "request"),
        outcome=_outcome(table.responseStatusCode),
        object_kind="api",
        object_id=_path(table.requestUri),
        byte_count=mapping.number(table.responseSizeBytes),
        extra=mapping.extra(
            responseStatusCode=table.responseStatusCode,
            roles=table.roles.left(MAX_FIELD_CHARS),
            wids=table.wids.left(MAX_FIELD_CHARS),
            **{name: table[name] for name in (*_KEPT, *(name for name in flat if name not in FLAT))},
        ),
    )


def _token_class(table: ir.Table) -> ir.StringValue:
    """Return the class that the record shows, NULL where it could be several.

    A managed identity authenticates with a certificate, as many applications do, and the log tells them apart
    in no other field. NULL makes coverage ask for every kind that could have issued the token.
    """
    person = signin.known(table.userId).notnull() & mapping.text(table.scopes).notnull()
    service = signin.known(table.userId).isnull() & mapping.text(table.servicePrincipalId).notnull()
    return ibis.cases(
        (person, TokenClass.USER.value),
        (service & (table.clientAuthMethod == SECRET), TokenClass.APPLICATION.value),
        else_=ibis.null("string"),
    )


def _outcome(status: ir.Value) -> ir.StringValue:
    return ibis.cases(
        (status == "401", Outcome.REFUSED.value),
        (status == "403", Outcome.DENIED.value),
        else_=Outcome.SUCCESS.value,
    )


def _path(uri: ir.Value) -> ir.StringValue:
    """Return the URI without its query, at most MAX_PATH_CHARS."""
    return mapping.text(ibis.cases((uri.contains("?"), uri.left(uri.find("?"))), else_=uri).left(MAX_PATH_CHARS))


def explain(*export: str, caps: str) -> Explain:
    """Return the explanation of a wrapper: how to export it, and what both share."""
    return Explain(
        what=(
            "Every HTTP request to Microsoft Graph (or Azure AD Graph, its predecessor) with the id of the token it"
            " carried (`signInActivityId`) and that token's issued-at. It is an acceptance leg: 401 was refused, 403"
            " was let in and denied."
        ),
        export=export,
        retention="none in Entra ID: kept from the day on which a diagnostic setting sends it away.",
        caps=caps,
        traps=(
            "the log exists only where a diagnostic setting was made, from then on",
            "two to three records in a hundred are delivered more than once; they count once",
            "managed identities cannot be told from applications with a certificate: their class stays unknown",
            "in Log Analytics TenantId is the workspace, AadTenantId the tenant",
            "without a diagnostic setting, Defender's GraphApiAuditEvents holds the last 30 days: with the token's id,"
            " without its issued-at, session, device and agent",
        ),
    )
