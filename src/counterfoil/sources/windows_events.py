"""Windows events of AD FS servers and domain controllers, as JSON lines.

The shapes of Microsoft Sentinel's tables SecurityEvent and Event, and the flat objects that a short
PowerShell line writes (docs/sources/adfs.md). AD FS audits are issuances of assertions in the log `adfs`; every
other event is context in the log `windows-security`, where the theft of a signing key leaves its traces.

AD FS logs no id of the assertion. An issuance is known by computer, activity id and second: so the basic
audit 1200 and the verbose audit 299 of one issuance become one record, and two issuances of one activity stay
two unless they fall into one second. Where the ids differ, an issuance that both audits report counts twice,
which can hide a forged assertion among genuine ones but accuses nobody.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from counterfoil.model.schema import Leg, Outcome, TokenClass
from counterfoil.sources import _windows, mapping
from counterfoil.sources.source import RAW_TEXT, READER_COLUMNS, TEXT, Explain, Source

ADFS_LOG = "adfs"
CONTEXT_LOG = "windows-security"
_FIDELITY = 1
MAX_STRINGS_CHARS = 4_096
MAX_FIELD_CHARS = 1_024

_TEXTS = (
    "EventID", "Computer", "TimeGenerated", "TimeCreated", "TimeCollected", "Channel", "EventLog", "EventSourceName",
    "Source", "Provider", "ProviderName", "EventRecordID", "RecordNumber", "EventOriginId",
    "EventData", "RenderedDescription", "Message", "ParameterXml", "Activity", "Task",
    "Account", "TargetAccount", "TargetUserName", "TargetDomainName", "SubjectAccount", "SubjectUserName",
    "SubjectDomainName", "UserName", "server_principal_name", "ClaimsName",
    "IpAddress", "SourceAddress", "DestAddress", "DestPort", "ObjectName", "Properties", "AccessMask",
    "PipeName", "Image", "LogonType", "ServiceName",
)  # fmt: skip


# Fields that stand in a column of their own or among the event's data.
_FIELDS = (
    "TargetDomainName", "TargetUserName", "SubjectDomainName", "SubjectUserName", "IpAddress", "SourceAddress",
    "DestAddress", "DestPort", "ObjectName", "Properties", "AccessMask", "PipeName", "Image", "LogonType",
    "ServiceName",
)  # fmt: skip
_NUMBERS = ("DestPort", "LogonType")
# Elements of the AD FS audit's XML.
_TAGS = (
    "RelyingParty", "UserId", "IpAddress", "ForwardedIpAddress", "UserAgentString", "OAuthClientId", "AuthProtocol",
    "NetworkLocation", "Endpoint", "ClaimsProvider", "Server", "FailureType",
)  # fmt: skip
_INSTANCE_EVENTS = ("299", "403", "404", "410", "411", "412", "500", "501")


def to_evidence(raw: ir.Table) -> ir.Table:
    """Map events to issuances (AD FS audits) and context.

    In stages: each names what the next uses more than once, or the expression would grow with every use.
    """
    return _rows(_parties(_parts(_columns(raw))))


def _columns(raw: ir.Table) -> ir.Table:
    """Return the event's columns: the many names of one thing made one."""
    kept = (
        "TimeCollected", "EventOriginId", "RenderedDescription", "Message", "ParameterXml", "Activity", "Task",
        "Account", "TargetAccount", "SubjectAccount", "ClaimsName", "server_principal_name", "UserName",
    )  # fmt: skip
    return raw.select(
        **{name: raw[name] for name in (*READER_COLUMNS, *kept)},
        **{f"own{name}": raw[name] for name in _FIELDS},
        **{f"data{name}": _windows.named(raw.EventData, name) for name in _FIELDS if name not in _NUMBERS},
        **{f"data{name}": _windows.named_number(raw.EventData, name) for name in _NUMBERS},
        event=mapping.text(raw.EventID.strip()),
        host=mapping.lower(raw.Computer),
        stamp=_windows.stamp(ibis.coalesce(mapping.text(raw.TimeGenerated), raw.TimeCreated)),
        channel=mapping.text(ibis.coalesce(raw.Channel, raw.EventLog)),
        provider=mapping.text(ibis.coalesce(raw.EventSourceName, raw.Source, raw.Provider, raw.ProviderName)),
        number=mapping.number(ibis.coalesce(raw.EventRecordID, raw.RecordNumber, _azure_number(raw))),
        trimmed=raw.EventData.strip(),
        listed=raw.EventData_dynamic,
    )


def _azure_number(raw: ir.Table) -> ir.StringValue:
    """Return the record number as Azure spells it: engines take two columns that differ in case for one."""
    return raw[RAW_TEXT].re_extract(r'"EventRecordId"\s*:\s*"?(\d{1,18})', 1).nullif("")


def _parts(table: ir.Table) -> ir.Table:
    """Add the event's strings, what they say as one text, and the fields."""
    table = table.mutate(
        adfs=_windows.is_adfs(table.event, table.provider, table.channel),
        texts=_windows.strings(table.listed, table.trimmed),
        happened=mapping.any_when(table.stamp),
        collected=mapping.any_when(table.TimeCollected),
        **{f"field{name}": _windows.first(table[f"own{name}"], table[f"data{name}"]) for name in _FIELDS},
    )
    said = _windows.body(table.texts, table.RenderedDescription, table.Message)
    return table.mutate(body=ibis.cases((table.adfs, said), else_=ibis.null("string")))


def _parties(table: ir.Table) -> ir.Table:
    """Add who acted, from where, and what the AD FS audit says."""
    domains = [(table[f"field{side}DomainName"], table[f"field{side}UserName"]) for side in ("Target", "Subject")]
    verbose = table.event == _windows.ISSUED_VERBOSE
    listed = ibis.cases((verbose, table.texts[1]), else_=table.texts[0])
    table = table.mutate(
        **{f"tag{name}": _windows.tag(table.body, name) for name in _TAGS},
        actor=_windows.first(
            table.Account, table.TargetAccount, table.SubjectAccount, table.ClaimsName, table.server_principal_name,
            table.UserName, *(domain + "\\" + user for domain, user in domains),
        ),
        # %1 of 1200 and its kin, %2 of 299 (whose %1 is the instance id), or what the message says
        listedActivity=_windows.guid(listed),
        saidActivity=table.body.re_extract(r"Activity ID:\s*\{?([0-9A-Fa-f-]{36})", 1),
        listedParty=ibis.cases((verbose & table.adfs, table.texts[2]), else_=ibis.null("string")),
        saidParty=table.body.re_extract(r"relying party '([^']{1,1000})'", 1),
    )  # fmt: skip
    audit = {f"tag{name}": _windows.present(table[f"tag{name}"]) for name in _TAGS}
    forwarded = table.tagForwardedIpAddress.re_extract(r"^\s*([^,\s]+)", 1)
    return table.mutate(
        **audit,
        subject=mapping.lower(_windows.first(table.tagUserId, table.actor)),
        activityId=ibis.cases((table.adfs, _windows.first(table.listedActivity, table.saidActivity).lower()),
                              else_=ibis.null("string")),
        party=_windows.first(table.tagRelyingParty, table.listedParty, table.saidParty).lower(),
        client=_windows.first(forwarded, table.tagIpAddress, table.fieldIpAddress, table.fieldSourceAddress),
    )  # fmt: skip


def _rows(table: ir.Table) -> ir.Table:
    issued = table.adfs & table.event.isin([_windows.ISSUED_BASIC, _windows.ISSUED_VERBOSE])
    refused = table.adfs & (table.event == _windows.REFUSED_BASIC)
    failed = (table.adfs & mapping.among(table.event, _windows.FAILED_AUDITS)) | mapping.among(
        table.event, _windows.FAILED_EVENTS
    )
    none = ibis.null("string")
    kind, name = _object(table)
    return mapping.rows(
        table,
        source=ibis.cases((table.adfs, ADFS_LOG), else_=CONTEXT_LOG),
        fidelity=_FIDELITY,
        leg=ibis.cases((issued | refused, Leg.ISSUANCE.value), else_=Leg.CONTEXT.value),
        event_time=table.happened,
        ingested_at=table.collected,
        kind=ibis.coalesce(table.host, "unknown"),
        record_id=_record_id(table, issued),
        sequence=ibis.cases(
            ((table.channel.lower() == _windows.SECURITY) | table.channel.isnull(), table.number),
            else_=ibis.null("int64"),
        ),
        issuer=ibis.cases((table.adfs, ibis.literal("adfs:") + _windows.domain(table.host)), else_=none),
        token_class=ibis.cases((issued | refused, TokenClass.ASSERTION.value), else_=none),
        subject_name=table.subject,
        client_id=table.tagOAuthClientId.lower(),
        resource=table.party,
        ip=mapping.address(table.client),
        user_agent=table.tagUserAgentString,
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
    channel = ibis.coalesce(table.channel.lower(), _windows.SECURITY)
    numbered = table.host + "/" + channel + "/" + table.number.cast("string") + "/" + second
    return ibis.coalesce(
        ibis.cases((issued, issuance), else_=ibis.null("string")), numbered, mapping.lower(table.EventOriginId)
    )


def _object(table: ir.Table) -> tuple[ir.StringValue, ir.StringValue]:
    """Return kind and name of what was reached: an AD object, a pipe, a database object, an address."""
    sql = [mapping.text(table.ParameterXml.re_extract(rf"{part}_name:(\S+)", 1))
           for part in ("database", "schema", "object")]  # fmt: skip
    found = (
        ("relying_party", table.party),
        ("directory", table.fieldObjectName.re_replace(r"^%?\{?([^}]*)\}?$", r"\1").lower()),
        ("pipe", table.fieldPipeName.lower()),
        ("database", (sql[0] + "." + sql[1] + "." + sql[2]).lower()),
        ("address", (table.fieldDestAddress + ":" + table.fieldDestPort).lower()),
    )
    kind = ibis.cases(*[(name.notnull(), kind) for kind, name in found], else_=ibis.null("string"))
    return kind, ibis.coalesce(*(name for _, name in found))


def _extra(table: ir.Table) -> ir.StringValue:
    none = ibis.null("string")
    instance = ibis.cases((mapping.among(table.event, _INSTANCE_EVENTS), _windows.guid(table.texts[0])), else_=none)
    statement = table.ParameterXml.re_extract(r"statement:(.*?) ?additional_information:", 1)
    strings = ibis.cases((table.adfs, none), else_=table.texts.join("\n").left(MAX_STRINGS_CHARS))
    return mapping.extra(
        provider=table.provider,
        channel=table.channel,
        task=table.Task,
        activity=table.Activity,
        activityId=table.activityId,
        instanceId=instance,
        authProtocol=table.tagAuthProtocol,
        networkLocation=table.tagNetworkLocation,
        endpoint=table.tagEndpoint,
        claimsProvider=table.tagClaimsProvider,
        server=table.tagServer,
        failureType=table.tagFailureType,
        properties=table.fieldProperties.left(MAX_FIELD_CHARS),
        accessMask=table.fieldAccessMask,
        image=table.fieldImage,
        logonType=table.fieldLogonType,
        serviceName=table.fieldServiceName,
        statement=statement.left(MAX_FIELD_CHARS),
        strings=strings,
    )


SOURCE = Source(
    name="windows-events",
    log=ADFS_LOG,
    title="Windows events of AD FS servers and domain controllers, JSON lines (SecurityEvent, Event, PowerShell)",
    fidelity=_FIDELITY,
    required=frozenset({"EventID", "Computer"}),
    raw={**dict.fromkeys(_TEXTS, TEXT), "EventData_dynamic": [TEXT]},
    embedded=frozenset({"EventData_dynamic"}),
    to_evidence=to_evidence,
    explain=Explain(
        what=(
            "What AD FS issued: audits 1200 (basic) and 299 (verbose) are the issuance leg of SAML assertions and"
            " tokens, 1201 a failure. All other events (logons 4624, directory access 4662, SQL audit 33205, pipes"
            " Sysmon 18, log cleared 1102...) are context of log windows-security: they show access to the signing"
            " key."
        ),
        export=(
            "auditpol /set /subcategory:\"Application Generated\" /success:enable /failure:enable",
            "Set-AdfsProperties -AuditLevel Basic",
            "on each AD FS server the PowerShell lines of docs/sources/adfs.md, which write one object an event:"
            " EventID, Computer, TimeCreated, Channel, Provider, EventRecordID, EventData",
            "or az monitor log-analytics query -w WORKSPACE --analytics-query 'SecurityEvent | where Computer has"
            " \"ADFS\"' -o json | jq -c '.[]' > adfs.jsonl",
        ),
        retention="as long as the Security log is large: hours to days on a busy server, so forward the events.",
        caps="the size of the Security log; 500,000 rows or 100 MB for a Log Analytics query.",
        traps=(
            "AD FS logs no assertion id: assertions are judged by subject, relying party and count",
            "auditing is off until both the audit policy and the AD FS audit level are set",
            "an export of AD FS audits alone leaves gaps in the record numbers: export the whole Security log, or"
            " leave EventRecordID out",
            "proxies (WAP) log nothing of this: the audits are on the farm's servers, on each its own",
            "Sentinel shows wrong names for AD FS events (501 as a message of the Desktop Window Manager)",
        ),
        complete=(
            "--complete adfs/HOST[:from..to], HOST the computer's full name in lower case, once for every server of the"
            " farm. Honest when the Security log of that server is there unbroken and was not cleared."
        ),
    ),
    row_caps=frozenset({30_000, 500_000}),
)
