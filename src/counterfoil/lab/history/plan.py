"""The genuine life of a tenant: a plan per day, then each token with its sign-in and everything it is used for.

Every acceptance that carries a token id was issued by a sign-in first, except calls of Microsoft's own services.
"""

from __future__ import annotations

import random
from datetime import date
from enum import IntEnum
from typing import NamedTuple

from counterfoil.lab.history.cast import Person, Principal
from counterfoil.lab.history.clock import DAY, HOUR, SLICE, midnight
from counterfoil.lab.history.habits import Habits, Routes
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.losses import Kind
from counterfoil.lab.history.routes import Route
from counterfoil.lab.history.world import World

_WORK = 9 * HOUR
_WEEKEND_SHARE, _WEEKEND_LOAD = 0.08, 0.3
_FRESH_SHARE = 0.6  # of federated people's first sign-ins of a day: an assertion is presented, not a cookie


class Use(IntEnum):
    """What a planned moment is about."""

    MAIL = 0
    FILES = 1
    CHATS = 2
    GRAPH = 3
    RULE = 4
    CHANGE = 5
    RENEW = 6  # secondary issuance, rooted in a sign-in
    SERVICE = 7
    FAILED = 8


class Moment(NamedTuple):
    """One planned moment: a token's issuance, a service call or a failed sign-in."""

    t: int
    use: Use
    route: Route
    person: Person | None
    session: str
    kind: Kind
    incoming: str


def some(rng: random.Random, mean: float) -> int:
    """Return a whole number between half and one and a half of `mean`, with exactly that mean."""
    return int(mean * (0.5 + rng.random()) + rng.random())


class Planner:
    """Makes the plan of a day: moments, sorted into the slices of the day."""

    def __init__(self, world: World, habits: Habits) -> None:
        self._world, self._habits = world, habits
        tenant = self._tenant = world.tenant
        uses = tenant.uses_per_token
        share = min(tenant.service_share, 0.99)
        ids = tenant.id_era == "2025"
        # (use, mean tokens per person and day); the service share is of all mail records.
        self._means: tuple[tuple[Use, float], ...] = (
            (Use.MAIL, tenant.mail_per_person_day * (1 - share) / uses),
            (Use.FILES, tenant.files_per_person_day / uses),
            (Use.CHATS, tenant.chats_per_person_day / uses if ids else 0.0),
            (Use.GRAPH, tenant.graph_per_person_day / uses if ids else 0.0),
            (Use.RULE, tenant.rules_per_person_day if ids else 0.0),
            (Use.RENEW, tenant.gatfr_per_person_day if ids else 0.0),
            (Use.SERVICE, tenant.mail_per_person_day * share),
            (Use.FAILED, 0.1 if tenant.interrupts else 0.0),
        )

    def plan(self, day: date) -> list[list[Moment]]:
        """Return the moments of `day` by slice, each list sorted by time."""
        rng = seeded(self._tenant.seed, "plan", day)
        slices: list[list[Moment]] = [[] for _ in range(DAY // SLICE)]
        start = midnight(day)
        working = self._tenant.is_working_day(day)
        for person in (*self._world.cast.people, *self._world.cast.guests):
            load = 1.0 if working else _WEEKEND_LOAD if rng.random() < _WEEKEND_SHARE else 0.0
            if load:
                self._person_day(rng, day, person, load * (0.3 if person.is_guest else 1.0), slices)
        self._changes(rng, day, slices, working=working)
        for principal in self._world.cast.principals:
            self._principal_day(rng, start, principal, slices)
        for moments in slices:
            moments.sort(key=lambda moment: moment.t)
        return slices

    def _person_day(
        self, rng: random.Random, day: date, person: Person, load: float, slices: list[list[Moment]]
    ) -> None:
        start = midnight(day)
        routes = self._habits.of(person, day)
        session = guid(rng)
        begin = person.start - person.zone + int(rng.random() * HOUR)
        planned: list[tuple[int, Use]] = []
        for use, mean in self._means:
            if mean and (person.mailbox or use in (Use.FILES, Use.CHATS)):
                for _ in range(some(rng, mean * load)):
                    planned.append((start + (begin + int(rng.random() * _WORK)) % DAY, use))
        planned.sort()
        first = True
        for t, use in planned:
            route = self._route(rng, routes, use)
            interactive = first and use not in (Use.SERVICE, Use.RENEW, Use.FAILED)
            first = first and not interactive
            kind: Kind = "interactive" if interactive or use is Use.FAILED else "non-interactive"
            incoming = self._incoming(rng, person, interactive=interactive)
            slices[(t - start) // SLICE].append(Moment(t, use, route, person, route.session or session, kind, incoming))

    def _incoming(self, rng: random.Random, person: Person, *, interactive: bool) -> str:
        draw = rng.random()
        if not interactive:
            return "refreshToken" if draw < 0.7 else "primaryRefreshToken"
        if person.federated:
            return "saml20" if draw < _FRESH_SHARE * 0.8 else "saml11" if draw < _FRESH_SHARE else "primaryRefreshToken"
        return "none" if draw < 0.6 else "primaryRefreshToken"

    def _route(self, rng: random.Random, routes: Routes, use: Use) -> Route:
        if use is Use.MAIL:
            return routes.mail[rng.randrange(len(routes.mail))]
        if use is Use.SERVICE:
            return routes.services[rng.randrange(len(routes.services))]
        if use is Use.FILES:
            return routes.files
        if use is Use.CHATS:
            return routes.chats
        return routes.graph if use is Use.GRAPH else routes.web

    def _changes(self, rng: random.Random, day: date, slices: list[list[Moment]], *, working: bool) -> None:
        start = midnight(day)
        admins = self._world.cast.people[:2]
        for _ in range(some(rng, self._tenant.directory_changes_per_day / 2 if working else 0.0)):
            person = admins[rng.randrange(len(admins))]
            t = start + (person.start - person.zone + int(rng.random() * _WORK)) % DAY
            route = self._habits.of(person, day).admin
            moment = Moment(t, Use.CHANGE, route, person, guid(rng), "non-interactive", "refreshToken")
            slices[(t - start) // SLICE].append(moment)

    def _principal_day(self, rng: random.Random, start: int, principal: Principal, slices: list[list[Moment]]) -> None:
        people = self._world.cast.people
        for _ in range(1 if principal.managed else some(rng, self._tenant.tokens_per_principal_day)):
            t = start + int(rng.random() * DAY)
            if principal.reads_mail:
                route = self._habits.principal_mail(principal, people[rng.randrange(len(people))])
                use = Use.MAIL
            else:
                route, use = self._habits.principal_graph(principal), Use.GRAPH
            kind: Kind = "managed-identity" if principal.managed else "service-principal"
            slices[(t - start) // SLICE].append(Moment(t, use, route, None, "", kind, "none"))
