"""The Azure activity log: who changed resources of a subscription. Context.

Two forms: an event of the REST API (eventTimestamp, operationName.value), and the object that Get-AzActivityLog gives
in PowerShell (EventTimestamp, OperationName). Both hold the claims of the token that was presented, and its id (`uti`)
among them; whether every request has one here is not published, so no verdict stands on it.
Log: https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
"""

from __future__ import annotations

from dataclasses import replace

from counterfoil.expressions import ibis, ir
from counterfoil.model.logs import Log
from counterfoil.model.schema import Leg, Outcome
from counterfoil.sources import mapping
from counterfoil.sources.entra import signin
from counterfoil.sources.source import RAW_DATES, TEXT, Explain, Source

LOG = Log("azure-activity", events=True)
MAX_TEXT_CHARS = 1_024
_FIDELITY = 1
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
_CLAIMS = dict.fromkeys(("appid", "ipaddr", "uti", _OBJECT_ID, _NAME), TEXT)
_VALUE = {"value": TEXT}
_FAILED = ("failed", "failure")


def _claim(claims: ir.StructValue, name: str) -> ir.StringValue:
    return mapping.text(claims[name])


def _rows(raw: ir.Table, time: ir.StringValue, claims: ir.StructValue, **texts: ir.StringValue) -> ir.Table:
    """Return the evidence: `texts` are id, submitted, caller, operation, status, resource, tenant, ip, correlation."""
    caller = mapping.lower(texts["caller"])
    person = ibis.coalesce(mapping.lower(_claim(claims, _NAME)), ibis.cases((caller.contains("@"), caller)))
    return mapping.rows(
        raw,
        source=LOG.name,
        fidelity=_FIDELITY,
        reject=mapping.two_ways(time, raw[RAW_DATES], mapping.when(time)),
        leg=Leg.CONTEXT,
        kind="subscription",
        event_time=mapping.when(time),
        ingested_at=mapping.when(texts["submitted"]).nullif(mapping.when(time)),
        record_id=mapping.lower(texts["id"]),
        subject_id=ibis.coalesce(
            signin.known(_claim(claims, _OBJECT_ID)), ibis.cases((~caller.contains("@"), signin.known(caller)))
        ),
        subject_name=person,
        client_id=signin.known(_claim(claims, "appid")),
        resource_tenant=mapping.lower(texts["tenant"]),
        ip=mapping.address(ibis.coalesce(mapping.text(texts["ip"]), _claim(claims, "ipaddr"))),
        operation=mapping.text(texts["operation"]).left(MAX_TEXT_CHARS),
        outcome=ibis.cases((mapping.lower(texts["status"]).isin(_FAILED), str(Outcome.FAILED)),
                           else_=str(Outcome.SUCCESS)),
        object_kind="azure-resource",
        object_id=mapping.lower(texts["resource"]).left(MAX_TEXT_CHARS),
        extra=mapping.extra(status=texts["status"], correlation=texts["correlation"], uti=_claim(claims, "uti")),
    )


def from_rest(raw: ir.Table) -> ir.Table:
    """Map events of the REST API."""
    return _rows(
        raw, raw.eventTimestamp, raw.claims, id=raw.eventDataId, submitted=raw.submissionTimestamp, caller=raw.caller,
        operation=raw.operationName["value"], status=raw.status["value"], resource=raw.resourceId, tenant=raw.tenantId,
        ip=raw.httpRequest["clientIpAddress"], correlation=raw.correlationId,
    )


def from_powershell(raw: ir.Table) -> ir.Table:
    """Map objects of Get-AzActivityLog."""
    return _rows(
        raw, raw.EventTimestamp, raw.Claims["Content"], id=raw.EventDataId, submitted=raw.SubmissionTimestamp,
        caller=raw.Caller, operation=raw.OperationName, status=raw.Status, resource=raw.ResourceId,
        tenant=raw.TenantId, ip=raw.HttpRequest["ClientIpAddress"], correlation=raw.CorrelationId,
    )


_REST = Source(
    name="azure-activity",
    log=LOG,
    title="Azure activity log, events of the REST API",
    fidelity=_FIDELITY,
    required=frozenset({"eventTimestamp", "eventDataId", "operationName.value", "resourceId"}),
    raw={
        **dict.fromkeys(("eventTimestamp", "eventDataId", "submissionTimestamp", "caller", "resourceId", "tenantId",
                         "correlationId"), TEXT),
        "operationName": _VALUE, "status": _VALUE, "claims": _CLAIMS, "httpRequest": {"clientIpAddress": TEXT},
    },
    to_evidence=from_rest,
    explain=Explain(
        what=(
            "Changes of resources in Azure subscriptions, and of the directory as a whole. Context: what somebody with"
            " a token did in Azure, beside what they read in Microsoft 365."
        ),
        export=(
            "Get-ActivityLogs (Microsoft-Extractor-Suite) writes Output/Activity Logs/*-ActivityLog.json",
            "Get-DirectoryActivityLogs (Microsoft-Extractor-Suite) writes Output/DirectoryActivityLogs/*.json",
            "az monitor activity-log list --start-time 2025-09-01 --end-time 2025-09-02 --max-events 100000 -o json",
        ),
        retention="90 days.",
        caps="az stops at --max-events (50 unless told); the suite asks again for shorter times above 1,000.",
        traps=(
            "reading is not recorded: changes and actions alone are",
            "the id of the token (claim uti) is kept in extra: nobody has published that every request has one",
        ),
    ),
)
_POWERSHELL = replace(
    _REST,
    name="azure-activity-powershell",
    title="Azure activity log, objects of Get-AzActivityLog",
    fidelity=_FIDELITY + 1,
    required=frozenset({"EventTimestamp", "EventDataId", "OperationName", "ResourceId", "Claims"}),
    raw={
        **dict.fromkeys(("EventTimestamp", "EventDataId", "SubmissionTimestamp", "Caller", "ResourceId", "TenantId",
                         "CorrelationId", "OperationName", "Status"), TEXT),
        "Claims": {"Content": _CLAIMS}, "HttpRequest": {"ClientIpAddress": TEXT},
    },
    to_evidence=from_powershell,
    explain=replace(
        _REST.explain,
        export=(
            "Get-ActivityLogs (Microsoft-Extractor-Suite, to version 2) writes Output/Azure/*-ActivityLog.json",
            "Get-AzActivityLog -StartTime 2025-09-01 -EndTime 2025-09-02 -MaxRecord 1000 | ConvertTo-Json -Depth 100",
        ),
        traps=(*_REST.explain.traps, "dates in the exporter's own order of day and month are refused, not guessed"),
    ),
)
SOURCES = (_REST, _POWERSHELL)
