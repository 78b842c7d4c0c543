"""The routes that each person takes every day, made when the person first needs them and kept."""

from __future__ import annotations

import random
from collections import defaultdict

import msgspec

from counterfoil.lab.history.cast import Cast, Person, Principal
from counterfoil.lab.history.ids import seeded
from counterfoil.lab.history.names import (
    AZURE_PORTAL,
    EXCHANGE,
    GRAPH,
    ONEDRIVE,
    SHAREPOINT,
    TEAMS,
    TEAMS_CLIENT,
    Client,
    home_address,
    microsoft_address,
    office_clients,
)
from counterfoil.lab.history.routes import MailAccess, Route, mail_route, principal_route, service_route, user_route
from counterfoil.lab.history.settings import Tenant

_SERVICES = (
    Client(EXCHANGE, "Office 365 Exchange Online", "Client=REST;Client=RESTSystem;;", ""),
    Client(SHAREPOINT, "Office 365 SharePoint Online", "Client=REST;Client=RESTSystem;;", ""),
)

_APP_ONLY = "V1AppOnly"  # Exchange's name for a token that is nobody's but the application's


class Routes(msgspec.Struct, frozen=True):
    """What one person uses: mail (own, then others' mailboxes), files, chats, Graph applications, administration."""

    mail: tuple[Route, ...]
    web: Route
    files: Route
    chats: Route
    graph: Route
    admin: Route
    services: tuple[Route, ...]


class Habits:
    """Gives the routes of people and principals."""

    def __init__(self, tenant: Tenant, cast: Cast) -> None:
        self._tenant, self._cast = tenant, cast
        self._organization = f"{tenant.name}.onmicrosoft.com"
        self._known: dict[str, Routes] = {}
        self._clients = office_clients(139 if tenant.id_era == "2025" else 113)
        self._others: defaultdict[str, list[Person]] = defaultdict(list)
        for reader, owner in cast.delegations:
            self._others[reader.oid].append(owner)
        self._apps = {person.oid: (client, acts) for person, client, acts in cast.app_users}

    def of(self, person: Person) -> Routes:
        """Return the routes of `person`."""
        found = self._known.get(person.oid)
        if found is None:
            found = self._known[person.oid] = self._make(person)
        return found

    def mail_access(self, owner: Person, **changes: object) -> MailAccess:
        """Return how `owner`'s mailbox is reached in this tenant."""
        access = MailAccess(owner=owner, organization=self._organization, ids=self._tenant.id_era == "2025")
        return msgspec.structs.replace(access, **changes)

    def principal_mail(self, principal: Principal, owner: Person) -> Route:
        """Return the route by which an application reads `owner`'s mailbox as itself."""
        client = Client(principal.app_id, principal.name, "Client=REST;Client=RESTSystem;;", "")
        route = principal_route(principal, EXCHANGE, self._tenant.tenant_id)
        access = self.mail_access(
            owner, user_id=owner.upn, user_key=principal.app_id, user_type=5, token_type=_APP_ONLY
        )
        return mail_route(route, client, access)

    def principal_graph(self, principal: Principal) -> Route:
        """Return the route by which a principal calls Graph as itself."""
        return principal_route(principal, GRAPH, self._tenant.tenant_id)

    def _make(self, person: Person) -> Routes:
        tid = self._tenant.tenant_id
        rng = seeded(self._tenant.seed, "habits", person.oid)
        home = home_address(person.home_number)
        mail = self._mail(rng, person, home) if person.mailbox else []
        return Routes(
            mail=tuple(mail),
            web=mail[1] if mail else user_route(person, self._clients[1], EXCHANGE, tid, home),
            files=user_route(person, ONEDRIVE, SHAREPOINT, tid, person.office),
            chats=user_route(person, TEAMS_CLIENT, TEAMS, tid, person.office),
            graph=user_route(person, self._cast.calendar_app, GRAPH, tid, home),
            admin=user_route(person, AZURE_PORTAL, GRAPH, tid, person.office),
            services=tuple(
                service_route(
                    person, client, tid, microsoft_address(rng.getrandbits(16)), self._organization,
                    ids=self._tenant.id_era == "2025",
                )
                for client in _SERVICES
            ) if person.mailbox else (),
        )  # fmt: skip

    def _mail(self, rng: random.Random, person: Person, home: str) -> list[Route]:
        tid = self._tenant.tenant_id
        desktop, web, mobile = self._clients
        # Some front ends write the port into the address.
        port = f"{person.office}:{1024 + rng.randrange(60_000)}" if rng.random() < 0.2 else ""
        own = self.mail_access(person)
        routes = [
            mail_route(
                user_route(person, desktop, EXCHANGE, tid, person.office),
                desktop,
                self.mail_access(person, address=port),
            ),
            mail_route(user_route(person, web, EXCHANGE, tid, home), web, own),
            mail_route(user_route(person, mobile, EXCHANGE, tid, home), mobile, own),
        ]
        if person.oid in self._apps:
            client, acts = self._apps[person.oid]
            access = self.mail_access(person, token_type="V1AppActAs" if acts else "")
            routes.append(mail_route(user_route(person, client, EXCHANGE, tid, home), client, access))
        for owner in self._others[person.oid]:
            access = self.mail_access(owner, logon=2, user_key=person.puid)
            routes.append(mail_route(user_route(person, desktop, EXCHANGE, tid, person.office), desktop, access))
        return routes
