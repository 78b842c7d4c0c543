"""AD FS security events around one issued token, as lines of Log Analytics' SecurityEvent table.

1202 (fresh credentials), 412, 501, 500, 299 and 1200 (token issued); 1200 and 1202 hold XML, the verbose ones an array.
"""

from __future__ import annotations

import random
from xml.sax.saxutils import escape

from counterfoil.lab.history.cast import Person
from counterfoil.lab.history.clock import SECOND, ticks
from counterfoil.lab.history.ids import guid
from counterfoil.lab.history.routes import quoted
from counterfoil.lab.history.settings import Tenant

RELYING_PARTY = "urn:federation:MicrosoftOnline"
_BASIC = (1200, 1202)  # all that the default audit level writes
_KEEP_SIGNED = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MS_CLAIM = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"


def _audit_xml(audit: str, user: str, farm: str, ip: str, agent: str) -> str:
    fresh = audit == "FreshCredential"
    resource = "http://" + farm + "/adfs/services/trust" if fresh else RELYING_PARTY
    return (
        '<?xml version="1.0" encoding="utf-16"?>\r\n'
        '<AuditBase xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{audit}Audit">\r\n'
        f"  <AuditType>{'FreshCredentials' if fresh else 'AppToken'}</AuditType>\r\n"
        "  <AuditResult>Success</AuditResult>\r\n  <FailureType>None</FailureType>\r\n  <ErrorCode>N/A</ErrorCode>\r\n"
        "  <ContextComponents>\r\n"
        '    <Component xsi:type="ResourceAuditComponent">\r\n'
        f"      <RelyingParty>{resource}</RelyingParty>\r\n"
        f"      <ClaimsProvider>AD AUTHORITY</ClaimsProvider>\r\n      <UserId>{escape(user)}</UserId>\r\n"
        "    </Component>\r\n"
        '    <Component xsi:type="AuthNAuditComponent">\r\n'
        f"      <PrimaryAuth>{_KEEP_SIGNED}</PrimaryAuth>\r\n      <DeviceAuth>false</DeviceAuth>\r\n"
        "      <DeviceId>N/A</DeviceId>\r\n      <MfaPerformed>false</MfaPerformed>\r\n"
        "      <MfaMethod>N/A</MfaMethod>\r\n    </Component>\r\n"
        '    <Component xsi:type="ProtocolAuditComponent">\r\n'
        "      <OAuthClientId>N/A</OAuthClientId>\r\n      <OAuthGrant>N/A</OAuthGrant>\r\n    </Component>\r\n"
        '    <Component xsi:type="RequestAuditComponent">\r\n'
        f"      <Server>http://{farm}/adfs/services/trust</Server>\r\n"
        "      <AuthProtocol>WSFederation</AuthProtocol>\r\n      <NetworkLocation>Extranet</NetworkLocation>\r\n"
        f"      <IpAddress>{ip}</IpAddress>\r\n      <ForwardedIpAddress>{ip}</ForwardedIpAddress>\r\n"
        "      <ProxyIpAddress>N/A</ProxyIpAddress>\r\n      <NetworkIpAddress>N/A</NetworkIpAddress>\r\n"
        "      <ProxyServer>WAP01</ProxyServer>\r\n"
        f"      <UserAgentString>{escape(agent)}</UserAgentString>\r\n      <Endpoint>/adfs/ls/</Endpoint>\r\n"
        "    </Component>\r\n  </ContextComponents>\r\n</AuditBase>"
    )


def _event(t: int, number: int, workspace: str, computer: str, rng: random.Random, data: str) -> str:
    return (
        f'{{"TenantId":"{workspace}","SourceSystem":"OpsManager","TimeGenerated":"{ticks(t)}",'
        f'"Computer":"{computer}"{data},"EventID":{number},"ManagementGroupName":"AOI-{workspace}",'
        f'"Type":"SecurityEvent","EventSourceName":"AD FS Auditing","Channel":"Security","Task":3,"Level":"8",'
        f'"Activity":"{number}","EventOriginId":"{guid(rng)}","TimeCollected":"{ticks(t + 30 * SECOND)}"}}'
    )


def _xml_data(activity: str, xml: str) -> str:
    text = (
        '<EventData xmlns="http://schemas.microsoft.com/win/2004/08/events/event">'
        f"<Data>{activity}</Data><Data>{escape(xml)}</Data></EventData>"
    )
    return f',"EventData":{quoted(text)}'


def _array_data(values: list[str]) -> str:
    return f',"EventData_dynamic":{quoted(quoted(values))}'


def issued_token(
    rng: random.Random, t: int, person: Person, tenant: Tenant, workspace: str, ip: str, agent: str
) -> list[tuple[int, str]]:
    """Return the events of AD FS issuing one token to `person` at `t`, oldest first; all within the second of `t`."""
    domain = person.upn.split("@")[1]
    farm, computer = f"sts.{domain}", f"ADFS01.{domain}"
    user = person.sam if tenant.adfs_names == "sam" else person.upn
    activity, instance = guid(rng), guid(rng)
    caller = [
        f"{_CLAIM}name", person.sam, f"{_CLAIM}upn", person.upn, f"{_MS_CLAIM}primarysid", person.sid,
    ]  # fmt: skip
    issued = [
        "http://schemas.xmlsoap.org/claims/UPN", person.upn,
        "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID", person.oid,
    ]  # fmt: skip
    step = SECOND // 6
    events = [
        (1202, _xml_data(activity, _audit_xml("FreshCredential", user, farm, ip, agent))),
        (412, _array_data([instance, activity, _KEEP_SIGNED, RELYING_PARTY])),
        (501, _array_data([instance, *caller])),
        (500, _array_data([instance, *issued])),
        (299, _array_data([instance, activity, RELYING_PARTY])),
        (1200, _xml_data(activity, _audit_xml("AppToken", user, farm, ip, agent))),
    ]
    # All within one second, as on a real server: both audits of one issuance carry the same time.
    first = t - t % SECOND
    return [
        (first + n * step, _event(first + n * step, number, workspace, computer, rng, data))
        for n, (number, data) in enumerate(events)
        if tenant.adfs_level == "verbose" or number in _BASIC
    ]


def logon(rng: random.Random, t: int, person: Person, workspace: str, ip: str) -> tuple[int, str]:
    """Return the Windows logon (4624) of `person` at the federation server."""
    domain, name = person.sam.split("\\")
    computer = f"ADFS01.{person.upn.split('@')[1]}"
    data = (
        f',"Account":{quoted(person.sam)},"AccountType":"User","AuthenticationPackageName":"Kerberos",'
        f'"IpAddress":"{ip}","LogonProcessName":"Kerberos","LogonType":3,"LogonTypeName":"3 - Network",'
        f'"TargetAccount":{quoted(person.sam)},"TargetDomainName":"{domain}","TargetUserName":"{name}",'
        f'"TargetUserSid":"{person.sid}"'
    )
    line = (
        f'{{"TenantId":"{workspace}","SourceSystem":"OpsManager","TimeGenerated":"{ticks(t)}",'
        f'"Computer":"{computer}","EventID":4624,"Type":"SecurityEvent",'
        f'"EventSourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","Task":12544,"Level":"8",'
        f'"Activity":"4624 - An account was successfully logged on."{data},"EventOriginId":"{guid(rng)}",'
        f'"TimeCollected":"{ticks(t + 30 * SECOND)}"}}'
    )
    return t, line
