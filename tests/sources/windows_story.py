"""Windows events of our own: each event that matters once, apart from the form in which it is exported."""

from __future__ import annotations

from datetime import UTC, datetime

from counterfoil.lab.history.clock import SECOND, instant
from lab.windows import SECURITY_AUDITING, SYSMON, WindowsEvent

ADFS, DC = "ADFS01.corp.contoso.example", "DC01.corp.contoso.example"
FARM = "adfs:corp.contoso.example"
OFFICE = "urn:federation:MicrosoftOnline"
SECURE = "http://schemas.microsoft.com/ws/2006/05/servicemodel/tokens/SecureConversation"
CONTACT = "9736f74f-fd37-4b02-80e8-8120a72ad6c2"
THUMBNAIL = "8d3bca50-1d7e-11d0-a081-00aa006c33ed"
CLASS = "5cb41ed0-0e4c-11d0-a286-00aa003049e2"
AGENT = 'Mozilla/5.0 (Contoso; "R&D", Q\\A)'
ACTIVITY = "ac710000-0000-4000-8000-0000000000{:02d}"
INSTANCE = "1457a0ce-0000-4000-8000-0000000000{:02d}"
START = instant(datetime(2026, 3, 21, 8, 15, 29, 876_000, tzinfo=UTC))


def audit(kind: str, result: str, user: str) -> str:
    """Return the XML that AD FS puts into an audit."""
    agent = AGENT.replace("&", "&amp;")
    return (
        f'<?xml version="1.0" encoding="utf-16"?>\r\n<AuditBase xsi:type="{kind}Audit">\r\n'
        f"  <AuditType>{kind}</AuditType>\r\n  <AuditResult>{result}</AuditResult>\r\n"
        f"  <RelyingParty>{OFFICE}</RelyingParty>\r\n  <ClaimsProvider>AD AUTHORITY</ClaimsProvider>\r\n"
        f"  <UserId>{user}</UserId>\r\n  <OAuthClientId>N/A</OAuthClientId>\r\n"
        "  <Server>http://sts.contoso.example/adfs/services/trust</Server>\r\n"
        "  <AuthProtocol>WSFederation</AuthProtocol>\r\n  <NetworkLocation>Extranet</NetworkLocation>\r\n"
        "  <IpAddress>192.0.2.200</IpAddress>\r\n  <ForwardedIpAddress>203.0.113.9</ForwardedIpAddress>\r\n"
        f"  <ProxyServer>WAP01</ProxyServer>\r\n  <UserAgentString>{agent}</UserAgentString>\r\n"
        "  <Endpoint>/adfs/ls/</Endpoint>\r\n</AuditBase>"
    )


def _at(second: int) -> int:
    return START + second * SECOND


SQL = (
    "audit_schema_version:1 event_time:2026-03-21 08:15:41.7971667 sequence_number:1 action_id:SL   succeeded:true"
    " session_server_principal_name:CONTOSO\\wardog server_principal_name:CONTOSO\\wardog server_principal_sid:0105"
    " database_principal_name:dbo server_instance_name:ADFS01\\MICROSOFT##WID database_name:AdfsConfigurationV4"
    " schema_name:IdentityServerPolicy object_name:ServiceSettings"
    " statement:SELECT ServiceSettingsData from IdentityServerPolicy.ServiceSettings additional_information:"
    " user_defined_information: "
)
_UPN = "http://schemas.xmlsoap.org/claims/UPN"
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_IMMUTABLE = "http://schemas.microsoft.com/LiveID/Federation/2008/05/ImmutableID"
_PASSWORD = "http://schemas.microsoft.com/ws/2006/05/identitymodel/tokens/UserName"  # noqa: S105  # a token's type
_WARDOG = {"SubjectUserSid": "S-1-5-21-1-2-3-500", "SubjectUserName": "wardog", "SubjectDomainName": "CONTOSO"}

STORY: tuple[WindowsEvent, ...] = (
    WindowsEvent(_at(0), 1202, ADFS, strings=(
        ACTIVITY.format(1), audit("FreshCredential", "Success", "CONTOSO\\adele"))),
    WindowsEvent(_at(0), 403, ADFS, strings=(
        INSTANCE.format(1), ACTIVITY.format(1), "2026-03-21 08:15:29", "203.0.113.9", "POST", "/adfs/ls/", "?wa=x",
        "443", "10.0.0.4", "Mozilla/5.0 (four-oh-three)")),
    WindowsEvent(_at(0), 410, ADFS, strings=(
        ACTIVITY.format(1), "Exchange.ActiveSync", "Phone/1", "-", "/adfs/services/trust/2005/usernamemixed",
        "203.0.113.9")),
    WindowsEvent(_at(0), 412, ADFS, strings=(INSTANCE.format(1), ACTIVITY.format(1), _PASSWORD, OFFICE)),
    WindowsEvent(_at(0), 501, ADFS, strings=(INSTANCE.format(1), _NAME, "CONTOSO\\adele")),
    WindowsEvent(_at(0), 500, ADFS, strings=(
        INSTANCE.format(1), _UPN, "Adele@contoso.example", _IMMUTABLE, "aW1tdXRhYmxl")),
    WindowsEvent(_at(0), 299, ADFS, strings=(INSTANCE.format(1), ACTIVITY.format(1), OFFICE)),
    WindowsEvent(_at(0), 1200, ADFS, strings=(ACTIVITY.format(1), audit("AppToken", "Success", "CONTOSO\\adele"))),
    WindowsEvent(_at(0), 404, ADFS, strings=(
        INSTANCE.format(2), ACTIVITY.format(1), "2026-03-21 08:15:29", "200", "OK")),
    WindowsEvent(_at(1), 411, ADFS, strings=(
        ACTIVITY.format(2), _PASSWORD, "198.51.100.7", "megan@contoso.example-The user name or password is incorrect")),
    WindowsEvent(_at(2), 1201, ADFS, strings=(ACTIVITY.format(3), audit("AppToken", "Failure", "CONTOSO\\megan"))),
    WindowsEvent(_at(3), 1203, ADFS, strings=(
        ACTIVITY.format(4), audit("FreshCredential", "Failure", "CONTOSO\\megan"))),
    WindowsEvent(_at(4), 4624, ADFS, SECURITY_AUDITING, task=12544, named={
        "SubjectUserName": "-", "SubjectDomainName": "-", "TargetUserName": "R&D", "TargetDomainName": "CONTOSO",
        "LogonType": "3", "IpAddress": "192.0.2.5"}),
    WindowsEvent(_at(5), 4769, DC, SECURITY_AUDITING, task=14337, named={
        "TargetUserName": "adele@CORP.CONTOSO.EXAMPLE", "TargetDomainName": "CORP.CONTOSO.EXAMPLE",
        "ServiceName": "ADFSADMIN", "IpAddress": "::ffff:192.0.2.5"}),
    WindowsEvent(_at(6), 5156, ADFS, SECURITY_AUDITING, task=12810, named={
        "SourceAddress": "192.0.2.66", "DestAddress": "192.0.2.4", "DestPort": "80"}),
    WindowsEvent(_at(7), 412, ADFS, strings=(INSTANCE.format(3), ACTIVITY.format(5), SECURE, "-")),
    WindowsEvent(_at(8), 18, ADFS, SYSMON, "Microsoft-Windows-Sysmon/Operational", 18, named={
        "PipeName": "\\MICROSOFT##WID\\tsql\\query",
        "Image": "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe", "User": "CONTOSO\\wardog"}),
    WindowsEvent(_at(9), 33205, ADFS, "MSSQL$MICROSOFT##WID", "Application", 5, strings=(SQL,)),
    WindowsEvent(_at(10), 4662, DC, SECURITY_AUDITING, task=14080, named={
        **_WARDOG, "ObjectType": f"%{{{CLASS}}}", "ObjectName": f"%{{{CONTACT}}}", "AccessMask": "0x10",
        "Properties": f"%%7684 {{77b5b886-944a-11d1-aebd-0000f80367c1}} {{{THUMBNAIL}}} {{{CLASS}}}"}),
    WindowsEvent(_at(11), 1102, DC, "Microsoft-Windows-Eventlog", task=104, named=_WARDOG, user_data="LogFileCleared"),
)
