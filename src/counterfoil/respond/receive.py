"""Receives security events, pushed or polled for: verified by a token policy before they are believed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from counterfoil.errors import InputError, VerifyError
from counterfoil.relying.http import Endpoint
from counterfoil.respond.events import VERIFICATION, KeyCompromised, read_block_list, read_key_compromised
from counterfoil.tokens.verified import VerifiedToken

# SETs whose ids are remembered, so that one that comes again is not acted on again.
MAX_SEEN = 100_000
MAX_POLL_BYTES = 8 * 1024 * 1024
# Polls in a row while the transmitter says that more is available.
MAX_POLLS = 100
# RFC 8935, 2.4: what a refusal is called, by the rule of ours that refused. The rest is `invalid_request`.
_ERRORS: Mapping[str, str] = {
    "V1": "invalid_key", "V2": "invalid_key", "V3": "invalid_key", "V4": "invalid_key", "F5": "invalid_key",
    "V6": "invalid_issuer", "V7": "invalid_audience",
}


@dataclass(frozen=True)
class Refused:
    """Why a SET is not taken, as RFC 8935, 2.4 and RFC 8936, 2.6 have it."""

    err: str
    description: str

    def told(self) -> dict[str, str]:
        """Return it as JSON."""
        return {"err": self.err, "description": self.description}


class Verifies(Protocol):
    """As much of a verifier as a receiver needs."""

    def verify(self, token: str | bytes, *, at: float) -> VerifiedToken:
        """Return what is verified; raises VerifyError."""


class Receiver:
    """Takes SETs. Safe to share between threads."""

    def __init__(
        self, verifier: Verifies, act: Callable[[KeyCompromised], object], clock: Callable[[], float], *,
        listed: Callable[[bytes], object] = lambda _: None, verified: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Verify by this flow (class `event`).

        `act` hears of a key that is out, `listed` of a block list as it was signed (for `BlockLists.offer`), `verified`
        the state of verification events. VerifyError of theirs refuses the SET; what else they raise leaves it untaken,
        so that it comes again.
        """
        self._verifier, self._act, self._clock = verifier, act, clock
        self._listed, self._verified = listed, verified
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, token: str | bytes) -> Refused | None:
        """Take one SET; None: it is acknowledged. One that came before is acknowledged, and not acted on again."""
        try:
            claims = self._verifier.verify(token, at=self._clock()).claims
        except VerifyError as error:
            return Refused(_ERRORS.get(error.rule, "invalid_request"), error.code)
        with self._lock:
            name = str(claims["iss"]), str(claims["jti"])
            if name in self._seen:
                return None
            try:
                key, listed = read_key_compromised(claims), read_block_list(claims)
            except InputError as error:
                return Refused("invalid_request", str(error))
            try:
                self._do(claims, key, listed)
            except VerifyError as error:
                return Refused("invalid_request", str(error))
            self._seen[name] = None
            while len(self._seen) > MAX_SEEN:
                self._seen.popitem(last=False)
        return None

    def _do(self, claims: Mapping[str, Any], key: KeyCompromised | None, listed: str | None) -> None:
        if listed is not None:
            self._listed(listed.encode())
        if key is not None:
            self._act(key)
        event = claims["events"].get(VERIFICATION)
        if isinstance(event, Mapping):
            self._verified(str(event.get("state", "")))


class _Polled(msgspec.Struct, frozen=True, rename="camel"):
    sets: dict[str, str]
    more_available: bool = False


def poll(url: str, receiver: Receiver, headers: Mapping[str, str] | None = None, *, allow_local: bool = False) -> int:
    """Poll until nothing is left, acknowledging what was taken (RFC 8936, 2.4); return how many SETs were taken.

    Raises UsageError, InputError; what was taken by then and not acknowledged comes again, and is not acted on again.
    """
    endpoint, taken = Endpoint(url, allow_local), 0
    acked, refused = list[str](), dict[str, dict[str, str]]()
    for _ in range(MAX_POLLS):
        asked = {"returnImmediately": True, "ack": acked, "setErrs": refused}
        sent = {**(headers or {}), "Content-Type": "application/json", "Accept": "application/json"}
        answer = endpoint.post(msgspec.json.encode(asked), sent, MAX_POLL_BYTES)
        try:
            found = msgspec.json.decode(answer.body, type=_Polled)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InputError(f"{url}: no answer to a poll (RFC 8936, 2.3)") from error
        if not found.sets:
            return taken
        acked, refused = [], {}
        for jti, token in found.sets.items():
            wrong = receiver.take(token)
            if wrong is None:
                acked.append(jti)
            else:
                refused[jti] = wrong.told()
        taken += len(acked)
    raise InputError(f"{url}: after {MAX_POLLS} polls there is still more", hint="poll again")
