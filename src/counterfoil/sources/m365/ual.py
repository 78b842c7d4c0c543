"""The Unified Audit Log's record, AuditData, and its one mapping to evidence.

Every wrapper (`m365_ual_*`, `defender_cloudappevents`, `sentinel_officeactivity`) lays its columns out as the
flat table of `_ual_record`, and `to_evidence` does the rest, so that one record comes out equal from all.

Spec: Office 365 Management Activity API schema (learn.microsoft.com/office/office-365-management-api), and
"Track and investigate identity activities with linkable identifiers" (Microsoft Entra documentation). Where
real records say otherwise, the records win:
- The token id of a sign-in is IntraSystemId. Id is the record's, and equals it only in records since 2021.
- CreationTime has no Z and is UTC.
- A sign-in that stopped at "keep me signed in?" (50140) is logged as UserLoggedIn with that ErrorNumber.
"""

from __future__ import annotations

from collections.abc import Mapping

from counterfoil.expressions import ibis, ir
from counterfoil.model.ids import NULL_FORMS, IdKind
from counterfoil.model.known import EXCHANGE_ONLINE, INTERRUPT_CODES, SHAREPOINT_ONLINE
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.sources import mapping
from counterfoil.sources.m365 import ual_types as types
from counterfoil.sources.m365.ual_record import LOG, RECEIVED, WRAPPER_DATE
from counterfoil.sources.source import RAW_DATES

# Longest text that `extra` takes from one field: a changed application lists its whole manifest.
MAX_EXTRA_CHARS = 4_000
MAX_MESSAGE_BYTES = 1 << 42  # Exchange takes 150 MB at most; half a million of these are a number still

_GUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# Actor and Target: a list of {"ID", "Type"}, where a directory object is written `User_<guid>` too.
_ACTOR_ID = rf'"ID"\s*:\s*"({_GUID})"'
_ACTOR_TYPED = rf'"ID"\s*:\s*"(?:User|ServicePrincipal)_({_GUID})"'

# Services that act on behalf of nobody when they hold an application's token.
_SERVICES = (EXCHANGE_ONLINE, SHAREPOINT_ONLINE)


def to_evidence(audit: ir.Table, *, fidelity: int) -> ir.Table:
    """Return the evidence of a flat table of AuditData records."""
    first = mapping.stage(audit, **_first(audit))
    record = mapping.stage(first, **_second(first))
    return mapping.rows(
        record,
        source=LOG.name,
        fidelity=fidelity,
        reject=_reject(record),
        leg=record.leg,
        kind=record.kind,
        event_time=record.happened,
        ingested_at=mapping.when(record[RECEIVED]).nullif(record.happened),
        record_id=_record_id(record),
        operation=record.Operation.nullif(""),
        outcome=_outcome(record),
        token_id=record.token_id,
        token_id_kind=ibis.cases((record.token_id.notnull() | record.presented.notnull(), IdKind.ENTRA_UTI.value)),
        parent_token_ids=ibis.cases((record.presented.notnull(), ibis.array([record.presented]))),
        issued_at=ibis.cases((record.presented.isnull(), _issued_at(record))),
        session_id=_session(record),
        **_issuer(record),
        **_party(record),
        **_place(record),
        **_object(record),
        **_items(record),
        extra=_extra(record),
    )


def _first(audit: ir.Table) -> dict[str, ir.Value]:
    """Return what the mapping asks of the record itself, again and again."""
    sign_in = audit.Operation.isin([types.SIGNED_IN, types.SIGN_IN_FAILED])

    def said(bag: str, name: str) -> ir.StringValue:
        return ibis.cases((sign_in, mapping.bag(audit[bag], name)))

    return {
        "kind": _kind(audit),
        "sign_in": sign_in,
        # documented as ErrorCode, logged as ErrorNumber
        "error": ibis.coalesce(mapping.text(audit.ErrorNumber), mapping.text(audit.ErrorCode)).nullif("0"),
        "accepted": ibis.coalesce(
            _token_id(audit.AppAccessContext["UniqueTokenId"]), _token_id(audit.UniqueTokenId)
        ),
        "issued": _token_id(audit.UniqueTokenIdentifier),
        "organization": _organization(audit),
        "client": mapping.lower(audit.ClientAppId),
        "app": mapping.lower(audit.AppId),
        "token_type": audit.TokenType.lower(),
        "user_type": audit.UserType.lower(),
        "user": _known(audit.UserId),
        "agent": said("ExtendedProperties", "UserAgent"),
        "request_type": said("ExtendedProperties", "RequestType"),
        "device": said("DeviceProperties", "Id"),
        "device_session": said("DeviceProperties", "SessionId"),
        "access_mode": ibis.coalesce(*(mapping.bag(audit.OperationProperties, name) for name in types.ACCESS_TYPES)),
        "throttled": mapping.bag(audit.OperationProperties, "IsThrottled"),
        "message_ids": _messages(audit, "InternetMessageId"),
        "sizes": _messages(audit, "SizeInBytes"),
        "wrapper_time": mapping.when(audit[WRAPPER_DATE], audit[RAW_DATES]),
    }


def _second(audit: ir.Table) -> dict[str, ir.Value]:
    """Return the leg and the ids of the tokens.

    A sign-in's token id is its request id. A token issue names what it issued, and in its access context what was
    presented for it. Every access is an acceptance; any other record is one if it carries a token id.
    """
    token_issue = audit.kind == "token-issue"
    # the same id with and without padding is one id
    other = audit.accepted.replace("=", "") != ibis.coalesce(audit.issued, "").replace("=", "")
    # what was presented stands in the access context; some workloads write it beside that
    used = ibis.coalesce(audit.accepted, audit.issued)
    access = mapping.among(audit.kind, types.ACCESS_KINDS) | used.notnull()
    time = mapping.when(audit.CreationTime, audit[RAW_DATES], near=audit.wrapper_time)
    return {
        "token_id": ibis.cases(
            (audit.sign_in, _token_id(audit.IntraSystemId)), (token_issue, audit.issued), else_=used
        ),
        "presented": ibis.cases((token_issue & other, audit.accepted)),
        "leg": ibis.cases(
            (audit.sign_in, Leg.ISSUANCE.value),
            (token_issue, Leg.SECONDARY_ISSUANCE.value),
            (access, Leg.ACCEPTANCE.value),
            else_=Leg.CONTEXT.value,
        ),
        "happened": mapping.own_or_arrival(audit.CreationTime, time, audit.wrapper_time),
        "count": ibis.coalesce(mapping.number(audit.OperationCount), audit.message_ids.length().nullif(0)),
    }


def _reject(audit: ir.Table) -> ir.StringValue:
    nothing = audit.Id.isnull() & audit.Operation.isnull() & audit.CreationTime.isnull()
    return ibis.coalesce(
        ibis.cases((nothing, "no audit record in it: AuditData is empty or not a JSON object")),
        mapping.two_ways(
            ibis.coalesce(mapping.text(audit.CreationTime), audit[WRAPPER_DATE]), audit[RAW_DATES], audit.happened
        ),
    )


_KIND_OF: Mapping[str, str] = {name: kind for kind in types.RECORD_TYPES for name in types.written(kind)}


def _kind(audit: ir.Table) -> ir.StringValue:
    return ibis.cases(
        # a wrapper may have lost the record type; these operations occur nowhere else
        (audit.Operation.isin(types.MAIL_ACCESSES), "exchange-item"),
        (audit.Operation.isin([types.SIGNED_IN, types.SIGN_IN_FAILED]), "sign-in"),
        (audit.Operation == types.TOKEN_ISSUE, "token-issue"),
        else_=ibis.map(dict(_KIND_OF)).get(audit.RecordType.lower(), types.OTHER),
    )


def _token_id(value: ir.StringValue) -> ir.StringValue:
    """Return the id as logged, NULL for the values that services write when there is none."""
    return ibis.cases((~mapping.among(value, NULL_FORMS), value))


def _record_id(audit: ir.Table) -> ir.StringValue:
    """Return the record's id. A sign-in's is its request's: the interrupt before a success is a record of its own."""
    record_id = mapping.lower(audit.Id)
    return ibis.cases((audit.sign_in & audit.error.notnull(), record_id + ":" + audit.error), else_=record_id)


def _outcome(audit: ir.Table) -> ir.StringValue:
    signed_in = audit.Operation == types.SIGNED_IN
    interrupted = mapping.among(audit.error, INTERRUPT_CODES) | audit.LogonError.endswith("Interrupt")
    return ibis.cases(
        (~audit.sign_in & mapping.among(audit.ResultStatus.lower(), types.NOT_DONE), Outcome.DENIED.value),
        (~audit.sign_in | (signed_in & audit.error.isnull()), Outcome.SUCCESS.value),
        # logged as signed in, yet with an error: it went on, and nothing shows that a token came of it
        (signed_in | interrupted, Outcome.INTERRUPTED.value),
        else_=Outcome.FAILED.value,
    )


def _organization(audit: ir.Table) -> ir.StringValue:
    """Return the tenant that owns the log, NULL where a wrapper left its placeholder `$RestApiTenantId$`."""
    return ibis.cases((~audit.OrganizationId.startswith("$"), mapping.lower(audit.OrganizationId)))


def _issued_at(audit: ir.Table) -> ir.TimestampValue:
    """Return the token's issued-at: SharePoint names it otherwise than Exchange."""
    context = audit.AppAccessContext
    return ibis.coalesce(
        *(mapping.when(value, near=audit.happened) for value in (context["IssuedAtTime"], context["TokenIssuedAtTime"]))
    )


def _session(audit: ir.Table) -> ir.StringValue:
    return ibis.coalesce(
        _known(audit.AppAccessContext["AADSessionId"]), _known(audit.SessionId), _known(audit.device_session)
    )


def _known(value: ir.StringValue) -> ir.StringValue:
    """Return the text in lower case, NULL for what stands for nobody."""
    return ibis.cases((~mapping.among(value.lower(), types.NOBODY), value.lower()))


def _issuer(audit: ir.Table) -> dict[str, ir.Value]:
    """Return issuer and tenants. A record without a token has no issuer."""
    token_tenant = ibis.cases((audit.sign_in, audit.organization), else_=_known(audit.TokenTenantId))
    return {
        "issuer": ibis.cases((
            audit.leg != Leg.CONTEXT.value, ibis.literal("entra:") + ibis.coalesce(token_tenant, audit.organization)
        )),
        "token_tenant": token_tenant,
        "resource_tenant": audit.organization,
        "home_tenant": ibis.cases((audit.sign_in, _known(audit.ActorContextId))),
    }


def _party(audit: ir.Table) -> dict[str, ir.Value]:
    """Return the acting user, the application and what the token is for."""
    user_key = ibis.cases((
        mapping.among(audit.kind, types.USER_KEY_KINDS) & audit.UserKey.re_search(f"^{_GUID}$"), audit.UserKey
    ))
    actor = ibis.cases(
        (audit.sign_in, audit.Actor.re_extract(_ACTOR_ID, 1)),
        (audit.kind == "directory", audit.Actor.re_extract(_ACTOR_TYPED, 1)),
    )
    # ClientAppId is the application that came, AppId then the API it came through; alone, AppId is the application
    shown = audit.AppAccessContext["APIId"]
    api = ibis.coalesce(ibis.cases((audit.client != audit.app, audit.app)), mapping.lower(shown))
    target = ibis.coalesce(_known(audit.ObjectId), audit.Target.re_extract(_ACTOR_ID, 1).lower().nullif(""))
    return {
        "subject_id": ibis.coalesce(
            _known(audit.TokenObjectId), _known(audit.AppAccessContext["UserObjectId"]), _known(user_key), _known(actor)
        ),
        "subject_name": audit.user,
        "client_id": ibis.coalesce(audit.client, audit.app, mapping.lower(audit.ApplicationId)),
        "resource": ibis.cases(
            (audit.sign_in, target), (audit.kind == "token-issue", mapping.lower(audit.ResourceURL)), else_=api
        ),
        "token_class": _token_class(audit),
        "logon_type": ibis.map(dict(types.LOGON_TYPES)).get(audit.LogonType.lower()),
    }


def _token_class(audit: ir.Table) -> ir.StringValue:
    """Return the token's class where the record positively shows it, else NULL.

    Exchange names the kind of token that it checked: V1AppActAs is a user's token from Entra (docs/adr/0010), or one
    that Exchange called itself back with; S2SAppActAs an unsigned statement around the token of an application; then
    V1AppOnly, S2SAppOnly, V1IdToken, and what Exchange issued to itself (V1ExchangeSelfIssued, ...Callback...).
    """
    app_only = (
        audit.token_type.contains("app")
        | mapping.among(audit.user_type, types.APPLICATION_USER_TYPES)
        | audit.user.startswith("serviceprincipal_")
        | (audit.user == "app@sharepoint")
    )
    own = audit.token_type.contains("selfissued") | audit.token_type.contains("callback")
    service = app_only & ibis.coalesce(audit.client, audit.app).isin(_SERVICES)
    return ibis.cases(
        (audit.token_type == types.DELEGATED, TokenClass.DELEGATED.value),
        (audit.token_type.contains("actas"), TokenClass.ACT_AS.value),
        (audit.user_type.isin(types.SYSTEM_USER_TYPES) | own | service, TokenClass.SERVICE.value),
        (app_only, TokenClass.APPLICATION.value),
        (audit.token_type.contains("idtoken") | audit.token_type.contains("user"), TokenClass.USER.value),
    )


def _place(audit: ir.Table) -> dict[str, ir.Value]:
    """Return where the request came from."""
    return {
        "ip": mapping.address(audit.ClientIPAddress, audit.ClientIP, audit.ActorIpAddress),
        "user_agent": ibis.coalesce(audit.agent, audit.ClientInfoString.nullif(""), audit.UserAgent.nullif("")),
        "device_id": ibis.coalesce(
            _known(audit["DeviceId"]), _known(audit.AppAccessContext["DeviceId"]), _known(audit.device)
        ),
    }


def _object(audit: ir.Table) -> dict[str, ir.Value]:
    """Return the object that was reached."""
    kind = audit.kind
    thread = audit.ChatThreadId.nullif("")
    team = audit.TeamGuid.nullif("")
    chat = thread.notnull() | audit.CommunicationType.isin(["OneOnOne", "GroupChat"])
    return {
        "object_kind": ibis.cases(
            ((kind == "teams") & chat, "chat"),
            # whatever else Exchange does with a token, it does to a mailbox
            ((kind == types.OTHER) & (audit.Workload.lower() == "exchange") & audit.accepted.notnull(), "mailbox"),
            else_=ibis.map(dict(types.OBJECT_KINDS)).get(kind),
        ),
        "object_id": ibis.cases(
            (kind == "exchange-item", mapping.lower(audit.MailboxGuid)),
            (kind == "teams", ibis.coalesce(thread, audit.ChannelGuid.nullif(""), team, audit.ObjectId.nullif(""))),
            (~kind.isin(["sign-in", "token-issue"]), audit.ObjectId.nullif("")),
        ),
        "object_parent": ibis.cases(
            (kind == "exchange-item", mapping.lower(audit.MailboxOwnerUPN)),
            (kind == "sharepoint", audit.SiteUrl.nullif("")),
            (kind == "teams", ibis.coalesce(team, audit.TeamName.nullif(""))),
        ),
    }


def _items(audit: ir.Table) -> dict[str, ir.Value]:
    """Return the messages that were reached."""
    sizes = audit.sizes.map(_bytes).sums()
    named = audit.message_ids.filter(lambda message: message.notnull())  # a draft has no message id
    return {
        "item_ids": ibis.cases((named.length() > 0, named)),
        "item_count": audit["count"],
        "byte_count": ibis.coalesce(sizes, mapping.number(audit.FileSizeBytes)),
        "access_mode": audit.access_mode.lower(),
        "aggregated": ibis.cases((audit.Operation.isin(types.MAIL_ACCESSES), audit["count"] > 1)),
        "throttled": mapping.flag(audit.throttled),
    }


def _bytes(size: ir.Value) -> ir.IntegerValue:
    """Return the size of a message; NULL of what is none, and would not go into a number with the others."""
    number = size.try_cast("float64")
    return ibis.cases((number.abs() < MAX_MESSAGE_BYTES, number.round())).cast("int64")


def _messages(audit: ir.Table, field: str) -> ir.ArrayValue:
    """Return one field of every message in the record, NULL if it lists no messages.

    Folders lists them where several accesses are one record.
    """
    single = audit.Item[field]
    folders = audit.Folders.map(lambda folder: folder["FolderItems"].map(lambda item: item[field])).flatten()
    opened = audit.Messages.map(lambda message: message["MessageItems"].map(lambda item: item[field])).flatten()
    return ibis.cases(
        (audit.Folders.notnull(), folders),
        (audit.Messages.notnull(), opened),
        (audit.AffectedItems.notnull(), audit.AffectedItems.map(lambda item: item[field])),
        (single.notnull(), ibis.array([single])),
    )


_KEPT = (
    "RecordType", "ResultStatus", "UserKey", "UserType", "Workload", "TokenType", "AuthType", "ActorInfoString",
    "LogonType", "InternalLogonType", "ExternalAccess", "LogonUserSid", "MailboxOwnerSid", "InterSystemsId",
    "ErrorNumber", "LogonError", "TargetContextId", "TeamName", "CommunicationType", "MessageId",
)


def _extra(audit: ir.Table) -> ir.StringValue:
    """Return what else the record says. The nested ClientAppId is here only: it is not always the top one."""
    long = {name: audit[name].left(MAX_EXTRA_CHARS) for name in ("Actor", "Parameters", "ModifiedProperties")}
    return mapping.extra(
        **{name: audit[name] for name in _KEPT},
        **long,
        CorrelationId=ibis.coalesce(audit["CorrelationId"].nullif(""), audit.AppAccessContext["CorrelationId"]),
        AuthTime=audit.AppAccessContext["AuthTime"],
        AppAccessContext_ClientAppId=audit.AppAccessContext["ClientAppId"],
        RequestType=audit.request_type,
        Folder=audit.Item["ParentFolder"]["Path"],
        Subject=audit.Item["Subject"],
    )
