"""A route: one subject using one program from one network. It holds the parts of records that never change, as JSON.

Millions of records differ in times and ids alone, so everything else is encoded once per route.
"""

from __future__ import annotations

import msgspec

from counterfoil.lab.history.cast import Person, Principal
from counterfoil.lab.history.files import quoted
from counterfoil.lab.history.losses import Kind
from counterfoil.lab.history.names import EXCHANGE, MICROSOFT_TENANT, OUTLOOK_MOBILE, RESOURCE_NAMES, Client


class Route(msgspec.Struct, frozen=True, gc=False):
    """Constant parts of the records of one subject, program and network (texts are JSON fragments)."""

    subject_id: str  # object id
    subject_name: str
    client_id: str
    resource: str
    tenant_id: str
    ip: str
    agent: str
    app_kind: Kind | None  # kind of its sign-ins where it is not a person's, else None
    who: str  # sign-in: after createdDateTime
    what: str  # sign-in: the rest
    mail: str = ""  # MailItemsAccessed: after Id, up to OperationProperties
    mail_end: str = ""  # MailItemsAccessed: after OperationProperties
    mailbox: str = ""  # prefix of item ids
    item_domain: str = ""
    web: bool = False
    session: str = ""  # of the device that it is used from; empty: the subject's of the day


def fields(values: dict[str, object]) -> str:
    """Return `values` as the inside of a JSON object, with a leading comma."""
    return "".join(f',"{key}":{quoted(value)}' for key, value in values.items())


def _device(person: Person, client: Client) -> dict[str, object]:
    if client.used == "Browser":
        return {"deviceId": "", "displayName": "", "operatingSystem": "Windows10", "browser": "Edge"}
    if client.id == OUTLOOK_MOBILE:
        system = "Android 15" if "Android" in client.info else "Ios 18.2"
        return {"deviceId": person.device, "displayName": "", "operatingSystem": system, "browser": ""}
    return {
        "deviceId": person.device,
        "displayName": f"PC-{person.number:05d}",
        "operatingSystem": "Windows10",
        "browser": "",
        "isCompliant": True,
        "isManaged": True,
        "trustType": "Azure AD joined",
    }


def _user_who(person: Person, client: Client, ip: str, agent: str) -> str:
    return fields(
        {
            "userDisplayName": person.name,
            "userPrincipalName": person.upn,
            "userId": person.oid,
            "appId": client.id,
            "appDisplayName": client.name,
            "ipAddress": ip,
            "clientAppUsed": client.used,
            "userAgent": agent,
            "deviceDetail": _device(person, client),
            "location": {"city": "Porto", "state": "Porto", "countryOrRegion": "PT", "geoCoordinates": {}},
        }
    )


def _what(person: Person, resource: str, tenant_id: str) -> str:
    return fields(
        {
            "resourceDisplayName": RESOURCE_NAMES[resource],
            "resourceId": resource,
            "resourceTenantId": tenant_id,
            "homeTenantId": person.home_tenant,
            "crossTenantAccessType": "b2bCollaboration" if person.is_guest else "none",
            "userType": "Guest" if person.is_guest else "Member",
            "tokenIssuerName": "",
            "tokenIssuerType": "AzureAD",
            "authenticationProtocol": "none",
            "originalTransferMethod": "none",
            "clientCredentialType": "none",
            "conditionalAccessStatus": "success",
            "authenticationRequirement": "multiFactorAuthentication",
            "signInTokenProtectionStatus": "none",
            "autonomousSystemNumber": 64500,
            "servicePrincipalId": "",
        }
    )


def user_route(
    person: Person, client: Client, resource: str, tenant_id: str, ip: str, *, agent: str | None = None
) -> Route:
    """Return the route of `person` using `client` from `ip`; records other than mail need no more."""
    agent = client.agent if agent is None else agent
    return Route(
        person.oid,
        person.upn,
        client.id,
        resource,
        tenant_id,
        ip,
        agent,
        None,
        _user_who(person, client, ip, agent),
        _what(person, resource, tenant_id),
        web=client.used == "Browser",
    )


class MailAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How a mailbox is reached, as the audit record will say it; what is empty is left out of the record."""

    owner: Person
    organization: str  # NAME.onmicrosoft.com
    ids: bool  # whether the record carries fields of the token (2025), or none (2023)
    logon: int = 0  # 0 owner, 2 delegate
    token_type: str = ""
    token_oid: str = ""  # empty: the route's subject
    token_tenant: str = ""  # empty: the route's tenant
    user_id: str = ""  # empty: the route's subject name
    user_key: str = ""
    user_type: int = 0
    address: str = ""  # ClientIPAddress, where it differs from the route's address
    server: str = "DB9P251MB0441 (15.20.9052.019)"


def mail_route(route: Route, client: Client, access: MailAccess) -> Route:
    """Return `route` with the constant parts of MailItemsAccessed records for `access`."""
    owner = access.owner
    user_id = access.user_id or route.subject_name
    address = access.address or route.ip
    head: dict[str, object] = {
        "Operation": "MailItemsAccessed",
        "OrganizationId": route.tenant_id,
        "RecordType": 50,
        "ResultStatus": "Succeeded",
        "UserKey": access.user_key or owner.puid,
        "UserType": access.user_type,
        "Version": 1,
        "Workload": "Exchange",
        "ClientIP": address,
        "UserId": user_id,
        "AppId": route.client_id,
        "ClientAppId": route.client_id,
        "ClientIPAddress": address,
        "ClientInfoString": client.info,
        "ExternalAccess": False,
        "InternalLogonType": 0,
        "LogonType": access.logon,
        "LogonUserSid": owner.sid,
        "MailboxGuid": owner.mailbox,
        "MailboxOwnerSid": owner.sid,
        "MailboxOwnerUPN": owner.upn,
    }
    tail: dict[str, object] = {"OrganizationName": access.organization, "OriginatingServer": access.server}
    if access.ids:
        head["ActorInfoString"] = f"{client.info}UserAgent={route.agent}[AppId={route.client_id}];"
        head["AuthType"] = "Bearer"
        tail["TokenObjectId"] = access.token_oid or route.subject_id
        tail["TokenTenantId"] = access.token_tenant or route.tenant_id
        if access.token_type:
            tail["TokenType"] = access.token_type
    prefix = "RgAAAAD" + (owner.mailbox or "").replace("-", "")[:20] + "BwD"
    return msgspec.structs.replace(
        route, mail=fields(head), mail_end=fields(tail), mailbox=prefix, item_domain=owner.upn.split("@")[1]
    )


def principal_route(principal: Principal, resource: str, tenant_id: str) -> Route:
    """Return the route of a service principal or managed identity to `resource`."""
    who = fields(
        {
            "appId": principal.app_id,
            "servicePrincipalId": principal.oid,
            "servicePrincipalName": principal.name,
            "ipAddress": principal.ip,
            "location": {} if principal.managed else {"city": "Dublin", "state": "Dublin", "countryOrRegion": "IE"},
        }
    )
    what = fields(
        {
            "resourceDisplayName": RESOURCE_NAMES[resource],
            "resourceId": resource,
            "resourceTenantId": tenant_id,
            "homeTenantId": tenant_id,
            "crossTenantAccessType": "none",
            "tokenIssuerType": "AzureAD",
            "clientCredentialType": "none" if principal.managed else "certificate",
            "servicePrincipalCredentialKeyId": "" if principal.managed else principal.key_id,
            "conditionalAccessStatus": "notApplied",
            "autonomousSystemNumber": 0 if principal.managed else 64501,
            "resourceOwnerTenantId": MICROSOFT_TENANT,
        }
    )
    kind: Kind = "managed-identity" if principal.managed else "service-principal"
    agent = "azsdk-net-Identity/1.13.2" if principal.managed else "okhttp/4.12.0"
    return Route(
        principal.oid, principal.name, principal.app_id, resource, tenant_id, principal.ip, agent, kind, who, what
    )


def service_route(owner: Person, client: Client, tenant_id: str, ip: str, organization: str, *, ids: bool) -> Route:
    """Return the route of a Microsoft service that reads `owner`'s mailbox as itself; it never signs in here."""
    plain = Route(client.id, client.name, client.id, EXCHANGE, tenant_id, ip, "", None, "", "")
    access = MailAccess(
        owner=owner,
        organization=organization,
        ids=ids,
        user_id=owner.upn,
        user_key=client.id,
        user_type=5,
    )
    return mail_route(plain, client, access)
