"""AD FS security events around one issued token.

1202 (fresh credentials), 412, 501, 500, 299 and 1200 (token issued); 1200 and 1202 hold XML, the verbose ones strings.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from counterfoil.lab.history.cast import Person
from counterfoil.lab.history.clock import SECOND
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.losses import LossRule
from counterfoil.lab.history.settings import Tenant

from .windows import SECURITY_AUDITING, SECURITY_EVENT, SYSMON, Form, WindowsEvent, stream

RELYING_PARTY = "urn:federation:MicrosoftOnline"
ISSUED = 1200
_BASIC = (ISSUED, 1202)  # all that the default audit level writes
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


@dataclass(frozen=True)
class Farm:
    """Sets up federation servers: which names their basic events hold, how much they audit, how it is exported."""

    names: Literal["sam", "upn"] = "sam"
    level: Literal["basic", "verbose"] = "verbose"  # basic has events 1200 and 1202 alone
    form: Form = SECURITY_EVENT

    def __call__(self, tenant: Tenant, losses: LossRule, folder: Path) -> FarmServers:
        """Set them up."""
        return FarmServers(self, tenant, losses, folder)


class FarmServers:
    """Federation servers at work. `watchers` are told of each assertion before it is issued."""

    def __init__(self, farm: Farm, tenant: Tenant, losses: LossRule, folder: Path) -> None:
        self._farm, self._losses, self._ends = farm, losses, tenant.ends
        self.workspace = guid(seeded(tenant.seed, "workspace"))
        self.watchers: list[Callable[[int, Person], None]] = []
        self.counts = Counter[str]()
        self._stream = stream(farm.form, folder / "adfs")
        self.flush, self.close = self._stream.flush, self._stream.close

    def issue(self, rng: random.Random, t: int, person: Person, ip: str, agent: str) -> bool:
        """Record AD FS issuing an assertion to `person` at `t`; return whether its events are lost."""
        for watch in self.watchers:
            watch(t, person)
        events = issued_token(rng, t, person, self._farm, self.workspace, ip, agent)
        events.append(logon(rng, t - 2 * SECOND, person, self.workspace, ip))
        if self._losses.loses(t, "adfs", ""):
            return True
        for event in events:
            self.event(event, "issuance" if event.number == ISSUED else "context")
        return False

    def event(self, event: WindowsEvent, leg: str = "context") -> None:
        """Record one Windows event."""
        if event.t < self._ends:
            self._stream.add((event.t, event))
            self.counts[leg] += 1


def issued_token(
    rng: random.Random, t: int, person: Person, farm: Farm, workspace: str, ip: str, agent: str
) -> list[WindowsEvent]:
    """Return the events of AD FS issuing one token to `person` at `t`, oldest first; all within the second of `t`."""
    domain = person.upn.split("@")[1]
    host, computer = f"sts.{domain}", f"ADFS01.{domain}"
    user = person.sam if farm.names == "sam" else person.upn
    activity, instance = guid(rng), guid(rng)
    caller = [
        f"{_CLAIM}name", person.sam, f"{_CLAIM}upn", person.upn, f"{_MS_CLAIM}primarysid", person.sid,
    ]
    issued = [
        "http://schemas.xmlsoap.org/claims/UPN", person.upn,
        "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID", person.oid,
    ]
    step = SECOND // 6
    events = [
        (1202, (activity, _audit_xml("FreshCredential", user, host, ip, agent))),
        (412, (instance, activity, _KEEP_SIGNED, RELYING_PARTY)),
        (501, (instance, *caller)),
        (500, (instance, *issued)),
        (299, (instance, activity, RELYING_PARTY)),
        (ISSUED, (activity, _audit_xml("AppToken", user, host, ip, agent))),
    ]
    # All within one second, as on a real server: both audits of one issuance carry the same time.
    first = t - t % SECOND
    return [
        WindowsEvent(
            first + n * step, number, computer, strings=strings, origin=guid(rng), columns=_columns(workspace)
        )
        for n, (number, strings) in enumerate(events)
        if farm.level == "verbose" or number in _BASIC
    ]


def logon(rng: random.Random, t: int, person: Person, workspace: str, ip: str) -> WindowsEvent:
    """Return the Windows logon (4624) of `person` at the federation server."""
    domain, name = person.sam.split("\\")
    data = {
        "AuthenticationPackageName": "Kerberos", "IpAddress": ip, "LogonProcessName": "Kerberos", "LogonType": "3",
        "TargetDomainName": domain, "TargetUserName": name, "TargetUserSid": person.sid,
    }
    columns = {"Account": person.sam, "AccountType": "User", "TargetAccount": person.sam} | _columns(workspace)
    return WindowsEvent(
        t, 4624, f"ADFS01.{person.upn.split('@')[1]}", SECURITY_AUDITING, task=12544, named=data, origin=guid(rng),
        columns=columns,
    )


_STATEMENT = (
    "audit_schema_version:1 sequence_number:1 action_id:SL succeeded:true session_server_principal_name:{who}"
    " server_principal_name:{who} server_principal_sid:0105 database_principal_name:dbo"
    " database_name:AdfsConfigurationV4 schema_name:IdentityServerPolicy object_name:ServiceSettings"
    " statement:SELECT ServiceSettingsData from IdentityServerPolicy.ServiceSettings additional_information: "
)
_CONTACT = "{5cb41ed0-0e4c-11d0-a286-00aa003049e2}"  # the class
_PHOTO = "{8d3bca50-1d7e-11d0-a081-00aa006c33ed}"  # its thumbnailPhoto, which holds the key of the key manager


def key_taken(rng: random.Random, t: int, domain: str, workspace: str) -> list[WindowsEvent]:
    """Return the traces of the theft of the signing key: the settings read from the database, then what decrypts them.

    As SimuLand's public capture shows it: Sysmon 18 and 33205 on the federation server, 4662 on a domain controller.
    """
    name = domain.partition(".")[0].upper()
    who = f"{name}\\svc-backup"
    server, columns = f"ADFS01.{domain}", _columns(workspace)
    pipe = {
        "PipeName": "\\MICROSOFT##WID\\tsql\\query", "User": who,
        "Image": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
    }
    read = {
        "SubjectUserName": "svc-backup", "SubjectDomainName": name, "ObjectType": f"%{_CONTACT}",
        "ObjectName": f"%{{{guid(rng)}}}", "AccessMask": "0x10", "Properties": f"%%7684 {_PHOTO} {_CONTACT}",
    }
    return [
        WindowsEvent(t, 18, server, SYSMON, "Microsoft-Windows-Sysmon/Operational", 18, named=pipe, origin=guid(rng),
                     columns=columns),
        WindowsEvent(t + SECOND, 33205, server, "MSSQL$MICROSOFT##WID", "Application", 5,
                     (_STATEMENT.format(who=who),), origin=guid(rng), columns=columns),
        WindowsEvent(t + 367 * SECOND, 4662, f"DC01.{domain}", SECURITY_AUDITING, task=14080, named=read,
                     origin=guid(rng), columns=columns),
    ]


def _columns(workspace: str) -> dict[str, object]:
    return {"TenantId": workspace, "ManagementGroupName": f"AOI-{workspace}"}
