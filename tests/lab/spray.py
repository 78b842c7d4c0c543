"""Acts out a spray: single forged tokens with valid-looking ids, over many victims, from rented addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from counterfoil.lab.history import audit
from counterfoil.lab.history.audit import Token
from counterfoil.lab.history.clock import DAY, MINUTE, SECOND, instant, midnight, seconds
from counterfoil.lab.history.habits import Habits
from counterfoil.lab.history.ids import guid, request_id, seeded
from counterfoil.lab.history.life import Life
from counterfoil.lab.history.names import EXCHANGE, office_clients
from counterfoil.lab.history.proxies import pick
from counterfoil.lab.history.routes import mail_route, user_route
from counterfoil.lab.history.truth import FORGED, FORGED_NO_ID
from counterfoil.lab.history.world import World
from counterfoil.model.storm_0558 import BROWSERS

_NOTE = "Signed with a stolen key; its id was made up, so no sign-in issued it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Spray:
    """`tokens` forged tokens with valid-looking ids, spread over the victims and over the interval."""

    tokens: int
    victims: tuple[int, ...]
    start: datetime
    end: datetime
    name: str = "spray"
    uses: int = 1  # acceptances per token
    address: str = ""  # that all of them come from; empty: some of the day's proxies

    def at_work(self, world: World, habits: Habits, life: Life) -> SprayAttack:  # noqa: ARG002  # as others need
        """Return it at work in a world."""
        return SprayAttack(self, world, habits)


class SprayAttack:
    """The intrusion at work: token n goes to victim n modulo their number, at a random time of the interval."""

    def __init__(self, intrusion: Spray, world: World, habits: Habits) -> None:
        self._intrusion, self._world, self._habits = intrusion, world, habits
        self._victims = [world.cast.people[n] for n in intrusion.victims]
        # A forger claims the program that everybody uses; only the address and the agent are the attacker's.
        self._client = office_clients(139)[1]
        rng = seeded(world.tenant.seed, intrusion.name, "times")
        first = max(instant(intrusion.start), world.tenant.begins)
        span = min(instant(intrusion.end), world.ends) - first - intrusion.uses * MINUTE
        self._days: dict[int, list[tuple[int, int]]] = {}
        for number in range(intrusion.tokens):
            t = first + int(rng.random() * span)
            self._days.setdefault(t // DAY, []).append((t, number))

    def plan(self, day: date) -> None:
        """Present the tokens of `day`."""
        rng = seeded(self._world.tenant.seed, self._intrusion.name, day)
        world, tenant = self._world, self._world.tenant
        for t, number in sorted(self._days.pop(midnight(day) // DAY, [])):
            victim = self._victims[number % len(self._victims)]
            agent = BROWSERS[rng.randrange(len(BROWSERS))]
            ip = self._intrusion.address or pick(rng, day)
            plain = user_route(victim, self._client, EXCHANGE, tenant.tenant_id, ip, agent=agent)
            route = mail_route(plain, self._client, self._habits.mail_access(victim))
            name, uti = request_id(rng)
            token = Token(name, uti, seconds(t - 300 * SECOND - int(rng.random() * 30 * MINUTE)), guid(rng), route)
            fields = audit.exchange_context(token) if tenant.id_era == "2025" else ""
            times = [t + n * MINUTE for n in range(self._intrusion.uses)]
            for use in times:
                rid = guid(rng)
                world.audit(use, audit.mail(rng, use, rid, route, fields, token.session))
                if not tenant.mail_has_ids:
                    self._row(token, None, rid, [use])
            if tenant.mail_has_ids:
                self._row(token, token.name, None, times)

    def _row(self, token: Token, token_id: str | None, record_id: str | None, times: list[int]) -> None:
        self._world.truth.add(
            token_id=token_id, source="m365-ual", record_id=record_id, subject_id=token.route.subject_id,
            subject_name=token.route.subject_name, issued_at=token.iat if token_id else None, first=times[0],
            last=times[-1], acceptances=len(times), label="forged", intrusion=self._intrusion.name,
            expect=FORGED if token_id else FORGED_NO_ID, lost=self._world.losses.hides(times[0], times[-1]), note=_NOTE,
        )
