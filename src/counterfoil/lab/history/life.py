"""Acts out a planned moment: the sign-in with what precedes it, then what the token is used for."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

from counterfoil.lab.history import audit
from counterfoil.lab.history.audit import Token
from counterfoil.lab.history.clock import HOUR, MINUTE, SECOND, seconds
from counterfoil.lab.history.ids import guid, request_id, seeded
from counterfoil.lab.history.plan import Moment, Use
from counterfoil.lab.history.truth import ASSERTION, NO_ID
from counterfoil.lab.history.uses import Used, Uses
from counterfoil.lab.history.world import World

_SIGNING_IN = 25 * SECOND  # from the planned moment to the token: room for interrupts and for AD FS
# An assertion's life and some: so soon after the beginning, the federation log has nothing to look back to.
_NO_PAST = 2 * HOUR
_ASSERTION_NOTE = "A fresh assertion that AD FS issued seconds before."


class Life:
    """Acts out the moments of genuine life."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tenant = world.tenant
        self.uses = Uses(world)
        self._spread = 2 * world.tenant.uses_per_token - 1
        self._rng = seeded(world.tenant.seed, "life")
        self._special: dict[Use, Callable[[Moment], None]] = {
            Use.SERVICE: self._service,
            Use.FAILED: self._failed,
            Use.RENEW: self._renewal,
        }
        self._ordinary: dict[Use, Callable[[random.Random, Used], None]] = {
            Use.MAIL: self.uses.mail,
            Use.FILES: self.uses.files,
            Use.CHATS: self.uses.chats,
            Use.GRAPH: self.uses.graph,
            Use.RULE: self.uses.rules,
            Use.CHANGE: self.uses.changes,
        }

    def begin(self, day: date) -> None:
        """Start `day` with its own numbers, so that days do not depend on each other."""
        self._rng = seeded(self._tenant.seed, "life", day)

    def act(self, moment: Moment) -> None:
        """Act out one moment."""
        special = self._special.get(moment.use)
        if special:
            special(moment)
            return
        rng = self._rng
        cae = rng.random() < self._tenant.cae_share
        identity = request_id(rng)
        upstream_lost = False
        if moment.kind == "interactive":
            moment = moment._replace(t=moment.t + _SIGNING_IN)
            if moment.t >= self._world.ends:
                return
            upstream_lost = self._before(moment, identity)
        token, lost = self._world.issue(
            rng, moment.t, moment.route, moment.kind, moment.session,
            incoming=moment.incoming, cae=cae, identity=identity,
        )
        if moment.incoming.startswith("saml"):
            self._assertion_row(moment, token, lost=lost, upstream_lost=upstream_lost)
        used = Used(token, moment.t, moment.person, self._moments_of_use(moment.t, cae=cae), lost)
        self._ordinary[moment.use](rng, used)

    def _before(self, moment: Moment, identity: tuple[str, str]) -> bool:
        """Do what precedes an interactive success: interrupts, or the assertion; return whether AD FS's log lost it."""
        rng, world, route = self._rng, self._world, moment.route
        if moment.incoming.startswith("saml") and moment.person is not None:
            issued = moment.t - int((2 + 8 * rng.random()) * SECOND)
            return world.servers is not None and world.servers.issue(rng, issued, moment.person, route.ip, route.agent)
        if self._tenant.interrupts and rng.random() < 0.3:
            # Half of the interrupts are earlier versions of the same request, half are requests of their own.
            same = rng.random() < 0.5
            earlier = moment.t - int((2 + 18 * rng.random()) * SECOND)
            error = 50074 if rng.random() < 0.7 else 50140
            world.attempt(
                rng, earlier, route, "interactive", moment.session, identity if same else request_id(rng), error=error
            )
        return False

    def _assertion_row(self, moment: Moment, token: Token, *, lost: bool, upstream_lost: bool) -> None:
        self._world.truth.add(
            token_id=None, source="entra-signin", record_id=token.name, subject_id=token.route.subject_id,
            subject_name=token.route.subject_name, issued_at=None, first=moment.t, last=moment.t,
            expect=ASSERTION if moment.t - self._tenant.begins > _NO_PAST else NO_ID,
            lost=lost or upstream_lost, note=_ASSERTION_NOTE,
        )
        # The sign-in is the record of the assertion's acceptance too.
        self._world.counts["acceptance"] += not lost

    def _moments_of_use(self, t: int, *, cae: bool) -> list[int]:
        """Return when a token issued at `t` is used, sorted and within its life, which counts from 300 s before."""
        rng = self._rng
        life = int((20 + 8 * rng.random()) * HOUR) if cae else int((60 + 30 * rng.random()) * MINUTE)
        span = life - 6 * MINUTE
        first = t + SECOND + int(rng.random() * 20 * SECOND)
        count = int(rng.random() * self._spread)
        if not count:
            return [first] if first < self._world.ends else []
        times = sorted([first, *(t + 20 * SECOND + int(rng.random() * span) for _ in range(count))])
        return [use for use in times if use < self._world.ends]

    def _service(self, moment: Moment) -> None:
        """Act out one call of a Microsoft service: its token id is in no log of the customer."""
        rng, world, route, t = self._rng, self._world, moment.route, moment.t
        ids = self._tenant.mail_has_ids
        name, uti = request_id(rng)
        token = Token(name, uti, seconds(t - int(rng.random() * HOUR)), "", route)
        rid = guid(rng)
        fields = audit.exchange_context(token) if self._tenant.id_era == "2025" else ""
        world.audit(t, audit.mail(rng, t, rid, route, fields, ""))
        world.truth.add(
            token_id=name if ids else None, source="m365-ual", record_id=None if ids else rid,
            subject_id=route.subject_id, subject_name=route.subject_name, issued_at=token.iat if ids else None,
            first=t, last=t, label="service", expect=NO_ID,
        )

    def _failed(self, moment: Moment) -> None:
        """Act out a wrong password: the record carries a token id although no token was issued."""
        rng = self._rng
        self._world.attempt(
            rng, moment.t, moment.route, "interactive", moment.session, request_id(rng), error=50126
        )

    def _renewal(self, moment: Moment) -> None:
        """Act out a rooted secondary issuance: the same id in a sign-in of the same second, then mail is read."""
        rng, world, person = self._rng, self._world, moment.person
        token, lost = world.issue(
            rng, moment.t, moment.route, "non-interactive", moment.session, incoming="refreshToken"
        )
        address = "" if rng.random() < 0.7 else moment.route.ip
        puid = person.puid if person else ""
        body = audit.gatfr(moment.t, guid(rng), token, puid, "https://outlook.office.com", address)
        world.audit(moment.t, body, "secondary_issuance")
        self.uses.mail(rng, Used(token, moment.t, person, self._moments_of_use(moment.t, cae=False), lost))
