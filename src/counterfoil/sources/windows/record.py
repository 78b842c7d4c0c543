"""The event that every wrapper of Windows events holds, and what it becomes.

A wrapper names the event's parts once, with `events`; `evidence` does the rest for all of them alike. So one event
is the same evidence whichever tool exported it.

What the strings of the AD FS audits mean (`%1`, `%2`...), and how sure that is:

- 1200 to 1210: activity id, XML. Seen in real records (1203 as XML, 1200 as rendered text), documented for 1200.
- 299: instance id, activity id, relying party. 500, 501: instance id, then type and value of each claim. 412: instance
  id, activity id, token type, relying party. Seen in real records (412, 501 in Sentinel), and so read by Microsoft's
  own AdfsToolbox.
- 403: instance id, activity id, time, client address, method, path, query, port, address, agent... 404: instance id,
  activity id, time, status, its text. 411: token type second. As AdfsToolbox reads them; no real record seen.
- 410: activity id, client application, agent, request id, path, forwarded address. From accounts of incidents only.
- 70 ("AD FS private key accessed") is unconfirmed: it is kept as context and nothing depends on it.

Events of Windows itself (4624, 4662, 4688, 4769, 5156, 1100 to 1108, 104), of SQL Server (33205) and Sysmon (1, 10, 18)
are read by the names of their fields, as documented at learn.microsoft.com; 4624, 4662, 5156, 33205 and 18 seen in the
public capture of SimuLand's golden SAML attack.
"""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.expressions import ibis, ir
from counterfoil.model import key_store
from counterfoil.model.logs import Hosts, Issuance, KeyReads, Log
from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.sources import mapping
from counterfoil.sources.source import RAW_DATES, READER_COLUMNS
from counterfoil.sources.windows import pieces, seizing

CONTEXT_LOG = "windows-security"
LOG = Log(
    "adfs",
    issuance=Issuance(issuers="adfs:"),
    hosts=Hosts(
        beside=(CONTEXT_LOG,),
        full=pieces.ISSUED_BASIC,
        bare=pieces.ISSUED_VERBOSE,
        audited=(
            "audits 1200 and 299 (Verbose)", "audit 1200 alone (Basic)", "audit 299 alone, which names no user",
            "no audit 1200 or 299 of this server is in evidence: auditing is off there, or they were left out",
        ),
        # learn.microsoft.com, "Event 1101", "Event 1102", "Event 1104"
        losses={
            "1101": "audit events were dropped (1101)",
            "1102": "the event log was cleared (1102)",
            "1104": "the Security log was full (1104)",
        },
        switched_off="auditing of AD FS was switched off (4719)",
        key=KeyReads(
            directory="4662", pipe="18", logon="4624",
            service=r"(?i)\\microsoft\.identityserver\.servicehost\.exe",
            service_logon='"logonType":"5"',
            logon_id=r'"logonId":"(0x[0-9A-Fa-f]+)"',
            anywhere=("system", "local service", "anonymous logon"),
        ),
    ),
)
FIDELITY = 1
MAX_STRINGS_CHARS = 4_096
MAX_FIELD_CHARS = 1_024
MAX_QUOTED = 1_000

# Data of events that stand in a column of their own or in `extra`.
FIELDS = (
    "TargetDomainName", "TargetUserName", "SubjectDomainName", "SubjectUserName", "User", "IpAddress",
    "SourceAddress", "DestAddress", "DestPort", "ObjectName", "ObjectType", "Properties", "AccessMask", "PipeName",
    "Image", "LogonType", "TargetLogonId", "SubjectLogonId", "ServiceName", "SubcategoryGuid", "AuditPolicyChanges",
    *seizing.FIELDS,
)
# What else a wrapper may name, with its type.
_OPTIONAL = {
    "collected": "string", "channel": "string", "provider": "string", "number": "int64", "texts": "array<string>",
    "message": "string", "actor": "string", "task": "string", "title": "string", "origin": "string", "rest": "string",
    "reject": "string",
}

# Elements of the AD FS audit's XML.
_TAGS = (
    "RelyingParty", "UserId", "IpAddress", "ForwardedIpAddress", "UserAgentString", "OAuthClientId", "AuthProtocol",
    "NetworkLocation", "Endpoint", "ClaimsProvider", "Server", "FailureType", "ProxyServer",
)
_FREE = ("RelyingParty", "UserId", "UserAgentString", "Endpoint", "ClaimsProvider")  # may hold entities
_CLAIMS = ("500", "501")
_INSTANCE_EVENTS = ("299", "403", "404", "410", "411", "412", "500", "501")
_ACTIVITY_SECOND = ("299", "403", "404", "412")
# Where the parts of the verbose audits stand, counted from 0.
_PARTY_AT = {"299": 2, "412": 3}
_TOKEN_TYPE_AT = {"411": 1, "412": 2}
_ADDRESS_AT = {"403": 3, "410": 5, "411": 2}
_AGENT_AT = {"403": 9, "410": 2}
_ENDPOINT_AT = {"403": 5, "410": 4}

# Where the signing key of AD FS can be taken from: a contact object in Active Directory whose thumbnailPhoto is the key
# of the distributed key manager (class contact, attribute thumbnailPhoto), and the settings in the database.
# simulandlabs.com, "Export Active Directory Federation Services (AD FS) Token Signing Certificate"
_CONTACT = "5cb41ed0-0e4c-11d0-a286-00aa003049e2"
_THUMBNAIL_PHOTO = "8d3bca50-1d7e-11d0-a081-00aa006c33ed"
_SETTINGS = r"(?i)servicesettings"
_WID_PIPE = "\\microsoft##wid\\tsql\\query"
SIGNING_KEY, AUDITING_OFF = "signing_key", "auditing_off"
# The audit subcategory that AD FS needs, and how 4719 says that its successes are not audited any more.
# learn.microsoft.com, "Audit Application Generated", "4719(S): System audit policy was changed"
_APPLICATION_GENERATED = "0cce9222-69ae-11d9-bed3-505054503030"
_REMOVED = r"%%8448|Success removed"


def events(
    raw: ir.Table, *, event: ir.Value, host: ir.Value, stamp: ir.Value, named: Callable[[str], ir.Value],
    **optional: ir.Value,
) -> ir.Table:
    """Return a wrapper's records as events.

    `event` is the event id, `host` the computer's name, `stamp` the text of the time, `named(field)` the event's data
    of that name, empty or NULL if it has none. `optional`: `collected` (text of a time), `channel`, `provider`,
    `number` (of the record), `texts` (the strings), `message` (rendered), `actor` (where the wrapper names the account
    itself), `task`, `title` (the wrapper's own words), `origin` (the agent's id of the record), `rest` (data that has
    no column), `reject`.
    """
    unknown = optional.keys() - _OPTIONAL.keys()
    if unknown:
        raise ValueError(f"no parts of an event: {sorted(unknown)}")
    given = {name: optional.get(name, ibis.null(dtype)) for name, dtype in _OPTIONAL.items()}
    table = mapping.stage(
        raw.select(
            **{name: raw[name] for name in READER_COLUMNS},
            **{f"field{name}": named(name) for name in FIELDS},
            **given,
            event=mapping.text(event.strip()),
            host=mapping.lower(host),
            stamp=pieces.stamp(stamp),
        )
    )
    return mapping.stage(table, **{f"field{name}": pieces.present(table[f"field{name}"]) for name in FIELDS})


def evidence(table: ir.Table) -> ir.Table:
    """Map events to issuances (AD FS audits) and context.

    In stages: each names what the next uses more than once, or the expression would grow with every use.
    """
    return _rows(_told(_parties(_parts(table))))


def _parts(table: ir.Table) -> ir.Table:
    """Add what the event says as one text, and its time."""
    table = mapping.stage(
        table,
        adfs=pieces.is_adfs(table.event, table.provider, table.channel),
        happened=pieces.happened(table.stamp, table[RAW_DATES]),
        collected=mapping.when(table.collected),
    )
    wanted = table.adfs | (table.event == "33205")
    return mapping.stage(table, body=ibis.cases((wanted, pieces.body(table.texts, table.message)), else_=_none()))


def _parties(table: ir.Table) -> ir.Table:
    """Add who acted, and what the AD FS audit says of activity, instance, relying party and token."""
    domains = [(table[f"field{side}DomainName"], table[f"field{side}UserName"]) for side in ("Target", "Subject")]
    login = table.body.re_extract(r"(?s)(?:^|\s)server_principal_name:(.*?)\s+server_principal_sid:", 1)
    activity = ibis.cases((mapping.among(table.event, _ACTIVITY_SECOND), table.texts[1]), else_=table.texts[0])
    return mapping.stage(
        table,
        **{f"tag{name}": pieces.tag(table.body, name) for name in _TAGS},
        actor=pieces.first(
            table.actor, *(domain + "\\" + user for domain, user in domains), *(user for _, user in domains),
            table.fieldUser, ibis.cases((table.event == "33205", mapping.text(login)), else_=_none()), _claimant(table),
        ),
        activityId=_adfs(table, pieces.first(
            pieces.guid(activity), table.body.re_extract(r"Activity ID:\s*\{?([0-9A-Fa-f-]{36})", 1)
        ).lower()),
        instanceId=ibis.cases((mapping.among(table.event, _INSTANCE_EVENTS) & table.adfs, pieces.first(
            pieces.guid(table.texts[0]), table.body.re_extract(r"Instance ID:?\s*\{?([0-9A-Fa-f-]{36})", 1)
        ).lower()), else_=_none()),
        saidParty=_adfs(table, pieces.first(
            _at(table, _PARTY_AT), _quoted(table, "relying party")
        )),
        tokenType=_adfs(table, pieces.first(
            _at(table, _TOKEN_TYPE_AT), _quoted(table, "A token of type")
        )),
        agent=_adfs(table, _at(table, _AGENT_AT)),
        path=_adfs(table, _at(table, _ENDPOINT_AT)),
        remote=_adfs(table, _at(table, _ADDRESS_AT)),
    )


def _quoted(table: ir.Table, words: str) -> ir.StringValue:
    """Return what the message says between quotes after these words."""
    return mapping.within(table.body.re_extract(rf"{words} '([^']+)'", 1), MAX_QUOTED)


def _claimant(table: ir.Table) -> ir.StringValue:
    """Return whom the claims of 500 and 501 name: by UPN, else by account; NULL for other events."""
    upn = table.body.re_extract(r"(?i)/claims/upn\s+(\S+@\S+)", 1)
    account = table.body.re_extract(r"(?i)/claims/name\s+([^\n]*\S)", 1)
    wanted = table.adfs & mapping.among(table.event, _CLAIMS)
    # the caller of 501 is an account, the issued identity of 500 a UPN
    told = ibis.cases((table.event == "500", pieces.first(upn, account)), else_=pieces.first(account, upn))
    return ibis.cases((wanted, told), else_=_none())


def _at(table: ir.Table, places: dict[str, int]) -> ir.StringValue:
    """Return the string that stands at the place given for the event, NULL for other events."""
    return ibis.cases(*((table.event == event, table.texts[place]) for event, place in places.items()), else_=_none())


def _adfs(table: ir.Table, value: ir.Value) -> ir.StringValue:
    return ibis.cases((table.adfs, value), else_=_none())


def _none() -> ir.StringValue:
    return ibis.null("string")


def _told(table: ir.Table) -> ir.Table:
    """Add subject, relying party, address and the database statement."""
    free = {f"tag{name}": pieces.unescape(table[f"tag{name}"]) for name in _FREE}
    table = mapping.stage(table, **free)
    table = mapping.stage(table, **{f"tag{name}": pieces.present(table[f"tag{name}"]) for name in _TAGS})
    table = mapping.stage(table, seized=seizing.done(table))
    statement = table.body.re_extract(r"(?s)statement:(.*?)\s*additional_information:", 1)
    return mapping.stage(
        table,
        subject=mapping.lower(pieces.first(table.tagUserId, table.actor)),
        party=pieces.first(table.tagRelyingParty, table.saidParty).lower(),
        ip=mapping.address(
            table.tagForwardedIpAddress, table.tagIpAddress, table.fieldIpAddress, table.fieldSourceAddress,
            table.remote, table.body.re_extract(r"Client IP:\s*([0-9A-Fa-f.:]+)", 1),
        ),
        statement=ibis.cases((table.event == "33205", mapping.text(statement)), else_=_none()),
    )


def _rows(table: ir.Table) -> ir.Table:
    issued = table.adfs & table.event.isin([pieces.ISSUED_BASIC, pieces.ISSUED_VERBOSE])
    refused = table.adfs & (table.event == pieces.REFUSED_BASIC)
    failed = (table.adfs & mapping.among(table.event, pieces.FAILED_AUDITS)) | mapping.among(
        table.event, pieces.FAILED_EVENTS
    )
    kind, name = _object(table)
    return mapping.rows(
        table,
        source=ibis.cases((table.adfs, LOG.name), else_=CONTEXT_LOG),
        fidelity=FIDELITY,
        reject=table.reject,
        leg=ibis.cases((issued | refused, Leg.ISSUANCE.value), else_=Leg.CONTEXT.value),
        event_time=table.happened,
        ingested_at=table.collected,
        kind=ibis.coalesce(table.host, "unknown"),
        record_id=_record_id(table, issued),
        sequence=ibis.cases(
            ((table.channel.lower() == pieces.SECURITY) | table.channel.isnull(), table.number),
            else_=ibis.null("int64"),
        ),
        issuer=_adfs(table, ibis.literal("adfs:") + pieces.domain(table.host)),
        token_class=ibis.cases((issued | refused, TokenClass.ASSERTION.value), else_=_none()),
        session_id=table.instanceId,
        subject_name=table.subject,
        client_id=table.tagOAuthClientId.lower(),
        resource=table.party,
        ip=table.ip,
        user_agent=pieces.first(table.tagUserAgentString, table.agent),
        key_operation=ibis.cases(
            (kind == SIGNING_KEY, key_store.READ),
            ((kind == AUDITING_OFF) | (table.event == _CLEARED) & (kind == "event_log"), key_store.AUDIT_OFF),
            else_=table.seized,
        ),
        operation=table.event,
        outcome=ibis.cases((failed, Outcome.FAILED.value), else_=Outcome.SUCCESS.value),
        object_kind=kind,
        object_id=name,
        extra=_extra(table),
    )


def _record_id(table: ir.Table, issued: ir.BooleanValue) -> ir.StringValue:
    """Return computer, activity and second of an issuance; else computer, channel and number; else the agent's id."""
    second = table.happened.truncate("s").cast("string")
    issuance = table.host + "/issued/" + table.activityId + "/" + second
    channel = ibis.coalesce(table.channel.lower(), pieces.SECURITY)
    numbered = table.host + "/" + channel + "/" + table.number.cast("string") + "/" + second
    return ibis.coalesce(
        ibis.cases((issued, issuance), else_=_none()), numbered, mapping.lower(table.origin)
    )


def _object(table: ir.Table) -> tuple[ir.StringValue, ir.StringValue]:
    """Return kind and name of what was reached: the signing key, an AD object, a pipe, an address..."""
    sql = [mapping.text(table.body.re_extract(rf"{part}_name:(\S+)", 1)) for part in ("database", "schema", "object")]
    table_name = ibis.cases((table.event == "33205", (sql[0] + "." + sql[1] + "." + sql[2]).lower()), else_=_none())
    directory = table.fieldObjectName.re_replace(r"^%?\{?([^}]*)\}?$", r"\1").lower()
    pipe = table.fieldPipeName.lower()
    log = ibis.cases(
        (pieces.of_the_log(table.provider, table.channel) & mapping.among(table.event, ("104", *_LOG_EVENTS)),
         ibis.coalesce(table.channel.lower(), pieces.SECURITY)), else_=_none(),
    )
    subcategory = ibis.cases(
        (table.event == "4719", table.fieldSubcategoryGuid.lower().re_extract(r"([0-9a-f-]{36})", 1)), else_=_none()
    )
    off = ((subcategory == _APPLICATION_GENERATED) & table.fieldAuditPolicyChanges.re_search(_REMOVED)).fill_null(False)
    found = (
        ("relying_party", table.party),
        ("token_type", table.tokenType.lower()),
        ("directory", directory),
        ("pipe", pipe),
        ("database", table_name),
        ("service", ibis.cases((table.event == "4769", table.fieldServiceName.lower()), else_=_none())),
        ("address", (table.fieldDestAddress + ":" + table.fieldDestPort).lower()),
        ("event_log", log),
        ("audit_policy", subcategory),
        ("process", ibis.cases((table.seized.notnull(), seizing.program(table).lower()), else_=_none())),
    )
    photo = table.fieldProperties.lower().contains(_THUMBNAIL_PHOTO)
    contact = (table.fieldProperties + ibis.coalesce(table.fieldObjectType, "")).lower().contains(_CONTACT)
    settings = table_name.re_search(_SETTINGS) | table.statement.re_search(_SETTINGS)
    key = (
        (directory.notnull() & photo & contact)
        | (table_name.notnull() & settings)
        | ((pipe == _WID_PIPE) & ~table.fieldImage.re_search(seizing.SERVICE))
    ).fill_null(False)
    special = ((key, SIGNING_KEY), (off, AUDITING_OFF))
    kind = ibis.cases(*special, *[(name.notnull(), kind) for kind, name in found], else_=_none())
    return kind, ibis.coalesce(*(name for _, name in found))


_CLEARED = "1102"
# About the Security log: service shut down, events dropped, cleared, full, saved automatically, logging error.
_LOG_EVENTS = ("1100", "1101", "1102", "1104", "1105", "1108")


def _extra(table: ir.Table) -> ir.StringValue:
    texts = ibis.cases((table.adfs, _none()), else_=table.texts.join("\n").left(MAX_STRINGS_CHARS))
    return mapping.extra(
        provider=table.provider,
        channel=table.channel,
        task=table.task,
        activity=table.title,
        activityId=table.activityId,
        instanceId=table.instanceId,
        authProtocol=table.tagAuthProtocol,
        networkLocation=table.tagNetworkLocation,
        endpoint=pieces.first(table.tagEndpoint, table.path),
        claimsProvider=table.tagClaimsProvider,
        server=table.tagServer,
        proxyServer=table.tagProxyServer,
        tokenType=table.tokenType,
        failureType=table.tagFailureType,
        properties=table.fieldProperties.left(MAX_FIELD_CHARS),
        accessMask=table.fieldAccessMask,
        image=table.fieldImage,
        process=ibis.cases((table.seized.notnull(), seizing.program(table)), else_=_none()),
        logonType=table.fieldLogonType,
        # of the session that began, or in which this was done
        logonId=pieces.first(table.fieldTargetLogonId, table.fieldSubjectLogonId),
        serviceName=table.fieldServiceName,
        subcategory=table.fieldSubcategoryGuid,
        auditPolicyChanges=table.fieldAuditPolicyChanges,
        statement=table.statement.left(MAX_FIELD_CHARS),
        strings=texts,
        data=table.rest.left(MAX_STRINGS_CHARS),
    )
