"""Makes events, signed by a key in custody: of compromised keys, block lists, revocations; and verification."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime

import msgspec

from counterfoil.errors import InputError, UsageError
from counterfoil.jose.jwk import thumbprint
from counterfoil.mint.signing import Signing, current_version
from counterfoil.respond import events
from counterfoil.respond.events import TYP, KeyCompromised, key_compromised
from counterfoil.respond.signing import signed
from counterfoil.tokens.revoked import TokenName


def key_event(
    jwk: bytes, *, store: Callable[[ExitStack], Signing], key: str, issuer: str, audience: str, since: datetime,
    reason: str, now: datetime,
) -> str:
    """Return the SET about a public key (JWK, as JSON). Raises InputError for what is none, UsageError for its own."""
    try:
        members = msgspec.json.decode(jwk, type=dict[str, object])
        print_ = thumbprint(members)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("no public key: expected one JWK as JSON") from error
    kid = members.get("kid")
    told = KeyCompromised(
        issuer, kid if isinstance(kid, str) else print_, print_, int(since.timestamp()), reason
    )
    with ExitStack() as stack:
        custody = store(stack)
        if current_version(custody, key, "which key signs events").kid == print_:
            raise UsageError("an event about a key is not signed by that key", hint="name another key of the store")
        claims = key_compromised(issuer, audience, told, int(now.timestamp()))
        return signed(custody, key, TYP, claims, "security event")


def list_event(custody: Signing, key: str, issuer: str, audience: str, listed: str, now: datetime) -> str:
    """Return the SET that carries a block list; raises UsageError for one that is too long for an event."""
    claims = events.block_list(issuer, audience, listed, int(now.timestamp()))
    return signed(custody, key, TYP, claims, "security event")


def verification_event(
    custody: Signing, key: str, issuer: str, audience: str, *, stream: str, state: str, now: datetime
) -> str:
    """Return the SET by which the receiver of a stream sees that it works; `state` is what it asked to hear."""
    claims = events.verification(issuer, audience, stream, state, int(now.timestamp()))
    return signed(custody, key, TYP, claims, "security event")


def revoked_events(
    custody: Signing, key: str, issuer: str, audience: str, *, sessions: Iterable[str], tokens: Iterable[TokenName],
    reason: str, now: datetime,
) -> list[str]:
    """Return a SET for each session, and for each token that has an id (CAEP names no token by a digest)."""
    moment = int(now.timestamp())
    told = [events.session_revoked(issuer, audience, session, moment, reason) for session in sessions]
    told += [events.token_revoked(issuer, audience, name, moment, reason) for name in tokens if name.jti]
    return [signed(custody, key, TYP, claims, "security event") for claims in told]
