"""What happens in a tenant, in time slices: records go in at any time from now on and come out slice by slice, sorted.

Memory holds the current slice and what running tokens will still do, not the history.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from counterfoil.lab.history.audit import BACK_DATED, Token, logon
from counterfoil.lab.history.cast import Cast, cast_of
from counterfoil.lab.history.clock import seconds
from counterfoil.lab.history.federation import Servers
from counterfoil.lab.history.files import Output, Stream
from counterfoil.lab.history.ids import guid, request_id
from counterfoil.lab.history.losses import SIGNIN_KINDS, Kind, LossRule
from counterfoil.lab.history.routes import Route
from counterfoil.lab.history.settings import Tenant
from counterfoil.lab.history.signin import signin
from counterfoil.lab.history.truth import Truth
from counterfoil.lab.history.wrap_audit import AuditRow
from counterfoil.lab.history.wrap_signin import SigninRow

Line = tuple[int, str]


_MAIL = '"Operation":"MailItemsAccessed"'


class World:
    """The records of one tenant on their way to the files."""

    def __init__(
        self, tenant: Tenant, losses: LossRule, truth: Truth, folder: Path, servers: Servers | None = None
    ) -> None:
        self.tenant, self.losses, self.truth, self.servers = tenant, losses, truth, servers
        self.cast: Cast = cast_of(tenant)
        self.organization = f"{tenant.name}.onmicrosoft.com"
        self.ends = tenant.ends
        self.counts: Counter[str] = Counter()  # distinct records per leg
        self._audit = Stream[AuditRow]([wrapper(tenant.seed, folder / "m365") for wrapper in tenant.audit_wrappers])
        entra = folder / "entra"
        self._signins = {
            kind: Stream[SigninRow](
                [wrapper(tenant.seed, tenant.tenant_id, kind, entra) for wrapper in tenant.signin_wrappers]
            )
            for kind in SIGNIN_KINDS
        }
        self._lines = {
            "graph": Stream[Line]([Output(entra, "MicrosoftGraphActivityLogs", "jsonl", _lines)]),
            "directory": Stream[Line]([Output(entra, "AuditLogs", "jsonl", _lines)]),
        }
        self.lines = 0

    def audit(self, t: int, body: str, leg: str = "acceptance") -> None:
        """Record one audit record at `t`; what is not audited, or after the end of the history, is not kept."""
        if t < self.ends and (self.tenant.mail_audited or _MAIL not in body):
            self._audit.add((t, body))
            self.counts[leg] += 1

    def line(self, stream: str, t: int, text: str, leg: str = "acceptance") -> None:
        """Record one finished line of `stream` (graph or directory)."""
        if t < self.ends:
            self._lines[stream].add((t, text))
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
        if self.losses.loses(t, kind, route.client_id, "" if error else name):
            return True
        body = signin(t, name, uti, correlation, session, route, kind, incoming=incoming, error=error, cae=cae)
        self._signins[kind].add((t, body, error, route.ip, correlation))
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

    def flush(self, number: int) -> None:
        """Write everything of slice `number` (slices since 1970)."""
        for stream in self._streams():
            stream.flush(number)

    def close(self) -> tuple[Path, ...]:
        """Finish all files and return them in a fixed order."""
        paths: list[Path] = []
        for stream in self._streams():
            lines, written = stream.close()
            self.lines += lines
            paths += written
        if self.servers is not None:
            self.counts += self.servers.counts
        return tuple(sorted(paths))

    def _streams(self) -> Sequence[Stream[Any] | Servers]:
        own: list[Stream[Any] | Servers] = [self._audit, *self._signins.values(), *self._lines.values()]
        return own if self.servers is None else [*own, self.servers]


def _lines(rows: list[Line]) -> list[str]:
    return [text + "\n" for _, text in rows]
