"""AuditData of the unified audit log: mail, files, chats, inbox rules, secondary issuances and logons.

Field names and forms follow records of 2023 to 2025; `Route` holds what does not change between records.
"""

from __future__ import annotations

import random

import msgspec

from counterfoil.lab.history.clock import seconds
from counterfoil.lab.history.files import quoted
from counterfoil.lab.history.ids import guid
from counterfoil.lab.history.names import EXCHANGE, FILES, FOLDERS
from counterfoil.lab.history.routes import Route

# The epoch of `IssuedAtTime`: Entra back-dates tokens by five minutes against the sign-in's creation.
BACK_DATED = 300_000_000
_FOLDER_TEXTS = tuple(quoted("\\" + name) for name in FOLDERS)


class Token(msgspec.Struct, frozen=True, gc=False):
    """A token as resource logs see it."""

    name: str  # request id: the GUID of the token id
    uti: str
    iat: str  # seconds, without zone
    session: str
    route: Route


def context(token: Token, resource: str) -> str:
    """Return the five fields of AppAccessContext that Exchange writes since 2025."""
    return (
        f'"AppAccessContext":{{"AADSessionId":"{token.session}","APIId":"{resource}",'
        f'"ClientAppId":"{token.route.client_id}","IssuedAtTime":"{token.iat}","UniqueTokenId":"{token.uti}"}},'
    )


# The forms in which Exchange writes that it knows no token.
EMPTY_CONTEXTS = ("", '"AppAccessContext":{},', '"AppAccessContext":{"APIId":""},')


def mail(rng: random.Random, t: int, rid: str, route: Route, token_fields: str, session: str) -> str:
    """Return one MailItemsAccessed record: mostly Bind with the items read, every seventh a Sync of a folder."""
    draw = rng.getrandbits(40)
    number, k = draw & 0x7, draw >> 12
    folder = _FOLDER_TEXTS[(draw >> 3) % len(_FOLDER_TEXTS)]
    box = route.mailbox
    if number == 7 and not route.web:
        tail = (
            f'[{{"Name":"MailAccessType","Value":"Sync"}},{{"Name":"IsThrottled","Value":"False"}}]'
            f'{route.mail_end},"Item":{{"Id":"{box}AAAB","ParentFolder":{{"Id":"{box}AAAB","Name":"","Path":{folder}}}}}'
            f',"OperationCount":1}}'
        )
    else:
        count = 1 if number < 4 else number - 2
        items = ",".join(
            [
                f'{{"Id":"{box}{k + n:010X}AAA=","ImmutableId":"{box}J{k + n:010X}AAA=",'
                f'"InternetMessageId":"<{k + n:010x}@{route.item_domain}>","SizeInBytes":{4096 + (k + n) % 90_000}}}'
                for n in range(count)
            ]
        )
        tail = (
            f'[{{"Name":"MailAccessType","Value":"Bind"}},{{"Name":"IsThrottled","Value":"False"}}]'
            f'{route.mail_end},"Folders":[{{"FolderItems":[{items}],"Id":"{box}AAAB","Path":{folder}}}]'
            f',"OperationCount":{count}}}'
        )
    return (
        f'{{{token_fields}"CreationTime":"{seconds(t)}","Id":"{rid}"{route.mail}'
        f',"SessionId":"{session}","OperationProperties":{tail}'
    )


def file(rng: random.Random, t: int, rid: str, token: Token, organization: str) -> str:
    """Return one FileAccessed record of SharePoint, with the token id since 2022 but without its issue time."""
    route = token.route
    name = FILES[rng.randrange(len(FILES))]
    site = f"https://{organization.split('.')[0]}.sharepoint.com/sites/Team{rng.randrange(6)}/"
    path = f"Shared Documents/{name}"
    return (
        f'{{"AppAccessContext":{{"AADSessionId":"{token.session}","CorrelationId":"{guid(rng)}",'
        f'"UniqueTokenId":"{token.uti}"}},"CreationTime":"{seconds(t)}","Id":"{rid}","Operation":"FileAccessed",'
        f'"OrganizationId":"{route.tenant_id}","RecordType":6,"UserKey":"{route.subject_id}","UserType":0,"Version":1,'
        f'"Workload":"SharePoint","ClientIP":"{route.ip}","UserId":{quoted(route.subject_name)},'
        f'"ApplicationId":"{route.client_id}","AuthenticationType":"OAuth","EventSource":"SharePoint","ItemType":"File",'
        f'"ListItemUniqueId":"{guid(rng)}","Site":"{guid(rng)}","UserAgent":{quoted(route.agent)},'
        f'"SiteUrl":"{site}","SourceRelativeUrl":"Shared Documents","SourceFileName":"{name}",'
        f'"SourceFileExtension":"{name.rsplit(".", 1)[1]}","ObjectId":"{site}{path}"}}'
    )


def chat(rng: random.Random, t: int, rid: str, token: Token) -> str:
    """Return one MessageSent record of Teams, with token id and issue time since 2024."""
    route = token.route
    thread = f"19:{rng.getrandbits(128):032x}@thread.v2"
    return (
        f'{{"AppAccessContext":{{"IssuedAtTime":"{token.iat}","UniqueTokenId":"{token.uti}"}},'
        f'"CreationTime":"{seconds(t)}","Id":"{rid}","Operation":"MessageSent","OrganizationId":"{route.tenant_id}",'
        f'"RecordType":25,"UserKey":"{route.subject_id}","UserType":0,"Version":1,"Workload":"MicrosoftTeams",'
        f'"ClientIP":"{route.ip}","UserId":{quoted(route.subject_name)},"ChatThreadId":"{thread}",'
        f'"CommunicationType":"GroupChat","ExtraProperties":[],"MessageId":"{t // 1000}",'
        f'"ItemName":"{thread}"}}'
    )


def rule(rng: random.Random, t: int, rid: str, token: Token, owner_puid: str, organization: str) -> str:
    """Return one New-InboxRule record of the Exchange administration log; its client address carries a port."""
    route = token.route
    host = f"[{route.ip}]" if ":" in route.ip else route.ip
    box = quoted(f"EURPR07A003.PROD.OUTLOOK.COM/Microsoft Exchange Hosted Organizations/{organization}/"
                 f"{route.subject_id}\\Newsletters")
    return (
        f'{{"AppAccessContext":{{"IssuedAtTime":"{token.iat}","UniqueTokenId":"{token.uti}"}},'
        f'"CreationTime":"{seconds(t)}","Id":"{rid}","Operation":"New-InboxRule","OrganizationId":"{route.tenant_id}",'
        f'"RecordType":1,"ResultStatus":"True","UserKey":"{owner_puid}","UserType":2,"Version":1,"Workload":"Exchange",'
        f'"ClientIP":"{host}:{1024 + rng.randrange(60_000)}","ObjectId":{box},"UserId":{quoted(route.subject_name)},'
        f'"AppId":"{route.client_id}","AppPoolName":"MSExchangeOWAAppPool","ClientAppId":"","ExternalAccess":false,'
        f'"OrganizationName":"{organization}","OriginatingServer":"AM0PR07MB6641 (15.20.9052.019)",'
        f'"Parameters":[{{"Name":"AlwaysDeleteOutlookRulesBlob","Value":"False"}},{{"Name":"Force","Value":"False"}},'
        f'{{"Name":"Name","Value":"Newsletters"}},{{"Name":"SubjectContainsWords","Value":"newsletter"}},'
        f'{{"Name":"MoveToFolder","Value":"Newsletters"}}],"RequestId":"{guid(rng)}","SessionId":"{token.session}"}}'
    )


def gatfr(t: int, rid: str, token: Token, puid: str, resource_url: str, ip: str) -> str:
    """Return one GATFRTokenIssue record: Exchange handed out a token for another resource; `ip` is often empty."""
    route = token.route
    return (
        f'{{"CreationTime":"{seconds(t)}","Id":"{rid}","Operation":"GATFRTokenIssue",'
        f'"OrganizationId":"{route.tenant_id}","RecordType":275,"ResultStatus":"Succeeded","UserKey":"{puid}",'
        f'"UserType":0,"Version":1,"Workload":"Exchange","ClientIP":"{ip}","UserId":{quoted(route.subject_name)},'
        f'"ResourceURL":"{resource_url}","UniqueTokenIdentifier":"{token.uti}"}}'
    )


def logon(t: int, rid: str, correlation: str, route: Route, *, session: str, error: int = 0) -> str:
    """Return UserLoggedIn or UserLoginFailed: the audit log's own record of an interactive sign-in.

    `Id` equals `IntraSystemId`, the request id; interrupts (50074, 50140) are written as logged in.
    """
    failed = error == 50126
    operation, status = ("UserLoginFailed", "Failed") if failed else ("UserLoggedIn", "Success")
    name, tenant = quoted(route.subject_name), route.tenant_id
    return (
        f'{{"CreationTime":"{seconds(t)}","Id":"{rid}","Operation":"{operation}","OrganizationId":"{tenant}",'
        f'"RecordType":15,"ResultStatus":"{status}","UserKey":"{route.subject_id}","UserType":0,"Version":1,'
        f'"Workload":"AzureActiveDirectory","ClientIP":"{route.ip}","ObjectId":"{route.resource}","UserId":{name},'
        f'"AzureActiveDirectoryEventType":1,"ExtendedProperties":[{{"Name":"ResultStatusDetail",'
        f'"Value":"{"UserError" if failed else "Redirect" if error else "Success"}"}},{{"Name":"UserAgent",'
        f'"Value":{quoted(route.agent)}}},{{"Name":"RequestType","Value":"OAuth2:Authorize"}}],"ModifiedProperties":[],'
        f'"Actor":[{{"ID":"{route.subject_id}","Type":0}},{{"ID":{name},"Type":5}}],"ActorContextId":"{tenant}",'
        f'"ActorIpAddress":"{route.ip}","InterSystemsId":"{correlation}","IntraSystemId":"{rid}","SupportTicketId":"",'
        f'"Target":[{{"ID":"{route.resource}","Type":0}}],"TargetContextId":"{tenant}",'
        f'"ApplicationId":"{route.client_id}","DeviceProperties":[{{"Name":"OS","Value":"Windows10"}},'
        f'{{"Name":"BrowserType","Value":"Edge"}},{{"Name":"SessionId","Value":"{session}"}}],"ErrorNumber":"{error}"}}'
    )


def exchange_context(token: Token) -> str:
    """Return AppAccessContext for a token presented to Exchange itself."""
    return context(token, EXCHANGE)
