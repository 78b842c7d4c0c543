"""Who still accepts a key: a canary under it is presented beside a twin under the current key, which must be let in.

The twin differs from the canary in key and token id, and in nothing else (an id of its own, since a service may refuse
an id that it has seen, and one id on two tokens is itself a finding). A service that refuses both has refused
something else than the key: nothing is said about it. Both are in the ledger before they leave, as canaries.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from counterfoil.errors import UsageError
from counterfoil.exchange import exchange
from counterfoil.jose import base64url
from counterfoil.mint.ledger import Ledger
from counterfoil.model.counterfoil import CANARY, Counterfoil
from counterfoil.relying.http import Endpoint
from counterfoil.tokens.decoded import decoded

SUBJECT = "counterfoil-canary"
# A canary lives for seconds: whoever finds one has nothing. A verifier's leeway comes on top.
LIFE_SECONDS = 60
MAX_LIFE_SECONDS = 600
MAX_ANSWER_BYTES = 256 * 1024
# Between two probes of one party.
PAUSE_SECONDS = 2.0
_NO_SUCCESS, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 300, 400, 401, 403, 429, 500


class Signs(Protocol):
    """One key that signs: its id, its algorithm, and a signature in the form of JWS (RFC 7518, 3)."""

    @property
    def kid(self) -> str:
        """Its id."""

    @property
    def alg(self) -> str:
        """Its algorithm."""

    def sign(self, signing_input: bytes) -> bytes:
        """Return the signature."""


@dataclass(frozen=True)
class Canary:
    """What is asked of a service: issuer, audience, class of token as its access tokens have them. Grants nothing.

    `claims`: what the service wants besides, the same in both tokens. `life`: seconds.
    """

    issuer: str
    audience: str
    typ: str = "at+jwt"
    client: str = SUBJECT
    claims: Mapping[str, Any] = field(default_factory=dict)
    life: int = LIFE_SECONDS

    def __post_init__(self) -> None:
        """Refuse one that lives long, or that says who it is by claims; raises UsageError."""
        if not 1 <= self.life <= MAX_LIFE_SECONDS:
            raise UsageError(f"a canary lives 1 to {MAX_LIFE_SECONDS} seconds, not {self.life}")
        if own := sorted({"iss", "sub", "aud", "jti", "iat", "exp", "scope", "scp", "roles"} & self.claims.keys()):
            raise UsageError(f"a canary has no claim {own[0]!r} of yours", hint="it must grant nothing")


@dataclass(frozen=True)
class Pair:
    """A canary with its twin."""

    canary: str = field(repr=False)
    twin: str = field(repr=False)


def made(asked: Canary, dead: Signs, current: Signs, ledger: Ledger, now: float) -> Pair:
    """Return a canary under the dead key and its twin, both in the ledger already. `now`: Unix seconds."""
    first = canary(asked, dead, ledger, now)
    return Pair(first, twin(first, current, ledger, now))


def canary(asked: Canary, key: Signs, ledger: Ledger, now: float) -> str:
    """Return a canary under a key, which is in the ledger already. `now`: Unix seconds."""
    return _token(asked.typ, claims_of(asked, now), key, ledger, now)


def claims_of(asked: Canary, now: float) -> dict[str, Any]:
    """Return what a canary claims, all but its id. `now`: Unix seconds."""
    return {
        "iss": asked.issuer, "sub": SUBJECT, "aud": asked.audience, "client_id": asked.client, **asked.claims,
        "iat": int(now), "exp": int(now) + asked.life,
    }


def twin(of: str, key: Signs, ledger: Ledger, now: float) -> str:
    """Return the twin of a canary under a key that signs today, which is in the ledger already.

    Raises VerifyError for what is no token, UsageError for one that is no canary, has ended, or has this very key.
    """
    seen = decoded(of)
    claims = seen.claims
    asked = (claims.get("iss"), claims.get("aud"), claims.get("client_id"), seen.header.get("typ"))
    issued, ends = claims.get("iat"), claims.get("exp")
    if claims.get("sub") != SUBJECT or not all(isinstance(each, str) for each in asked):
        raise UsageError("that is no canary", hint="counterfoil respond canary makes one")
    if not (isinstance(issued, int) and isinstance(ends, int) and issued < ends <= issued + MAX_LIFE_SECONDS):
        raise UsageError(f"that is no canary: it does not live for 1 to {MAX_LIFE_SECONDS} seconds")
    if {"scope", "scp", "roles"} & claims.keys():
        raise UsageError("that is no canary: it grants something")
    if not now < ends:
        raise UsageError("the canary has ended: nobody would let its twin in", hint="make another, with a longer life")
    if seen.header.get("kid") == key.kid:
        raise UsageError("canary and twin would have one key", hint="the twin's must be one that signs today")
    return _token(str(asked[3]), dict(claims), key, ledger, now)


def _token(typ: str, claims: dict[str, Any], key: Signs, ledger: Ledger, now: float) -> str:
    claims["jti"] = str(uuid.uuid4())
    header = {"alg": key.alg, "kid": key.kid, "typ": typ}
    given = signing_input(header, claims)
    record(ledger, given, header, claims, now)
    return f"{given.decode()}.{base64url.encode(key.sign(given))}"


def record(ledger: Ledger, given: bytes, header: Mapping[str, str], claims: Mapping[str, Any], now: float) -> None:
    """Keep a canary's counterfoil, before it leaves. `given`: its signing input; `claims`: as a canary has them."""
    ledger.record(Counterfoil(
        time=datetime.fromtimestamp(now, UTC), jti=claims["jti"], digest=sha256(given).hexdigest(),
        kid=header["kid"], alg=header["alg"], typ=header["typ"], iss=claims["iss"], aud=(claims["aud"],),
        client=claims["client_id"], iat=datetime.fromtimestamp(claims["iat"], UTC),
        exp=datetime.fromtimestamp(claims["exp"], UTC), policy=CANARY,
    ))


def signing_input(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bytes:
    """Return what a signature is over (RFC 7515, 5.1)."""
    return ".".join(base64url.encode(msgspec.json.encode(part)) for part in (header, claims)).encode()


class Said(StrEnum):
    """What a probe says of a party."""

    BLOCKED = "blocked"  # the twin is let in, the canary is not
    ACCEPTS = "still accepts"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Party:
    """A relying party: a name, and an address that answers a GET with a token (https, or http on loopback)."""

    name: str
    url: str


@dataclass(frozen=True)
class Probed:
    """One probe of one party. `time`: Unix seconds when the canary had its answer. `why`: in words."""

    party: str
    time: float
    said: Said
    why: str


# Returns the HTTP status that an address answers to a token; raises OSError.
Asks = Callable[[str, str], int]


def asks(url: str, token: str) -> int:
    """Present a token to an address (RFC 6750, 2.1), and return the status."""
    Endpoint(url, allow_local=True)
    headers = {"Authorization": f"Bearer {token}", "Accept": "*/*"}
    return exchange("GET", urlsplit(url), None, headers, MAX_ANSWER_BYTES).status


def probe(party: Party, pair: Pair, ask: Asks, clock: Callable[[], float]) -> Probed:
    """Present the twin, then the canary, and say what that tells. Never raises for a party that does not answer."""
    try:
        twin = ask(party.url, pair.twin)
        canary = ask(party.url, pair.canary)
    except OSError as error:
        return Probed(party.name, clock(), Said.UNKNOWN, f"no answer: {error or type(error).__name__}")
    return Probed(party.name, clock(), *judged(twin, canary))


def repeated(
    parties: Sequence[Party], pair: Pair, keep: Callable[[list[Probed]], object], wait: float, *, ask: Asks = asks,
    clock: Callable[[], float] = time.time, sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Probe all parties, and `keep` what that says; again until all refuse the key, or `wait` seconds are over.

    It ends while the canary lives: whoever refuses it later may refuse it for its age. Raises VerifyError where that
    cannot be told.
    """
    end = min(clock() + wait, float(decoded(pair.canary).claims.get("exp", 0))) if wait else 0.0
    while True:
        found = [probe(party, pair, ask, clock) for party in parties]
        keep(found)
        if all(each.said is Said.BLOCKED for each in found) or clock() + PAUSE_SECONDS >= end:
            return
        sleep(PAUSE_SECONDS)


def judged(twin: int, canary: int) -> tuple[Said, str]:
    """Return what two statuses say. 403 is how some gateways refuse a token and others a right: the twin tells which.

    >>> judged(200, 401)[0].value, judged(401, 401)[0].value, judged(403, 403)[0].value, judged(403, 401)[0].value
    ('blocked', 'cannot tell', 'cannot tell', 'blocked')
    """
    if max(twin, canary) >= _SERVER_ERROR or _TOO_MANY in (twin, canary):
        return Said.UNKNOWN, f"the service itself fails (HTTP {twin} and {canary})"
    if not _refuses(canary):
        if canary != twin and canary >= _NO_SUCCESS:  # 404: some hide so what one may not see
            return Said.UNKNOWN, f"HTTP {twin} to the twin and {canary} to the canary: neither let in nor refused"
        return Said.ACCEPTS, f"the canary was let in (HTTP {canary})"
    if _refuses(twin) and (twin != _FORBIDDEN or canary == twin):
        return Said.UNKNOWN, f"it refuses the twin as well (HTTP {twin}): this says nothing about the key"
    return Said.BLOCKED, f"the twin was let in (HTTP {twin}), the canary was not (HTTP {canary})"


def _refuses(status: int) -> bool:
    """Tell whether a token is refused so: RFC 6750, 3.1; a redirection is how a page asks to sign in."""
    return status in (_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN) or _NO_SUCCESS <= status < _BAD_REQUEST


@dataclass(frozen=True)
class Measured:
    """What the probes of one party say together. `seconds`: from the block until it first refused for good.

    `stale`: the longest time after the block at which it still accepted, 0 if it never did.
    """

    party: str
    said: Said
    seconds: float | None
    stale: float
    why: str


def measured(probes: Iterable[Probed], since: float) -> tuple[Measured, ...]:
    """Return per party what it does, and how long it took. `since`: when the block was published, or the key left.

    A party that refuses after it accepted, and accepts again, is not blocked: replicas answer differently. So the time
    to block counts from the last acceptance on.
    """
    by: dict[str, list[Probed]] = {}
    for each in probes:
        if each.time >= since:
            by.setdefault(each.party, []).append(each)
    return tuple(_of(name, sorted(found, key=lambda each: each.time), since) for name, found in sorted(by.items()))


def _of(name: str, found: Sequence[Probed], since: float) -> Measured:
    accepted = [each.time for each in found if each.said is Said.ACCEPTS]
    last = max(accepted, default=since)
    blocked = next((each for each in found if each.said is Said.BLOCKED and each.time >= last), None)
    stale = max(last - since, 0.0) if accepted else 0.0
    latest = found[-1]
    if latest.said is Said.UNKNOWN and (blocked or accepted):  # what it said before is older than this silence
        return Measured(name, Said.UNKNOWN, None, stale, latest.why)
    return Measured(name, latest.said, blocked.time - since if blocked else None, stale, latest.why)
