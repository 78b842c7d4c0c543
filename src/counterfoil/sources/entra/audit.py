"""What the wrappers of the Entra directory audit share: one mapping of changes to evidence.

A change is context, or the acceptance of a token where the record names it (Graph beta
`initiatedBy.linkableIdentifiers`, https://learn.microsoft.com/graph/api/resources/linkableidentifiers).
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.sources import mapping
from counterfoil.sources.entra import signin
from counterfoil.sources.source import RAW_DATES, READER_COLUMNS, TEXT, Explain, RawType

LOG = Log("entra-audit", accepts=True, events=True)
KIND = "directory"
MAX_CHANGE_CHARS = 8_192  # modified properties hold whole policies
MAX_NAMES_CHARS = 1_024

INITIATED_BY: Mapping[str, RawType] = {
    "user": dict.fromkeys(("id", "userPrincipalName", "displayName", "ipAddress"), TEXT),
    "app": dict.fromkeys(("appId", "displayName", "servicePrincipalId", "servicePrincipalName"), TEXT),
    "linkableIdentifiers": {
        "sessionId": TEXT,
        "deviceId": TEXT,
        # The reference and the how-to name these differently.
        "tokenDetails": dict.fromkeys(("uti", "uniqueTokenIdentifier", "issuedAt", "issuedAtDateTime"), TEXT),
    },
}
TARGETS: RawType = [dict.fromkeys(("id", "displayName", "type", "userPrincipalName", "modifiedProperties"), TEXT)]
DETAILS: RawType = signin.PAIRS

# What each wrapper hands to `audit_rows`, besides the reader's columns. The last three are nested.
FLAT: tuple[str, ...] = (
    "id", "activity", "category", "correlationId", "result", "resultReason", "loggedByService", "operationType",
    "happened", "received", "tenant", "ipAddress", "initiatedBy", "targetResources", "additionalDetails",
)
_TEXTS = (
    "id", "category", "correlationId", "result", "resultReason", "loggedByService", "operationType",
    "activityDisplayName", "activityDateTime",
)
# The Graph directoryAudit resource, as far as it is read.
RESOURCE: Mapping[str, RawType] = {
    **dict.fromkeys(_TEXTS, TEXT),
    "initiatedBy": INITIATED_BY,
    "targetResources": TARGETS,
    "additionalDetails": DETAILS,
}


def audit_rows(
    raw: ir.Table, flat: Mapping[str, ir.Value], *, fidelity: int, dates: str | None = None
) -> ir.Table:
    """Return the evidence of directory changes, of which `flat` names all of FLAT.

    `dates`: MONTH_FIRST where the wrapper always writes so; else the file tells (RAW_DATES).
    """
    table = raw.select(**{name: raw[name] for name in READER_COLUMNS}, **flat)
    link = table.initiatedBy["linkableIdentifiers"]
    order = table[RAW_DATES] if dates is None else dates
    table = mapping.stage(
        table,
        happened_at=mapping.when(table.happened, order),
        received_at=mapping.when(table.received, order),
        issued_at=mapping.when(_either(link["tokenDetails"], "issuedAt", "issuedAtDateTime")),
        token=signin.named_token(_either(link["tokenDetails"], "uti", "uniqueTokenIdentifier")),
    )
    user, app, token = table.initiatedBy["user"], table.initiatedBy["app"], table.token
    link = table.initiatedBy["linkableIdentifiers"]
    tenant = mapping.lower(table.tenant)
    happened = mapping.own_or_arrival(table.happened, table.happened_at, table.received_at)
    targets = table.targetResources
    return mapping.rows(
        table,
        source=LOG.name,
        fidelity=fidelity,
        reject=mapping.two_ways(
            ibis.coalesce(mapping.text(table.happened), table.received), order, happened
        ),
        leg=ibis.cases((token.notnull(), Leg.ACCEPTANCE.value), else_=Leg.CONTEXT.value),
        event_time=happened,
        issued_at=table.issued_at,
        ingested_at=table.received_at.nullif(table.happened_at),
        kind=KIND,
        record_id=mapping.lower(table.id),
        issuer=ibis.cases((token.notnull(), signin.entra(tenant)), else_=ibis.null("string")),
        # An application's token may be a managed identity's: the record does not tell.
        token_class=ibis.cases(
            (token.notnull() & signin.known(user["id"]).notnull(), TokenClass.USER.value), else_=ibis.null("string")
        ),
        token_id=token,
        token_id_kind=signin.uti_kind(token),
        session_id=mapping.lower(link["sessionId"]),
        subject_id=ibis.coalesce(signin.known(user["id"]), signin.known(app["servicePrincipalId"])),
        subject_name=ibis.coalesce(mapping.lower(user["userPrincipalName"]), mapping.lower(app["displayName"])),
        client_id=signin.known(app["appId"]),
        resource_tenant=tenant,
        ip=mapping.address(user["ipAddress"], table.ipAddress),
        user_agent=signin.detail(table.additionalDetails, "User-Agent"),
        device_id=signin.known(link["deviceId"]),
        operation=mapping.text(table.activity.strip()),
        outcome=_outcome(table.result, token),
        object_kind="directory",
        object_id=mapping.lower(targets[0]["id"]),
        extra=_extra(table, targets),
    )


def _extra(table: ir.Table, targets: ir.ArrayValue) -> ir.StringValue:
    return mapping.extra(
        category=table.category,
        correlationId=table.correlationId,
        initiator=table.initiatedBy["user"]["displayName"].left(MAX_NAMES_CHARS),
        loggedByService=table.loggedByService,
        operationType=table.operationType,
        result=table.result,
        resultReason=table.resultReason.left(MAX_NAMES_CHARS),
        targetNames=_joined(targets, "displayName").left(MAX_NAMES_CHARS),
        targetUsers=_joined(targets, "userPrincipalName").left(MAX_NAMES_CHARS),
        targetTypes=_joined(targets, "type").left(MAX_NAMES_CHARS),
        modifiedProperties=_joined(targets, "modifiedProperties").left(MAX_CHANGE_CHARS),
    )


def _either(struct: ir.StructValue, first: str, second: str) -> ir.StringValue:
    return ibis.coalesce(mapping.text(struct[first]), mapping.text(struct[second]))


def _joined(targets: ir.ArrayValue, name: str) -> ir.StringValue:
    """Return a member of all targets, separated by commas; the empty ones are left out."""
    return targets.map(lambda target: mapping.text(target[name])).filter(lambda value: value.notnull()).join(", ")


def _outcome(result: ir.Value, token: ir.Value) -> ir.StringValue:
    """Return the outcome: what fails for one who presented a token was let in and denied."""
    failed = ibis.cases((token.notnull(), Outcome.DENIED.value), else_=Outcome.FAILED.value)
    return ibis.cases((result.lower().isin(["failure", "timeout"]), failed), else_=Outcome.SUCCESS.value)


def explain(*export: str, caps: str) -> Explain:
    """Return the explanation of a wrapper: how to export it, and what all of them share."""
    return Explain(
        what=(
            "Changes in the directory: applications and their credentials, consent, roles, federation settings, users"
            " and policies. Context for the story, and an acceptance where the record names the token (Graph beta)."
        ),
        export=export,
        retention="30 days in Entra ID (7 without a P1 licence); else as long as the workspace or account keeps it.",
        caps=caps,
        traps=(
            "the token's id is in the linkable identifiers of Graph beta only: v1.0 and older exports give context",
            "Graph's records do not name the tenant, so their tokens have no issuer",
            "saved queries often expand one record to several rows; they count once, by id",
            "modified properties are cut after 8,192 characters; the input file holds them whole",
        ),
    )
