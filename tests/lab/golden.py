"""Acts out golden SAML: sign-ins with a forged assertion. Entra's records look normal; AD FS issued nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date

from counterfoil.lab.history import audit
from counterfoil.lab.history.cast import Person
from counterfoil.lab.history.clock import HOUR, MINUTE, SECOND, day_of, midnight
from counterfoil.lab.history.habits import Habits
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.life import Life
from counterfoil.lab.history.names import EXCHANGE, office_clients
from counterfoil.lab.history.proxies import pick
from counterfoil.lab.history.routes import mail_route, user_route
from counterfoil.lab.history.truth import FORGED, FORGED_NO_ID, TAINTED, Label, Source
from counterfoil.lab.history.world import World
from counterfoil.model.storm_0558 import BROWSERS

from . import adfs

_FORGED_BY_COUNT = ("forged", "unlinkable")
_TAINTED_BY_COUNT = ("tainted", "uncovered")
_NOTE = "An assertion signed with the stolen key of the federation server, which issued none near this time."
_COUNT_NOTE = "A forged assertion within the hour of a genuine one: only the count of assertions shows it."
_CHILD_NOTE = "Issued by Entra in good faith for a forged assertion."


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSaml:
    """Forged SAML assertions for federated people; `victims` counts among federated people only.

    `near` of the days are ones on which the assertion is presented within the hour after a genuine AD FS issuance to
    the same person, so that only the count of assertions convicts; on the others it is presented at night.
    """

    victims: tuple[int, ...]
    start: date
    days: int
    name: str = "golden-saml"
    near: int = 1  # per victim
    reads: int = 3  # mail records per forged sign-in

    def at_work(self, world: World, habits: Habits, life: Life) -> GoldenAttack:  # noqa: ARG002  # as others need
        """Return it at work in a world whose farm is an AD FS."""
        return GoldenAttack(self, world, habits)


class GoldenAttack:
    """The intrusion at work: nights alone, and some days in the shadow of a genuine sign-in."""

    def __init__(self, intrusion: GoldenSaml, world: World, habits: Habits) -> None:
        self._intrusion, self._world, self._habits = intrusion, world, habits
        federated = [person for person in world.cast.people if person.federated]
        self._victims = [federated[n] for n in intrusion.victims]
        self._near = {person.oid: intrusion.near for person in self._victims}
        self._first, self._last = midnight(intrusion.start), midnight(intrusion.start) + intrusion.days * 24 * HOUR
        self._client = office_clients(139)[1]
        servers = world.servers
        if not isinstance(servers, adfs.FarmServers):
            raise TypeError("golden SAML needs a farm")
        self._take_the_key(servers)
        servers.watchers.append(self._watch)

    def _take_the_key(self, servers: adfs.FarmServers) -> None:
        """Leave the traces of the theft, some hours before the first forged assertion."""
        rng = seeded(self._world.tenant.seed, self._intrusion.name, "key")
        domain = self._victims[0].upn.split("@")[1]
        for event in adfs.key_taken(rng, self._first - 6 * HOUR, domain, servers.workspace):
            servers.event(event)

    def plan(self, day: date) -> None:
        """Present an assertion for each victim in the victim's night, hours from any genuine one."""
        rng = seeded(self._world.tenant.seed, self._intrusion.name, day)
        start = midnight(day)
        if not self._first <= start < self._last:
            return
        for victim in self._victims:
            local = 1 * HOUR + int(rng.random() * 3 * HOUR)
            self._present(rng, start + (local - victim.zone) % (24 * HOUR), victim, near=False)

    def _watch(self, t: int, person: Person) -> None:
        """Follow a genuine assertion of a victim with a forged one, as often as the settings say."""
        if not self._first <= t < self._last or not self._near.get(person.oid):
            return
        self._near[person.oid] -= 1
        rng = seeded(self._world.tenant.seed, self._intrusion.name, "near", person.oid, t)
        self._present(rng, t + int((8 + 40 * rng.random()) * MINUTE), person, near=True)

    def _present(self, rng: random.Random, t: int, victim: Person, *, near: bool) -> None:
        world, tid = self._world, self._world.tenant.tenant_id
        if t >= world.ends:
            return
        agent = BROWSERS[rng.randrange(len(BROWSERS))]
        plain = user_route(victim, self._client, EXCHANGE, tid, pick(rng, day_of(t)), agent=agent)
        route = mail_route(plain, self._client, self._habits.mail_access(victim))
        token, lost = world.issue(rng, t, route, "interactive", guid(rng), incoming="saml20")
        world.counts["acceptance"] += not lost
        hidden = lost or world.losses.hides(t, t)
        self._row(
            None, token.name, victim, [t], "forged", _FORGED_BY_COUNT if near else FORGED,
            _COUNT_NOTE if near else _NOTE, source="entra-signin", lost=hidden,
        )
        times = [t + (30 + 60 * n) * SECOND for n in range(self._intrusion.reads)]
        times = [use for use in times if use < world.ends]
        fields = audit.exchange_context(token) if world.tenant.id_era == "2025" else ""
        for use in times:
            rid = guid(rng)
            world.audit(use, audit.mail(rng, use, rid, route, fields, token.session))
            if not world.tenant.mail_has_ids:
                self._row(None, rid, victim, [use], "descends-from-forged", FORGED_NO_ID, _CHILD_NOTE, lost=hidden)
        if times and world.tenant.mail_has_ids:
            expect = _TAINTED_BY_COUNT if near else TAINTED
            self._row(token.name, None, victim, times, "descends-from-forged", expect, _CHILD_NOTE,
                      issued_at=token.iat, lost=hidden)

    def _row(
        self,
        token_id: str | None,
        record_id: str | None,
        victim: Person,
        times: list[int],
        label: Label,
        expect: tuple[str, ...],
        note: str,
        *,
        source: Source = "m365-ual",
        issued_at: str | None = None,
        lost: bool = False,
    ) -> None:
        self._world.truth.add(
            token_id=token_id, source=source, record_id=record_id, subject_id=victim.oid, subject_name=victim.upn,
            issued_at=issued_at, first=times[0], last=times[-1], acceptances=len(times), label=label,
            intrusion=self._intrusion.name, expect=expect, lost=lost, note=note,
        )
