"""What happens in a tenant, in time slices: records go in at any time from now on and come out slice by slice, sorted.

Memory holds the current slice and what running tokens will still do, not the history.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Protocol, TypeVar

from counterfoil.lab.history import adfs
from counterfoil.lab.history.audit import BACK_DATED, Token, logon
from counterfoil.lab.history.cast import Cast, Person, cast_of
from counterfoil.lab.history.clock import SECOND, SLICE, seconds
from counterfoil.lab.history.files import Output
from counterfoil.lab.history.ids import guid, request_id, seeded
from counterfoil.lab.history.losses import SIGNIN_KINDS, Kind, LossRule
from counterfoil.lab.history.routes import Route
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.signin import signin, written_uti
from counterfoil.lab.history.truth import Truth
from counterfoil.lab.history.windows import EventSink, WindowsEvent
from counterfoil.lab.history.wrap_audit import AuditRow, audit_sink
from counterfoil.lab.history.wrap_signin import SigninRow, SigninSink

Line = tuple[int, str]
_Row = TypeVar("_Row", AuditRow, SigninRow, tuple[int, WindowsEvent])
AssertionWatcher = Callable[[int, Person], None]
_time = itemgetter(0)


class World:
    """The records of one tenant on their way to the files."""

    def __init__(self, tenant: Tenant, losses: LossRule, truth: Truth, folder: Path) -> None:
        self.tenant, self.losses, self.truth = tenant, losses, truth
        self.cast: Cast = cast_of(tenant)
        self.organization = f"{tenant.name}.onmicrosoft.com"
        self.workspace = guid(seeded(tenant.seed, "workspace"))
        self.ends = tenant.ends
        self.counts: Counter[str] = Counter()  # distinct records per leg
        self.assertion_watchers: list[AssertionWatcher] = []
        self._audit: defaultdict[int, list[AuditRow]] = defaultdict(list)
        self._signins: dict[Kind, defaultdict[int, list[SigninRow]]] = {k: defaultdict(list) for k in SIGNIN_KINDS}
        self._lines: dict[str, defaultdict[int, list[Line]]] = {
            name: defaultdict(list) for name in ("graph", "directory")
        }
        self._audit_sinks = [audit_sink(tenant, wrapper, folder / "m365") for wrapper in tenant.audit_wrappers]
        self._signin_sinks = {
            kind: [SigninSink(tenant, wrapper, kind, folder / "entra") for wrapper in tenant.signin_wrappers]
            for kind in SIGNIN_KINDS
        }
        self._line_outputs = {
            name: Output(folder / place, stem, "jsonl", per_day=tenant.per_day, compress=tenant.gzip)
            for name, place, stem in (
                ("graph", "entra", "MicrosoftGraphActivityLogs"),
                ("directory", "entra", "AuditLogs"),
            )
        }
        self._events: defaultdict[int, list[tuple[int, WindowsEvent]]] = defaultdict(list)
        self._event_sink = EventSink(tenant.adfs_form, folder / "adfs", per_day=tenant.per_day, compress=tenant.gzip)
        self.lines = 0

    def audit(self, t: int, body: str, leg: str = "acceptance") -> None:
        """Record one audit record at `t`; records after the end of the history are not kept."""
        if t < self.ends:
            self._audit[t // SLICE].append((t, body))
            self.counts[leg] += 1

    def line(self, stream: str, t: int, text: str, leg: str = "acceptance") -> None:
        """Record one finished line of `stream` (graph or directory)."""
        if t < self.ends:
            self._lines[stream][t // SLICE].append((t, text))
            self.counts[leg] += 1

    def attempt(
        self,
        rng: random.Random,
        t: int,
        route: Route,
        kind: Kind,
        session: str,
        identity: tuple[str, str],
        *,
        incoming: str = "none",
        error: int = 0,
        cae: bool = False,
    ) -> bool:
        """Record one sign-in with the request id and token id `identity`; return whether its records are lost."""
        name, uti = identity
        # Drawn before anything is lost: a loss must not change what happens afterwards.
        correlation = guid(rng)
        if self.losses.any and self.losses.loses(t, kind, route.client_id, "" if error else name):
            return True
        form = self.tenant.uti_form
        written = uti if form == "plain" else written_uti(name, uti, form)
        body = signin(
            t, name, written, correlation, session, route, kind, incoming=incoming, error=error, cae=cae
        )
        self._signins[kind][t // SLICE].append((t, body, error, route.ip, correlation))
        self.counts["issuance"] += 1
        if kind == "interactive" and self.tenant.logons_in_audit:
            self.audit(t, logon(t, name, correlation, route, session=session, error=error), "issuance")
        return False

    def issue(
        self,
        rng: random.Random,
        t: int,
        route: Route,
        kind: Kind,
        session: str,
        *,
        incoming: str = "none",
        cae: bool = False,
        identity: tuple[str, str] | None = None,
    ) -> tuple[Token, bool]:
        """Record the sign-in that issues a token at `t`; return the token and whether the record is lost."""
        identity = identity or request_id(rng)
        lost = self.attempt(rng, t, route, kind, session, identity, incoming=incoming, cae=cae)
        return Token(identity[0], identity[1], seconds(t - BACK_DATED), session, route), lost

    def federate(self, rng: random.Random, t: int, person: Person, ip: str, agent: str) -> bool:
        """Record AD FS issuing an assertion to `person` at `t`; return whether its events are lost."""
        for watch in self.assertion_watchers:
            watch(t, person)
        events = adfs.issued_token(rng, t, person, self.tenant, self.workspace, ip, agent)
        events.append(adfs.logon(rng, t - 2 * SECOND, person, self.workspace, ip))
        if self.losses.any and self.losses.loses(t, "adfs", ""):
            return True
        for event in events:
            self.event(event, "issuance" if event.number == adfs.ISSUED else "context")
        return False

    def event(self, event: WindowsEvent, leg: str = "context") -> None:
        """Record one Windows event."""
        if event.t < self.ends:
            self._events[event.t // SLICE].append((event.t, event))
            self.counts[leg] += 1

    def flush(self, number: int) -> None:
        """Write everything of slice `number` (slices since 1970)."""
        _drain(self._audit, number, self._audit_sinks)
        for kind, buckets in self._signins.items():
            _drain(buckets, number, self._signin_sinks[kind])
        _drain(self._events, number, [self._event_sink])
        for name, lines in self._lines.items():
            rows = lines.pop(number, [])
            rows.sort(key=_time)
            self._line_outputs[name].write(number * SLICE, [text + "\n" for _, text in rows])
            self.lines += len(rows)

    def close(self) -> tuple[Path, ...]:
        """Finish all files and return them in a fixed order."""
        paths: list[Path] = []
        for audit in self._audit_sinks:
            paths += audit.close()
            self.lines += audit.lines
        for signins in self._signin_sinks.values():
            for sink in signins:
                paths += sink.close()
                self.lines += sink.lines
        paths += self._event_sink.close()
        self.lines += self._event_sink.lines
        for output in self._line_outputs.values():
            output.close()
            paths += output.paths
        return tuple(sorted(paths))


class _Sink(Protocol[_Row]):
    def write(self, rows: list[_Row], /) -> None: ...


def _drain(buckets: defaultdict[int, list[_Row]], number: int, sinks: Sequence[_Sink[_Row]]) -> None:
    rows = buckets.pop(number, [])
    rows.sort(key=_time)
    for sink in sinks:
        sink.write(rows)
