"""The routes that each person takes every day, made when the person first needs them and kept."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date

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
from counterfoil.lab.history.whereabouts import Whereabouts, whereabouts

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
        self._known: dict[str, tuple[Whereabouts, Routes]] = {}
        self._browser = 139 if tenant.id_era == "2025" else 113
        self._others: defaultdict[str, list[Person]] = defaultdict(list)
        for reader, owner in cast.delegations:
            self._others[reader.oid].append(owner)
        self._apps = {person.oid: (client, acts) for person, client, acts in cast.app_users}

    def of(self, person: Person, day: date) -> Routes:
        """Return the routes of `person` on `day`."""
        where = whereabouts(self._tenant, person, day)
        known = self._known.get(person.oid)
        if known is None or known[0] != where:
            known = self._known[person.oid] = where, self._make(where)
        return known[1]

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

    def _make(self, where: Whereabouts) -> Routes:
        tid, person = self._tenant.tenant_id, where.person
        rng = seeded(self._tenant.seed, "habits", person.oid)
        home = home_address(person.home_number)
        mail = self._mail(rng, where, home) if person.mailbox else []
        return Routes(
            mail=tuple(mail),
            web=mail[1] if mail else user_route(person, self._clients(where)[1], EXCHANGE, tid, home),
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
        )

    def _clients(self, where: Whereabouts) -> tuple[Client, Client, Client]:
        return office_clients(self._browser, where.release, android=where.android)

    def _mail(self, rng: random.Random, where: Whereabouts, home: str) -> list[Route]:
        tid, person = self._tenant.tenant_id, where.person
        desktop, web, mobile = self._clients(where)
        # Some front ends write the port into the address.
        host = f"[{person.office}]" if ":" in person.office else person.office
        port = f"{host}:{1024 + rng.randrange(60_000)}" if rng.random() < 0.2 else ""
        own = self.mail_access(person)
        routes = [
            mail_route(
                user_route(person, desktop, EXCHANGE, tid, person.office),
                desktop,
                self.mail_access(person, address=port),
            ),
            mail_route(user_route(person, web, EXCHANGE, tid, home), web, own),
            msgspec.structs.replace(
                mail_route(user_route(person, mobile, EXCHANGE, tid, where.phone), mobile, own),
                session=where.phone_session,
            ),
        ]
        if person.oid in self._apps:
            client, acts = self._apps[person.oid]
            access = self.mail_access(person, token_type="V1AppActAs" if acts else "")
            routes.append(mail_route(user_route(person, client, EXCHANGE, tid, home), client, access))
        for owner in self._others[person.oid]:
            access = self.mail_access(owner, logon=2, user_key=person.puid)
            routes.append(mail_route(user_route(person, desktop, EXCHANGE, tid, person.office), desktop, access))
        return routes
