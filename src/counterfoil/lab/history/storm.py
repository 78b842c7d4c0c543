"""Acts out Storm-0558: a forged seed per victim, renewals without a sign-in, mail read with the renewals."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime

from counterfoil.lab.history import audit
from counterfoil.lab.history.audit import Token
from counterfoil.lab.history.cast import Person
from counterfoil.lab.history.clock import HOUR, MINUTE, SECOND, instant, midnight, seconds
from counterfoil.lab.history.habits import Habits
from counterfoil.lab.history.ids import guid, request_id, seeded
from counterfoil.lab.history.life import Life
from counterfoil.lab.history.names import EXCHANGE, OWA_ITSELF, Client, office_clients
from counterfoil.lab.history.proxies import pick
from counterfoil.lab.history.routes import Route, mail_route, user_route
from counterfoil.lab.history.truth import FORGED, FORGED_NO_ID, TAINTED, Label
from counterfoil.lab.history.world import World
from counterfoil.model.storm_0558 import BROWSERS, CLIENT_INFO

_HOURS = 9  # of work per day, from 00:00 UTC
_SEED_NOTE = "Signed with a stolen key; accepted by the mail service; no sign-in issued it."
_RENEWED_NOTE = "Issued by the mail service in exchange for the forged seed or its descendant."
_OWA = office_clients(139)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm0558:
    """The intrusion of 2023: a forged seed per victim, renewed by the service itself, mail read with the renewals.

    Victims are numbered from 0 in the order of the tenant's people. Work is done Monday to Friday, 00:00-09:00 UTC.
    Renewals convict only in a tenant whose own secondary issuances are many more and have sign-ins.
    """

    start: datetime
    end: datetime
    victims: tuple[int, ...]
    name: str = "storm-0558"
    renewals_per_day: int = 3  # per victim
    reads_per_renewal: int = 4  # MailItemsAccessed records per renewed token
    new_panels: bool = False  # True: he comes from the four panels alone that were first seen after the block

    def at_work(self, world: World, habits: Habits, life: Life) -> StormAttack:  # noqa: ARG002  # as others need
        """Return it at work in a world."""
        return StormAttack(self, world, habits)


class StormAttack:
    """The intrusion at work, day by day."""

    def __init__(self, intrusion: Storm0558, world: World, habits: Habits) -> None:
        self._intrusion, self._world, self._habits = intrusion, world, habits
        people = world.cast.people
        self._victims = [people[n] for n in intrusion.victims]
        known = world.cast.calendar_app
        self._reader = Client(known.id, known.name, CLIENT_INFO, BROWSERS[0])
        self._first, self._last = instant(intrusion.start), instant(intrusion.end)
        self._seeded: set[str] = set()

    def plan(self, day: date) -> None:
        """Work through the night of a working day: a seed for new victims, then renew and read."""
        if day.weekday() >= 5:
            return
        rng = seeded(self._world.tenant.seed, self._intrusion.name, day)
        base = midnight(day)
        for victim in self._victims:
            session = guid(rng)
            t = base + int(rng.random() * 40 * MINUTE)
            if victim.oid not in self._seeded and self._within(t):
                self._seeded.add(victim.oid)
                self._seed(rng, t, victim, session, day)
            gap = (_HOURS * HOUR - 50 * MINUTE) // max(1, self._intrusion.renewals_per_day)
            for number in range(self._intrusion.renewals_per_day):
                self._renewal(rng, t + 2 * MINUTE + number * gap, min(gap, HOUR - 10 * MINUTE), victim, session, day)

    def _within(self, t: int) -> bool:
        return self._first <= t < self._last and t < self._world.ends

    def _route(self, rng: random.Random, victim: Person, client: Client, day: date) -> Route:
        agent = BROWSERS[rng.randrange(len(BROWSERS))]
        tid = self._world.tenant.tenant_id
        address = pick(rng, day, new_panels=self._intrusion.new_panels)
        route = user_route(victim, client, EXCHANGE, tid, address, agent=agent)
        return mail_route(route, client, self._habits.mail_access(victim))

    def _seed(self, rng: random.Random, t: int, victim: Person, session: str, day: date) -> None:
        modern = self._world.tenant.id_era == "2025"
        route = self._route(rng, victim, _OWA if modern else OWA_ITSELF, day)
        name, uti = request_id(rng)
        token = Token(name, uti, seconds(t - int(rng.random() * 20 * MINUTE)), session, route)
        self._read(rng, [t + SECOND], token, "forged", FORGED, _SEED_NOTE)

    def _renewal(self, rng: random.Random, t: int, span: int, victim: Person, session: str, day: date) -> None:
        if not self._within(t):
            return
        route = self._route(rng, victim, self._reader, day)
        name, uti = request_id(rng)
        token = Token(name, uti, seconds(t - 300 * SECOND), session, route)
        if self._world.tenant.id_era == "2025":
            address = "" if rng.random() < 0.8 else route.ip
            body = audit.gatfr(t, guid(rng), token, victim.puid, "https://outlook.office.com", address)
            self._world.audit(t, body, "secondary_issuance")
        times = sorted(t + 10 * SECOND + int(rng.random() * span) for _ in range(self._intrusion.reads_per_renewal))
        self._read(rng, times, token, "laundered", TAINTED, _RENEWED_NOTE)

    def _read(
        self, rng: random.Random, times: list[int], token: Token, label: Label, expect: tuple[str, ...], note: str
    ) -> None:
        world, route, name = self._world, token.route, self._intrusion.name
        times = [t for t in times if self._within(t)]
        fields = audit.exchange_context(token) if world.tenant.id_era == "2025" else ""
        with_ids = world.tenant.mail_has_ids
        for t in times:
            rid = guid(rng)
            world.audit(t, audit.mail(rng, t, rid, route, fields, token.session))
            if not with_ids:
                world.truth.add(
                    token_id=None, source="m365-ual", record_id=rid, subject_id=route.subject_id,
                    subject_name=route.subject_name, issued_at=None, first=t, last=t, label=label,
                    intrusion=name, expect=FORGED_NO_ID, lost=world.losses.hides(t, t), note=note,
                )
        if times and with_ids:
            world.truth.add(
                token_id=token.name, source="m365-ual", subject_id=route.subject_id,
                subject_name=route.subject_name, issued_at=token.iat, first=times[0], last=times[-1],
                acceptances=len(times), label=label, intrusion=name, expect=expect,
                lost=world.losses.hides(times[0], times[-1]), note=note,
            )
