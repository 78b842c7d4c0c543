"""Who lives in a tenant: people, guests, shared mailboxes, applications, identities of machines."""

from __future__ import annotations

import random
from dataclasses import dataclass

from counterfoil.lab.history.clock import HOUR
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.names import (
    APP_NAMES,
    EDGE,
    FAMILY,
    GIVEN,
    PRINCIPAL_NAMES,
    Client,
    office_address,
)
from counterfoil.lab.history.settings import Tenant

# Offsets from UTC in hours of the sites that people work at; half of the people are at the first.
_ZONES = (0, 0, 0, 1, 1, -5, -8, 9)


@dataclass(frozen=True, slots=True)
class Person:
    """A member or guest with a mailbox (`mailbox` is None for guests)."""

    number: int
    oid: str
    name: str
    upn: str
    sam: str  # DOMAIN\\name on premises
    puid: str
    sid: str
    mailbox: str | None
    zone: int  # microseconds to add to UTC for local time
    start: int  # local time of day at which work usually begins, microseconds
    office: str  # public address
    home_number: int
    device: str  # device id, a GUID
    federated: bool
    home_tenant: str
    is_guest: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal or managed identity that acts as itself."""

    oid: str
    app_id: str
    name: str
    ip: str  # empty for managed identities
    key_id: str
    reads_mail: bool
    managed: bool


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody."""

    tenant_id: str
    people: tuple[Person, ...]
    guests: tuple[Person, ...]
    shared: tuple[Person, ...]  # shared mailboxes: persons that never sign in
    delegations: tuple[tuple[Person, Person], ...]  # (reader, owner)
    apps: tuple[Client, ...]
    app_users: tuple[tuple[Person, Client, bool], ...]  # (person, mail application, acts as the user)
    principals: tuple[Principal, ...]

    @property
    def calendar_app(self) -> Client:
        """The application that is known to the tenant and never reads mail."""
        return self.apps[0]


def _person(rng: random.Random, tenant: Tenant, number: int, domain: str, prefix: str) -> Person:
    given, family = GIVEN[number % len(GIVEN)], FAMILY[(number // len(GIVEN) + number * 7) % len(FAMILY)]
    suffix = str(number) if number >= len(GIVEN) else ""
    local = f"{prefix}{given}.{family}{suffix}".lower()
    zone = _ZONES[rng.randrange(len(_ZONES))]
    return Person(
        number=number,
        oid=guid(rng),
        name=f"{given} {family}",
        upn=f"{local}@{domain}",
        sam=f"{domain.split('.')[0].upper()}\\{local[:20]}",
        puid=f"10032{rng.getrandbits(44):011X}",
        sid=f"S-1-5-21-{rng.getrandbits(31)}-{rng.getrandbits(31)}-{rng.getrandbits(31)}-{rng.getrandbits(24)}",
        mailbox=guid(rng),
        zone=zone * HOUR,
        start=int((8 + 1.5 * rng.random()) * HOUR),
        office=office_address(zone % 24),
        home_number=rng.getrandbits(17),
        device=guid(rng),
        federated=domain in tenant.federated_domains,
        home_tenant=tenant.tenant_id,
    )


def _people(rng: random.Random, tenant: Tenant) -> tuple[Person, ...]:
    federated = round(tenant.people * tenant.federated_share) if tenant.federated_domains else 0
    domains = tenant.federated_domains
    return tuple(
        _person(rng, tenant, n, domains[n % len(domains)] if n < federated else tenant.domain, "")
        for n in range(tenant.people)
    )


def _guest(rng: random.Random, tenant: Tenant, number: int) -> Person:
    known = _person(rng, tenant, number + tenant.people, "example.org", "")
    upn = f"{known.upn.replace('@', '_')}#EXT#@{tenant.name}.onmicrosoft.com"
    fields = {name: getattr(known, name) for name in Person.__slots__}
    fields |= {"upn": upn, "mailbox": None, "home_tenant": guid(rng), "is_guest": True}
    return Person(**fields)


def _apps(rng: random.Random, count: int) -> tuple[Client, ...]:
    return tuple(
        Client(guid(rng), APP_NAMES[n % len(APP_NAMES)], "Client=REST;;", EDGE.format(138), "Browser")
        for n in range(max(1, count))
    )


def _principals(rng: random.Random, tenant: Tenant) -> tuple[Principal, ...]:
    named = [
        Principal(
            guid(rng), guid(rng), PRINCIPAL_NAMES[n % len(PRINCIPAL_NAMES)], office_address(200 + n), guid(rng),
            reads_mail=n % 2 == 0, managed=False,
        )
        for n in range(tenant.service_principals)
    ]
    machines = [
        Principal(guid(rng), guid(rng), f"vm-{tenant.name}-{n}", "", guid(rng), reads_mail=False, managed=True)
        for n in range(tenant.managed_identities)
    ]
    return (*named, *machines)


def cast_of(tenant: Tenant) -> Cast:
    """Return the cast of `tenant`, the same for the same tenant."""
    rng = seeded(tenant.seed, "cast", tenant.name)
    people = _people(rng, tenant)
    guests = tuple(_guest(rng, tenant, n) for n in range(tenant.guests))
    shared = tuple(_person(rng, tenant, n, tenant.domain, "desk.") for n in range(tenant.shared_mailboxes))
    delegations = [
        (people[(5 * n + 1) % len(people)], people[(5 * n + 3) % len(people)])
        for n in range(min(tenant.delegates, len(people) - 1))
    ]
    delegations += [(people[(3 * n + 2) % len(people)], box) for n, box in enumerate(shared)]
    apps = _apps(rng, tenant.apps)
    mail_apps = apps[1:]
    users = [p for p in people if mail_apps and rng.random() < tenant.act_as_share]
    app_users = [(p, mail_apps[n % len(mail_apps)], n % 2 == 0) for n, p in enumerate(users)]
    principals = _principals(rng, tenant)
    return Cast(tenant.tenant_id, people, guests, shared, tuple(delegations), apps, tuple(app_users), principals)
