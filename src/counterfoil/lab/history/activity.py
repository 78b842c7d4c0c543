"""Acceptances outside the audit log: Microsoft Graph activity and changes of the directory (Azure Monitor)."""

from __future__ import annotations

import random

from counterfoil.lab.history.audit import Token
from counterfoil.lab.history.clock import ticks
from counterfoil.lab.history.files import quoted
from counterfoil.lab.history.ids import guid

_USER_PATHS = ("me/calendarView", "me/messages?$top=25", "me/drive/recent", "me/people", "me/joinedTeams")
_APP_PATHS = ("users?$top=100", "groups", "devices", "auditLogs/directoryAudits", "sites/root")
_CHANGES = (
    ("Update user", "UserManagement", "Update", "User"),
    ("Add member to group", "GroupManagement", "Assign", "Group"),
    ("Update group", "GroupManagement", "Update", "Group"),
    ("Update device", "Device", "Update", "Device"),
)


def graph_request(rng: random.Random, t: int, rid: str, token: Token, *, path: str = "") -> str:
    """Return one line of MicrosoftGraphActivityLogs; managed identities' token ids carry their padding."""
    route = token.route
    tenant, person = route.tenant_id, route.app_kind is None
    paths = _USER_PATHS if person else _APP_PATHS
    uri = f"https://graph.microsoft.com/v1.0/{path or paths[rng.randrange(len(paths))]}"
    uti = f"{token.uti}==" if route.app_kind == "managed-identity" else token.uti
    status = 403 if rng.getrandbits(6) == 0 else 200
    if person:
        who = f'"userId":"{route.subject_id}","scopes":"Calendars.Read Mail.Read User.Read","roles":""'
    else:
        who = f'"servicePrincipalId":"{route.subject_id}","scopes":"","roles":"Directory.Read.All User.Read.All"'
    return (
        f'{{"time":"{ticks(t)}","resourceId":"/TENANTS/{tenant.upper()}/PROVIDERS/MICROSOFT.AADIAM",'
        f'"operationName":"Microsoft Graph Activity","operationVersion":"v1.0","category":"MicrosoftGraphActivityLogs",'
        f'"resultSignature":"{status}","durationMs":"{40_000 + rng.getrandbits(18)}","callerIpAddress":"{route.ip}",'
        f'"correlationId":"{rid}","level":"Informational","location":"West Europe","properties":{{'
        f'"__UDI_RequiredFields_TenantId":"{tenant}","timeGenerated":"{ticks(t)}","location":"West Europe",'
        f'"requestId":"{rid}","operationId":"{rid}","clientRequestId":"{guid(rng)}","apiVersion":"v1.0",'
        f'"requestMethod":"GET","responseStatusCode":{status},"tenantId":"{tenant}","durationMs":40000,'
        f'"responseSizeBytes":{rng.getrandbits(16)},"signInActivityId":"{uti}","appId":"{route.client_id}",{who},'
        f'"identityProvider":"https://sts.windows.net/{tenant}/","clientAuthMethod":"{0 if person else 2}",'
        f'"C_Sid":"{token.session}","C_Idtyp":"{"user" if person else "app"}","ipAddress":"{route.ip}",'
        f'"userAgent":{quoted(route.agent)},"requestUri":"{uri}","tokenIssuedAt":"{token.iat}.0000000Z"}},'
        f'"tenantId":"{tenant}"}}'
    )


def directory_change(rng: random.Random, t: int, correlation: str, token: Token, name: str, *, ids: bool) -> str:
    """Return one line of AuditLogs: `name` changed the directory; `ids` adds the linkable identifiers."""
    route = token.route
    activity, category, operation, target = _CHANGES[rng.randrange(len(_CHANGES))]
    linkable = (
        f',"linkableIdentifiers":{{"sessionId":"{token.session}","deviceId":"",'
        f'"tokenDetails":{{"uti":"{token.uti}","issuedAt":"{token.iat}Z"}}}}'
        if ids
        else ""
    )
    return (
        f'{{"time":"{ticks(t)}","resourceId":"/tenants/{route.tenant_id}/providers/Microsoft.aadiam",'
        f'"operationName":"{activity}","operationVersion":"1.0","category":"AuditLogs","tenantId":"{route.tenant_id}",'
        f'"resultSignature":"None","durationMs":0,"callerIpAddress":"{route.ip}","correlationId":"{correlation}",'
        f'"Level":4,"properties":{{"id":"{record_id(correlation)}","category":"{category}",'
        f'"correlationId":"{correlation}","result":"success","resultReason":"","activityDisplayName":"{activity}",'
        f'"activityDateTime":"{ticks(t)}","loggedByService":"Core Directory","operationType":"{operation}",'
        f'"initiatedBy":{{"user":{{"id":"{route.subject_id}","displayName":{quoted(name)},'
        f'"userPrincipalName":{quoted(route.subject_name)},"ipAddress":"{route.ip}","roles":[]}}{linkable}}},'
        f'"targetResources":[{{"id":"{guid(rng)}","displayName":null,"type":"{target}","modifiedProperties":[]}}],'
        f'"additionalDetails":[{{"key":"User-Agent","value":{quoted(route.agent)}}}]}}}}'
    )


def record_id(correlation: str) -> str:
    """Return the directory audit's id that belongs to `correlation`."""
    return f"Directory_{correlation}_{correlation[:5].upper()}_{int(correlation[:8], 16)}"
