"""Keeps a block list by all that comes: events that were pushed or polled for, and what is fetched."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from counterfoil.relying.blocklist import BlockLists
from counterfoil.respond.events import KeyCompromised
from counterfoil.respond.receive import Receiver, poll
from counterfoil.tokens.blocklist import BlockList
from counterfoil.tokens.policy import TokenPolicy
from counterfoil.tokens.rules import when
from counterfoil.tokens.verified import VerifiedToken
from counterfoil.tokens.verifier import Verifier


@dataclass(frozen=True)
class _Events:
    """Verifies events. No list need hold for that, since one may bring it; but a key that is blocked signs none."""

    policy: TokenPolicy
    flow: str | None
    lists: BlockLists

    def verify(self, token: str | bytes, *, at: float) -> VerifiedToken:
        """Return what is verified; raises VerifyError."""
        held = self.lists.held
        known = self.policy if held is None else self.policy.blocking(held)
        return Verifier(replace(known, blocklist=None), self.flow).verify(token, at=at)


class ListKeeper:
    """What a receiver of events does for services on its machine. Safe to share between threads."""

    def __init__(
        self, policy: TokenPolicy, flow: str | None, lists: BlockLists, tell: Callable[[str], object], *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Verify events by this flow, keep `lists`, and `tell` in a line what came."""
        self._lists, self._tell, self._told = lists, tell, lists.held
        events = _Events(policy, policy.flow(flow).name, lists)
        self.receiver = Receiver(events, self._out, clock, listed=self._listed, verified=self._verified)

    def look(self, url: str = "", header: str = "") -> None:
        """Poll there once, with that Authorization header, and fetch the list. Raises UsageError, InputError."""
        if url:
            poll(url, self.receiver, {"Authorization": header} if header else {}, allow_local=True)
        self._lists.refresh()
        self._changed()

    def _out(self, key: KeyCompromised) -> None:
        self._tell(f"told that the key {key.thumbprint} is out: {key.reason}")
        self._lists.refresh()  # an event blocks nothing: the list does
        self._changed()

    def _verified(self, state: str) -> None:
        self._tell(f"verification event {state!r}")

    def _listed(self, raw: bytes) -> None:
        self._lists.offer(raw)
        self._changed()

    def _changed(self) -> None:
        held = self._lists.held
        if held is not None and held is not self._told:
            self._tell(_words(held))
        self._told = held


def _words(found: BlockList) -> str:
    count = len(found.blocked)
    return f"block list {found.number}: {count} key{'' if count == 1 else 's'}, until {when(found.until)}"
