"""What a token is used for: the acceptances, and the row of truth that belongs to them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from counterfoil.lab.history import activity, audit
from counterfoil.lab.history.audit import EMPTY_CONTEXTS, Token
from counterfoil.lab.history.cast import Person
from counterfoil.lab.history.ids import guid
from counterfoil.lab.history.routes import Route
from counterfoil.lab.history.truth import NO_ID, Label, Source
from counterfoil.lab.history.world import World

_NO_ID_NOTE = "Genuine, but the record carries no token id."


@dataclass(frozen=True)
class Copies:
    """Exact copies of a token, which no log can tell from it: when they were accepted, whose they are, and a note."""

    times: list[int]
    intrusion: str
    note: str


# Called with (issued, token) for each mail token.
CopyWatcher = Callable[[int, Token], Copies | None]


class Used(msgspec.Struct, frozen=True):
    """A token with its owner, the times at which it is used (sorted), and whether its sign-in record is lost."""

    token: Token
    issued: int
    person: Person | None
    times: list[int]
    lost: bool


class Uses:
    """Writes the acceptances of genuine tokens. `copied` lets an intrusion present exact copies of mail tokens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tenant = world.tenant
        self._modern = world.tenant.id_era == "2025"
        self._ids = world.tenant.mail_has_ids
        self.copied: CopyWatcher | None = None

    def mail(self, rng: random.Random, used: Used) -> None:
        """Read mail at each time; some records carry no token id, and are rows of truth of their own."""
        world, token, route, tenant = self._world, used.token, used.token.route, self._tenant
        fields = audit.exchange_context(token) if self._modern else ""
        known: list[int] = []
        for t in used.times:
            rid = guid(rng)
            if not self._ids:
                world.audit(t, audit.mail(rng, t, rid, route, fields, token.session))
                self._without_id(t, rid, route)
            elif tenant.null_id_share and rng.random() < tenant.null_id_share:
                empty = EMPTY_CONTEXTS[rng.randrange(len(EMPTY_CONTEXTS))]
                world.audit(t, audit.mail(rng, t, rid, route, empty, token.session))
                self._without_id(t, rid, route)
            else:
                world.audit(t, audit.mail(rng, t, rid, route, fields, token.session))
                known.append(t)
        copies = self.copied(used.issued, token) if self.copied and known else None
        self._row(used, "m365-ual", token.iat, known, copies)

    def files(self, rng: random.Random, used: Used) -> None:
        """Open a file of SharePoint at each time; its records do not carry the time of issue."""
        for t in used.times:
            rid = guid(rng)
            self._world.audit(t, audit.file(rng, t, rid, used.token, self._world.organization))
            if not self._tenant.keeps_ids:
                self._without_id(t, rid, used.token.route)
        if self._tenant.keeps_ids:
            self._row(used, "m365-ual", None, used.times)

    def chats(self, rng: random.Random, used: Used) -> None:
        """Send a message of Teams at each time."""
        for t in used.times:
            rid = guid(rng)
            self._world.audit(t, audit.chat(rng, t, rid, used.token))
            if not self._ids:
                self._without_id(t, rid, used.token.route)
        if self._ids:
            self._row(used, "m365-ual", used.token.iat, used.times)

    def rules(self, rng: random.Random, used: Used) -> None:
        """Make an inbox rule at each time; without a token id that is context, not an acceptance."""
        puid = used.person.puid if used.person else ""
        for t in used.times:
            body = audit.rule(rng, t, guid(rng), used.token, puid, self._world.organization)
            self._world.audit(t, body, "acceptance" if self._ids else "context")
        if self._ids:
            self._row(used, "m365-ual", used.token.iat, used.times)

    def changes(self, rng: random.Random, used: Used) -> None:
        """Change the directory at each time; without a token id that is context, not an acceptance."""
        name = used.person.name if used.person else ""
        for t in used.times:
            line = activity.directory_change(rng, t, guid(rng), used.token, name, ids=self._modern)
            self._world.line("directory", t, line, "acceptance" if self._modern else "context")
        if self._modern:
            self._row(used, "entra-audit", used.token.iat, used.times)

    def graph(self, rng: random.Random, used: Used) -> None:
        """Call Graph at each time; its activity log did not exist in 2023."""
        if not self._modern:
            return
        for t in used.times:
            self._world.line("graph", t, activity.graph_request(rng, t, guid(rng), used.token))
        self._row(used, "graph-activity", used.token.iat, used.times)

    def _row(
        self, used: Used, source: Source, issued_at: str | None, times: list[int], copies: Copies | None = None
    ) -> None:
        if not times:
            return
        token, route = used.token, used.token.route
        label: Label = "copied" if copies else "genuine"
        times = sorted([*times, *(copies.times if copies else ())])
        self._world.truth.add(
            token_id=token.name, source=source, subject_id=route.subject_id, subject_name=route.subject_name,
            issued_at=issued_at, first=times[0], last=times[-1], acceptances=len(times), lost=used.lost, label=label,
            intrusion=copies.intrusion if copies else None, note=copies.note if copies else "",
        )

    def _without_id(self, t: int, rid: str, route: Route) -> None:
        self._world.truth.add(
            token_id=None, source="m365-ual", record_id=rid, subject_id=route.subject_id,
            subject_name=route.subject_name, issued_at=None, first=t, last=t, expect=NO_ID, note=_NO_ID_NOTE,
        )
