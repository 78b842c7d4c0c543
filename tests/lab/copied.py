"""Acts out copied token ids: a forger takes the id of a genuine token and changes one claim, or none."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from typing import Literal

from counterfoil.lab.history import audit
from counterfoil.lab.history.audit import Token
from counterfoil.lab.history.cast import Person
from counterfoil.lab.history.clock import DAY, HOUR, MINUTE, day_of, midnight, seconds
from counterfoil.lab.history.habits import Habits
from counterfoil.lab.history.ids import guid, seeded
from counterfoil.lab.history.life import Life
from counterfoil.lab.history.names import EXCHANGE, Client
from counterfoil.lab.history.proxies import pick
from counterfoil.lab.history.routes import MailAccess, mail_route, user_route
from counterfoil.lab.history.uses import Copies, Uses
from counterfoil.lab.history.world import World
from counterfoil.model.storm_0558 import BROWSERS

CopyVariant = Literal["other-subject", "other-tenant", "other-issued-at", "exact"]
COPY_VARIANTS: tuple[CopyVariant, ...] = ("other-subject", "other-tenant", "other-issued-at", "exact")
_CONTRADICTED = ("contradicted",)
_CONTRADICTED_BY_LAW = ("contradicted", "minted")
_NOTES: dict[CopyVariant, str] = {
    "other-subject": "Carries the id of another person's token.",
    "other-tenant": "Carries a genuine token's id but names another tenant.",
    "other-issued-at": "Carries a genuine token's id but another time of issue.",
    "exact": "Some acceptances are of a forged token that copies every claim; ids alone cannot tell them apart.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedId:
    """Forged tokens that carry the token id of a genuine one, taken from people numbered in `sources`."""

    sources: tuple[int, ...]
    start: date
    days: int
    per_variant: int = 3  # copies of each variant, over the whole interval
    variants: tuple[CopyVariant, ...] = COPY_VARIANTS
    name: str = "copied-id"

    def at_work(self, world: World, habits: Habits, life: Life) -> CopiedAttack:
        """Return it at work in a world: it watches what tokens are used for."""
        return CopiedAttack(self, world, habits, life.uses)


class CopiedAttack:
    """The intrusion at work: it watches the sources' mail tokens and presents copies while the genuine ones live."""

    def __init__(self, intrusion: CopiedId, world: World, habits: Habits, uses: Uses) -> None:
        self._intrusion, self._world, self._habits = intrusion, world, habits
        people = world.cast.people
        self._sources = {people[n].oid: people[n] for n in intrusion.sources}
        self._other_victims = [p for p in people if p.oid not in self._sources] or list(people)
        self._first = midnight(intrusion.start)
        self._last = self._first + intrusion.days * DAY
        # In turn, one of each variant: the days at the end must not decide which are seen.
        self._todo = [variant for _ in range(intrusion.per_variant) for variant in intrusion.variants]
        self._taken: set[tuple[str, int]] = set()
        self._other_tenant = guid(seeded(world.tenant.seed, intrusion.name, "tenant"))
        uses.copied = self._watch

    def plan(self, day: date) -> None:
        """Do nothing: copies are made when the genuine token is."""

    def _watch(self, issued: int, token: Token) -> Copies | None:
        source = self._sources.get(token.route.subject_id)
        if source is None or not self._todo or not self._first <= issued < self._last:
            return None
        key = (source.oid, issued // DAY)
        if key in self._taken or issued + 40 * MINUTE >= self._world.ends:
            return None
        self._taken.add(key)
        variant = self._todo.pop(0)
        rng = seeded(self._world.tenant.seed, self._intrusion.name, token.name)
        times = [issued + (3 + 17 * n) * MINUTE + int(rng.random() * 10 * MINUTE) for n in range(2)]
        self._present(rng, token, source, variant, times)
        return Copies(times, self._intrusion.name, _NOTES[variant]) if variant == "exact" else None

    def _present(
        self, rng: random.Random, token: Token, source: Person, variant: CopyVariant, times: list[int]
    ) -> None:
        world, tid = self._world, self._world.tenant.tenant_id
        victim, realm, iat = source, "", token.iat
        if variant == "other-subject":
            victim = self._other_victims[rng.randrange(len(self._other_victims))]
        elif variant == "other-tenant":
            realm = self._other_tenant
        elif variant == "other-issued-at":
            iat = seconds(times[0] - int((2 + 5 * rng.random()) * HOUR))
        client = Client(token.route.client_id, "", "Client=REST;;", BROWSERS[0])
        plain = user_route(victim, client, EXCHANGE, tid, pick(rng, day_of(times[0])))
        access: MailAccess = self._habits.mail_access(victim, token_tenant=realm)
        copy = Token(token.name, token.uti, iat, token.session, mail_route(plain, client, access))
        fields = audit.exchange_context(copy)
        for t in times:
            world.audit(t, audit.mail(rng, t, guid(rng), copy.route, fields, copy.session))
        if variant != "exact":
            world.truth.add(
                token_id=token.name, source="m365-ual", subject_id=victim.oid, subject_name=victim.upn,
                issued_at=iat, first=times[0], last=times[-1], acceptances=len(times), label="copied",
                intrusion=self._intrusion.name, note=_NOTES[variant],
                expect=_CONTRADICTED_BY_LAW if variant == "other-issued-at" else _CONTRADICTED,
                token_tenant=realm or None,
            )
